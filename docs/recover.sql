-- SPDX-License-Identifier: BSD-2-Clause

-- After a damaged journal was read into a new one (administration.md): what
-- lost its other half goes, for its number will be given again; deliveries
-- that were lost are made again as the history knows them.  What the history
-- does not know to be settled is held: a person decides whether it was sent.

BEGIN;
DELETE FROM idempotency_keys WHERE seq NOT IN (SELECT seq FROM submissions);
DELETE FROM contents WHERE seq NOT IN (SELECT seq FROM submissions);
DELETE FROM deliveries WHERE seq NOT IN (SELECT seq FROM submissions);
DELETE FROM attempts WHERE delivery NOT IN (SELECT id FROM deliveries);
INSERT INTO removals
    SELECT DISTINCT seq FROM history
    WHERE seq NOT IN (SELECT seq FROM submissions);
DELETE FROM history WHERE seq IN (SELECT seq FROM removals);
DELETE FROM removals;

INSERT INTO deliveries (seq, partner, facility, kind, business_key, state,
                        reason, rank, target_ms)
SELECT h.seq, h.partner, s.facility, s.kind, s.business_key,
       iif(h.state IN ('accepted', 'accepted_with_message', 'refused',
                       'superseded'), h.state, 'held'),
       'journal.recovered', 1, 0
    FROM (SELECT seq, partner, state, max(step) FROM history
          WHERE partner <> '' GROUP BY seq, partner) AS h
    JOIN submissions AS s ON s.seq = h.seq
    WHERE NOT EXISTS (SELECT 1 FROM deliveries AS d
                      WHERE d.seq = h.seq AND d.partner = h.partner);
COMMIT;
