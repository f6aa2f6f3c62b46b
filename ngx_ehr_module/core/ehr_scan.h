/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The reader of XML: one pass from bytes to three kinds of events, without a
 * tree, a copy or memory of its own.  It takes the XML 1.0 with namespaces
 * that hospitals send, in UTF-8, and no more: no DTD, no processing
 * instruction, no entity but the five, and bounds on everything that could
 * make a document cost more than its size.
 *
 * Signatures are still verified on libxml2's tree.  Were the two to read one
 * document differently, what was signed need not be what was checked.  So
 * this reader is at least as strict as the recommendations, never mends
 * anything, and whatever it accepts libxml2 must accept with the same events:
 * t/unit/test_scan.c and t/fuzz/fuzz_scan.c compare them (docs/adr/0022).
 */

#ifndef EHR_SCAN_H
#define EHR_SCAN_H


#include "ehr.h"


/* An element with a namespace prefix has this name: it is none of ours. */
#define EHR_SCAN_FOREIGN     "*"

#define EHR_SCAN_DEPTH       32
#define EHR_SCAN_ATTRIBUTES  64
#define EHR_SCAN_NAMESPACES  32   /* prefixes declared around an element */
#define EHR_SCAN_PIECE       (16 * 1024)  /* bytes of a text at most, and
                                             between two looks at the clock */


typedef enum {
    EHR_SCAN_OK = 0,
    EHR_SCAN_EMPTY,           /* nothing but blanks */
    EHR_SCAN_UTF8,            /* not UTF-8, another BOM, not an XML Char */
    EHR_SCAN_CONTROL,         /* U+0000..U+001F but tab, CR, LF */
    EHR_SCAN_DECLARED,        /* declares another encoding */
    EHR_SCAN_DOCTYPE,         /* <!DOCTYPE, <!ENTITY, any <! but two */
    EHR_SCAN_INSTRUCTION,     /* <?...?> other than the XML declaration */
    EHR_SCAN_DEPTH_MAX,
    EHR_SCAN_ATTRIBUTES_MAX,  /* of them, or of namespaces */
    EHR_SCAN_TAG_MAX,         /* a tag, comment or declaration too long */
    EHR_SCAN_NAME_MAX,
    EHR_SCAN_TEXT_MAX,        /* one run of text too long */
    EHR_SCAN_CUT,             /* ends inside markup */
    EHR_SCAN_SYNTAX,          /* not well-formed */
    EHR_SCAN_CPU,             /* cost more than the deadline allows */
    EHR_SCAN_LAST
} ehr_scan_e;


typedef struct {
    uint32_t  depth;          /* elements inside each other; empty ones do
                                 not count */
    uint32_t  attributes;     /* in one tag, xmlns among them */
    size_t    tag_bytes;      /* from '<' to '>'; comments as well */
    size_t    name_bytes;
    size_t    text_bytes;     /* without a '<' between; one CDATA */
} ehr_scan_limits_t;


/* Names and texts point into the content, or into constants; a character
 * that was written as a reference is valid until the next but one text. */

typedef struct {
    void  (*start)(void *data, ehr_str_t name);
    void  (*end)(void *data);
    void  (*text)(void *data, const char *text, size_t len);
    void   *data;
} ehr_scan_events_t;


typedef struct {
    ehr_str_t                 content;
    const ehr_scan_limits_t  *limits;
    ehr_scan_events_t         events;        /* start NULL: nobody listens */
    int64_t                   deadline_ns;   /* 0: none */
    int64_t                 (*cpu_now_ns)(void);
} ehr_scan_input_t;


typedef struct {
    const uint8_t  *name;     /* with its prefix */
    uint32_t        len;
    uint32_t        prefix;   /* bytes of it before the colon; 0: none */
} ehr_scan_name_t;


typedef struct {
    ehr_scan_name_t  name;
    uint32_t         sum;     /* of its local part: most names differ here */
    uint32_t         namespace;
    ehr_str_t        value;   /* as written */
} ehr_scan_attribute_t;


typedef struct {
    ehr_str_t  prefix;
    ehr_str_t  uri;           /* as written */
    uint32_t   sum;           /* of its characters */
    uint32_t   first;         /* in force with the same URI; itself */
} ehr_scan_namespace_t;


typedef struct {
    ehr_scan_name_t  name;
    uint32_t         nnamespaces;   /* in force outside of it */
} ehr_scan_element_t;


/* Of one scan at a time; the caller's memory, never to be looked into but
 * for these. */

typedef struct {
    size_t                    skip;          /* BOM and blanks before it */
    uint32_t                  skipped_lines;
    uint32_t                  line;          /* 1.. */
    const uint8_t            *p;
    const uint8_t            *end;
    const uint8_t            *look;          /* at the clock, from here on */
    const ehr_scan_input_t   *in;
    const ehr_scan_limits_t  *limits;
    ehr_scan_events_t         events;
    uint32_t                  depth;
    uint32_t                  nattributes;
    uint32_t                  nnamespaces;
    unsigned                  has_root:1;
    unsigned                  is_stopped:1;
    unsigned                  odd:1;         /* which reference is next */
    char                      reference[2][4];
    ehr_scan_element_t        elements[EHR_SCAN_DEPTH];
    ehr_scan_attribute_t      attributes[EHR_SCAN_ATTRIBUTES];
    ehr_scan_namespace_t      namespaces[EHR_SCAN_NAMESPACES];
} ehr_scan_t;


typedef struct {
    ehr_scan_e  kind;
    uint32_t    line;         /* 1..; 0: empty */
    size_t      offset;
} ehr_scan_fault_t;


/* For documents from outside and for the sections inside them. */
extern const ehr_scan_limits_t  ehr_scan_document;
extern const ehr_scan_limits_t  ehr_scan_section;


/*
 * Does   reads the content to its end or to its first fault; linear, no
 *        memory, thread-safe.  Events come while it reads: what they told is
 *        worth nothing when it is refused in the end
 * Gives  EHR_OK; EHR_REFUSED with *fault.  When a handler stopped it, a fault
 *        of well-formedness is no longer one, a hostile byte still is
 */
ehr_rc_t ehr_scan(ehr_scan_t *scan, const ehr_scan_input_t *in,
                  ehr_scan_fault_t *fault);

/* For handlers: let others have the next events; want no more of them. */
void ehr_scan_switch(ehr_scan_t *scan, const ehr_scan_events_t *events);
void ehr_scan_stop(ehr_scan_t *scan);


/* Refused for what stands there and not for what it means: nothing of such a
 * document is believed. */

static inline int
ehr_scan_is_hostile(ehr_scan_e fault)
{
    return fault > EHR_SCAN_OK && fault < EHR_SCAN_SYNTAX;
}


#endif /* EHR_SCAN_H */
