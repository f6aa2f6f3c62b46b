-- SPDX-License-Identifier: BSD-2-Clause
--
-- What is done in the background, by one worker of all: whoever has the lease.  A
-- newer configuration's worker takes it from an older one's at once.

CREATE TABLE chores (
    name               TEXT    NOT NULL PRIMARY KEY,
    owner_incarnation  INTEGER NOT NULL,
    configured_ms      INTEGER NOT NULL,
    until_ms           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
