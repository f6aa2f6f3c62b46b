-- SPDX-License-Identifier: BSD-2-Clause
--
-- How the bytes of a document are kept: 0 as received, 1 as one Zstandard
-- frame (RFC 8878) of them.

ALTER TABLE contents ADD COLUMN packing INTEGER NOT NULL DEFAULT 0
    CHECK (packing IN (0, 1));
