-- SPDX-License-Identifier: BSD-2-Clause

-- The journal and the registry.  Times are milliseconds since 1970, UTC.
-- A migration that has been released is never edited: the next one mends it.

-- seq is the order of acceptance.  The newest submission is never deleted, nor
-- the newest delivery, so SQLite's own "highest plus one" never gives a number
-- twice.

CREATE TABLE submissions (
    seq           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    facility      TEXT    NOT NULL CHECK (facility <> ''),
    kind          TEXT    NOT NULL,
    standard      TEXT    NOT NULL,
    business_key  TEXT    NOT NULL,
    content_type  TEXT    NOT NULL,
    sha256        BLOB    NOT NULL CHECK (length(sha256) = 32),
    size          INTEGER NOT NULL,
    received_ms   INTEGER NOT NULL,
    warnings      TEXT    NOT NULL,
    warnings_en   TEXT    NOT NULL
) STRICT;

-- I3: the same facility and the same bytes are the same submission.
CREATE UNIQUE INDEX submissions_bytes ON submissions (facility, sha256);

-- Each of these ends in seq, as every index does: lists come out in order.
CREATE INDEX submissions_business
    ON submissions (business_key, facility, kind);
CREATE INDEX submissions_kind ON submissions (facility, kind);

-- Payloads apart, so that the rows that are searched stay small.
--
-- packing: how the bytes are kept: 0 as received, 1 as one Zstandard frame
-- (RFC 8878) of them.
-- key: 0 in clear; else which key has sealed them, after packing.  Sealed
-- bytes are nonce, ciphertext and tag of XAES-256-GCM (C2SP); what else is
-- bound to them says ehr_store_content.c.

CREATE TABLE contents (
    seq      INTEGER PRIMARY KEY REFERENCES submissions (seq),
    packing  INTEGER NOT NULL DEFAULT 0 CHECK (packing IN (0, 1)),
    key      INTEGER NOT NULL DEFAULT 0,
    bytes    BLOB    NOT NULL
) STRICT;

-- Which keys are in use, and what is to be sealed anew.
CREATE INDEX contents_key ON contents (key);

-- Several keys may name one submission: the same bytes sent again under
-- another key.

CREATE TABLE idempotency_keys (
    facility  TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    seq       INTEGER NOT NULL REFERENCES submissions (seq),
    PRIMARY KEY (facility, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_seq ON idempotency_keys (seq);

-- facility, kind and business_key repeat the submission's, so that the order
-- of one key is one index and not a join over all its older contents.
--
-- due_ms is not 0 while something waits for its time: retrying, and held by a
-- closed window.  A claim puts it to 0 when the time has come.  rank says in
-- which ring a claim finds it: 0 urgent, 1 not, 2 tried before.  target_ms is
-- the deadline of its kind, 0 for none; it orders and is shown, no more.

CREATE TABLE deliveries (
    id                 INTEGER PRIMARY KEY,
    seq                INTEGER NOT NULL REFERENCES submissions (seq),
    partner            TEXT    NOT NULL CHECK (partner <> ''),
    facility           TEXT    NOT NULL,
    kind               TEXT    NOT NULL,
    business_key       TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN (
                           'pending', 'sending', 'accepted',
                           'accepted_with_message', 'refused', 'retrying',
                           'uncertain', 'held', 'superseded')),
    due_ms             INTEGER NOT NULL DEFAULT 0,
    rank               INTEGER NOT NULL CHECK (rank IN (0, 1, 2)),
    target_ms          INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0,
    fence              INTEGER NOT NULL DEFAULT 0,
    owner_slot         INTEGER,
    owner_incarnation  INTEGER,
    probe_ms           INTEGER NOT NULL DEFAULT 0,
    probes             INTEGER NOT NULL DEFAULT 0,
    crashes            INTEGER NOT NULL DEFAULT 0,
    asker_slot         INTEGER,
    asker_incarnation  INTEGER,
    partner_ref        TEXT    NOT NULL DEFAULT '',
    partner_code       TEXT    NOT NULL DEFAULT '',
    message            TEXT    NOT NULL DEFAULT '',
    reason             TEXT    NOT NULL DEFAULT '',
    UNIQUE (seq, partner),
    CHECK ((state = 'sending') = (owner_slot IS NOT NULL)),
    CHECK ((owner_slot IS NULL) = (owner_incarnation IS NULL)),
    CHECK (probe_ms = 0 OR state = 'uncertain')
) STRICT;

-- Partial: a settled delivery leaves them, so what is claimed, counted and
-- recovered costs the same with a million stored as with none.  A new
-- delivery enters three of them; each more is paid by every document.

CREATE INDEX deliveries_ready
    ON deliveries (partner, rank, facility, target_ms)
    WHERE state IN ('pending', 'retrying') AND due_ms = 0;
CREATE INDEX deliveries_later ON deliveries (partner, due_ms)
    WHERE due_ms > 0;
CREATE INDEX deliveries_state ON deliveries (state, partner, seq, target_ms)
    WHERE state <> 'accepted';
CREATE INDEX deliveries_facility ON deliveries (facility, state, seq)
    WHERE state NOT IN ('accepted', 'pending');
-- probe_ms is when the partner is asked what became of it; 0: nobody asks.
CREATE INDEX deliveries_probes ON deliveries (partner, probe_ms)
    WHERE probe_ms > 0;
CREATE INDEX deliveries_askers ON deliveries (asker_slot, asker_incarnation)
    WHERE asker_slot IS NOT NULL;
CREATE INDEX deliveries_order
    ON deliveries (business_key, facility, kind, partner, seq)
    WHERE state IN ('pending', 'sending', 'retrying', 'held');

-- ended_ms is NULL while the attempt runs.

CREATE TABLE attempts (
    delivery           INTEGER NOT NULL REFERENCES deliveries (id),
    attempt            INTEGER NOT NULL,
    fence              INTEGER NOT NULL,
    owner_slot         INTEGER NOT NULL,
    owner_incarnation  INTEGER NOT NULL,
    started_ms         INTEGER NOT NULL,
    ended_ms           INTEGER,
    state              TEXT    NOT NULL DEFAULT 'sending',
    http_status        INTEGER NOT NULL DEFAULT 0,
    partner_code       TEXT    NOT NULL DEFAULT '',
    partner_ref        TEXT    NOT NULL DEFAULT '',
    reason             TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, attempt)
) STRICT, WITHOUT ROWID;

