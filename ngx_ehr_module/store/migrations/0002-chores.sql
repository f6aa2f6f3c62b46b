-- SPDX-License-Identifier: BSD-2-Clause
--
-- What is done in the background, one worker at a time: a chore is the
-- owner's until until_ms, and goes on where it stood.

CREATE TABLE chores (
    name               TEXT    NOT NULL PRIMARY KEY,
    owner_slot         INTEGER NOT NULL DEFAULT 0,
    owner_incarnation  INTEGER NOT NULL DEFAULT 0,
    until_ms           INTEGER NOT NULL DEFAULT 0,
    due_ms             INTEGER NOT NULL DEFAULT 0,
    position           INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
