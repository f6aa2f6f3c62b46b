/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The byte gate: what a document may look like before the XML parser sees a
 * byte of it.  UTF-8 only, no DTD, no processing instruction, and bounds on
 * everything in which a parser's cost grows faster than its input.  It does
 * not check that the document is well-formed: that is the parser's part, and
 * whatever the two could tokenise differently stands behind the parser's
 * first error.
 */

#ifndef EHR_GATE_H
#define EHR_GATE_H


#include "ehr.h"


typedef enum {
    EHR_GATE_OK = 0,
    EHR_GATE_EMPTY,           /* nothing but blanks */
    EHR_GATE_UTF8,            /* not UTF-8, another BOM, not an XML Char */
    EHR_GATE_CONTROL,         /* U+0000..U+001F but tab, CR, LF */
    EHR_GATE_DECLARED,        /* declares another encoding */
    EHR_GATE_DOCTYPE,         /* <!DOCTYPE, <!ENTITY, any <! but two */
    EHR_GATE_INSTRUCTION,     /* <?...?> other than the XML declaration */
    EHR_GATE_DEPTH,
    EHR_GATE_ATTRIBUTES,
    EHR_GATE_TAG,             /* a tag, comment or declaration too long */
    EHR_GATE_NAME,
    EHR_GATE_TEXT,            /* one run of text too long */
    EHR_GATE_CUT,             /* ends inside markup */
    EHR_GATE_LAST
} ehr_gate_e;


typedef struct {
    size_t  depth;            /* elements inside each other */
    size_t  attributes;       /* in one tag, xmlns among them */
    size_t  tag_bytes;        /* from '<' to '>'; comments as well */
    size_t  name_bytes;
    size_t  text_bytes;       /* without a '<' between; one CDATA */
} ehr_gate_limits_t;


typedef struct {
    size_t    offset;         /* of the refusal */
    uint32_t  line;           /* of the refusal, 1..; 0: empty */
    size_t    skip;           /* BOM and blank lines before the document */
    uint32_t  skipped_lines;
} ehr_gate_result_t;


/* For documents from outside and for the sections inside them. */
extern const ehr_gate_limits_t  ehr_gate_document;
extern const ehr_gate_limits_t  ehr_gate_section;


/*
 * Does   one pass over the bytes, no memory, linear
 * Gives  EHR_GATE_OK and how many bytes the parser must not see, or the first
 *        reason to refuse and where it stands
 */
ehr_gate_e ehr_gate_check(ehr_str_t bytes, const ehr_gate_limits_t *limits,
                          ehr_gate_result_t *result);


#endif /* EHR_GATE_H */
