/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of the XML reader share, and nobody else needs.  Every
 * function that gives an ehr_scan_e leaves scan->p at the fault.
 */

#ifndef EHR_SCAN_PARTS_H
#define EHR_SCAN_PARTS_H


#include "ehr_scan.h"


#define EHR_SCAN_CODE_NONE  0   /* U+0000 is no character of XML */


/* --- ehr_scan_chars.c ---------------------------------------------------- */

/* What a byte outside of names and values means here: the end, a control
 * character, not UTF-8; else a fault of syntax. */
ehr_scan_e ehr_scan_bad(const ehr_scan_t *s);

/* The length of the character of two to four bytes at p, 0: there is none. */
size_t ehr_scan_utf8(const uint8_t *p, const uint8_t *end);

/* From '&' to behind ';': the character it stands for, EHR_SCAN_CODE_NONE
 * and *p where it was when there is none. */
uint32_t ehr_scan_reference(const uint8_t **p, const uint8_t *end);

/* UTF-8 of a character; 1 to 4 bytes. */
size_t ehr_scan_encode(uint32_t code, char *out);

/* A name with or without a prefix. */
ehr_scan_e ehr_scan_name(ehr_scan_t *s, ehr_scan_name_t *name);


/* --- ehr_scan_tag.c ------------------------------------------------------ */

/* From '<' to behind '>', events told. */
ehr_scan_e ehr_scan_start_tag(ehr_scan_t *s);
ehr_scan_e ehr_scan_end_tag(ehr_scan_t *s);


/* --- ehr_scan_space.c ---------------------------------------------------- */

/* The namespaces that a tag declares come into force; its own and its
 * attributes' prefixes are known, no attribute stands there twice. */
ehr_scan_e ehr_scan_spaces(ehr_scan_t *s, const ehr_scan_name_t *name);


static inline int
ehr_scan_is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}


static inline void
ehr_scan_blanks(ehr_scan_t *s)
{
    while (s->p < s->end && ehr_scan_is_blank(*s->p)) {
        s->line += (*s->p++ == '\n');
    }
}


static inline int
ehr_scan_starts(const ehr_scan_t *s, const char *what, size_t len)
{
    return (size_t) (s->end - s->p) >= len && memcmp(s->p, what, len) == 0;
}


#endif /* EHR_SCAN_PARTS_H */