-- I2: every transition, appended only.

CREATE TABLE history (
    seq      INTEGER NOT NULL REFERENCES submissions (seq),
    step     INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    partner  TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    note     TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (seq, step)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history
BEGIN
    SELECT raise(ABORT, 'history is only appended');
END;

-- Submissions that are past their retention, while they are removed and no
-- longer: the one way in which the history gives way.

CREATE TABLE removals (
    seq  INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER history_is_not_removed BEFORE DELETE ON history
WHEN NOT EXISTS (SELECT 1 FROM removals AS r WHERE r.seq = old.seq)
BEGIN
    SELECT raise(ABORT, 'history is only appended');
END;

-- What administrators said of a partner; none is everything as configured.

CREATE TABLE partners (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    is_paused   INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A person's decision about many deliveries, and how far it has come: up to
-- the delivery "after".

CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY,
    action      TEXT    NOT NULL CHECK (action IN (
                    'hold', 'release', 'replay', 'refuse')),
    state       TEXT    NOT NULL CHECK (state IN (
                    'running', 'paused', 'done', 'cancelled')),
    facility    TEXT    NOT NULL,
    partner     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    in_state    TEXT    NOT NULL,
    since_ms    INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL,
    rate        INTEGER NOT NULL CHECK (rate > 0),
    note        TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    due_ms      INTEGER NOT NULL,
    after       INTEGER NOT NULL DEFAULT 0,
    upto        INTEGER NOT NULL,
    changed     INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,
    version     INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX jobs_running ON jobs (due_ms) WHERE state = 'running';

-- The registry of facilities.

CREATE TABLE facilities (
    code              TEXT    NOT NULL PRIMARY KEY CHECK (code <> ''),
    name              TEXT    NOT NULL,
    standard          TEXT    NOT NULL,
    kinds             INTEGER NOT NULL,
    is_suspended      INTEGER NOT NULL DEFAULT 0,
    suspended_reason  TEXT    NOT NULL DEFAULT '',
    rate_milli        INTEGER NOT NULL,
    burst             INTEGER NOT NULL,
    version           INTEGER NOT NULL DEFAULT 0,
    tokens_from_ms    INTEGER NOT NULL DEFAULT 0,
    changed_ms        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
    sha256        BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    facility      TEXT    NOT NULL REFERENCES facilities (code),
    subject       TEXT    NOT NULL,
    not_after_ms  INTEGER NOT NULL,
    added_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX certificates_facility ON certificates (facility);

CREATE TABLE registry (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    generation  INTEGER NOT NULL
) STRICT;

INSERT INTO registry (one, generation) VALUES (1, 0);

CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    detail      TEXT    NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit is only appended');
END;

CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit is only appended');
END;
