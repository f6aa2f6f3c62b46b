/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads one document by ehr_scan() and by libxml2, and says whether they
 * agree: both refuse it, or both tell the same names, texts and lines in the
 * same order.  For the unit tests and the fuzzer.
 */

#ifndef EHR_TEST_SCAN_AGREES_H
#define EHR_TEST_SCAN_AGREES_H


#include <stdio.h>
#include <stdlib.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "ehr_scan.h"


#define AGREES_START  '\x01'  /* none of them can stand in a document */
#define AGREES_LINE   '\x02'
#define AGREES_END    '\x03'

#define AGREES_CHUNK  61      /* of the push parser: cuts everything apart */


typedef enum {
    AGREES = 0,
    AGREES_BOUND,             /* ours alone: nothing to compare */
    AGREES_STRICTER,          /* we refuse what libxml2 takes */
    AGREES_LAXER,             /* we take what libxml2 refuses */
    AGREES_NOT                /* other events */
} agrees_e;


/* What was told, as a text: pieces of one text are not told apart. */

typedef struct {
    char              *text;
    size_t             len;
    size_t             size;
    const ehr_scan_t  *scan;
    xmlParserCtxtPtr   ctxt;
    uint32_t           skipped_lines;
} agrees_log_t;


static inline void
agrees_put(agrees_log_t *log, const char *text, size_t len)
{
    while (log->len + len > log->size) {
        log->size = log->size ? 2 * log->size : 4096;
        log->text = realloc(log->text, log->size);

        if (log->text == NULL) {
            abort();
        }
    }

    if (len) {
        memcpy(log->text + log->len, text, len);
        log->len += len;
    }
}


static inline void
agrees_start(agrees_log_t *log, ehr_str_t name, uint32_t line)
{
    char  text[32];
    int   n = snprintf(text, sizeof(text), "%c%u%c", AGREES_LINE, line,
                       AGREES_LINE);

    agrees_put(log, (char[]) { AGREES_START }, 1);
    agrees_put(log, name.data, name.len);
    agrees_put(log, text, (size_t) n);
}


/* --- ehr_scan() ---------------------------------------------------------- */


static inline void
agrees_scan_start(void *data, ehr_str_t name)
{
    agrees_log_t  *log = data;

    agrees_start(log, name, log->scan->line);
}


static inline void
agrees_scan_end(void *data)
{
    agrees_put(data, (char[]) { AGREES_END }, 1);
}


static inline void
agrees_scan_text(void *data, const char *text, size_t len)
{
    agrees_put(data, text, len);
}


static inline ehr_rc_t
agrees_scan(ehr_str_t bytes, const ehr_scan_limits_t *limits,
            ehr_scan_t *scan, agrees_log_t *log, ehr_scan_fault_t *fault)
{
    ehr_scan_input_t  in;

    memset(log, 0, sizeof(*log));
    memset(&in, 0, sizeof(in));
    log->scan = scan;
    in.content = bytes;
    in.limits = limits;
    in.events.start = agrees_scan_start;
    in.events.end = agrees_scan_end;
    in.events.text = agrees_scan_text;
    in.events.data = log;

    return ehr_scan(scan, &in, fault);
}


/* --- libxml2 ------------------------------------------------------------- */


static inline void
agrees_xml_start(void *data, const xmlChar *name, const xmlChar *prefix,
                 const xmlChar *uri, int nnamespaces,
                 const xmlChar **namespaces, int nattributes, int ndefaulted,
                 const xmlChar **attributes)
{
    xmlParserCtxtPtr   ctxt = data;
    agrees_log_t      *log = ctxt->_private;

    (void) uri;
    (void) nnamespaces;
    (void) namespaces;
    (void) nattributes;
    (void) ndefaulted;
    (void) attributes;

    agrees_start(log, ehr_str(prefix ? EHR_SCAN_FOREIGN : (const char *) name),
                 (uint32_t) ctxt->input->line + log->skipped_lines);
}


static inline void
agrees_xml_end(void *data, const xmlChar *name, const xmlChar *prefix,
               const xmlChar *uri)
{
    (void) name;
    (void) prefix;
    (void) uri;

    agrees_put(((xmlParserCtxtPtr) data)->_private, (char[]) { AGREES_END },
               1);
}


static inline void
agrees_xml_text(void *data, const xmlChar *text, int len)
{
    agrees_put(((xmlParserCtxtPtr) data)->_private, (const char *) text,
               (size_t) len);
}


static inline void
agrees_xml_silent(void *data, xmlErrorPtr error)
{
    (void) data;
    (void) error;
}


/* chunk 0: the whole at once, by the parser that is not a push parser. */

static inline xmlParserCtxtPtr
agrees_xml_parser(ehr_str_t bytes, int chunk)
{
    xmlParserCtxtPtr  ctxt;
    xmlSAXHandler     sax;

    memset(&sax, 0, sizeof(sax));
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = agrees_xml_start;
    sax.endElementNs = agrees_xml_end;
    sax.characters = agrees_xml_text;
    sax.ignorableWhitespace = agrees_xml_text;
    sax.cdataBlock = agrees_xml_text;
    sax.serror = agrees_xml_silent;

    if (chunk) {
        ctxt = xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);

    } else {
        ctxt = xmlCreateMemoryParserCtxt(bytes.data, (int) bytes.len);

        if (ctxt) {
            *ctxt->sax = sax;
        }
    }

    if (ctxt == NULL) {
        abort();
    }

    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_HUGE);

    return ctxt;
}


/* Its own verdict is the number of the error: wellFormed forgives faults of
 * namespaces. */

static inline int
agrees_xml(ehr_str_t bytes, int chunk, agrees_log_t *log)
{
    xmlParserCtxtPtr  ctxt = agrees_xml_parser(bytes, chunk);
    int               is_good;

    ctxt->_private = log;
    log->ctxt = ctxt;

    if (chunk == 0) {
        (void) xmlParseDocument(ctxt);
    }

    while (chunk && bytes.len > 0) {
        int  len = bytes.len < (size_t) chunk ? (int) bytes.len : chunk;

        (void) xmlParseChunk(ctxt, bytes.data, len, 0);
        bytes.data += len;
        bytes.len -= (size_t) len;
    }

    if (chunk) {
        (void) xmlParseChunk(ctxt, NULL, 0, 1);
    }

    is_good = (ctxt->errNo == XML_ERR_OK);
    xmlFreeParserCtxt(ctxt);

    return is_good;
}


/* --- both ---------------------------------------------------------------- */


static inline int
agrees_has(ehr_str_t bytes, const char *what)
{
    return memmem(bytes.data, bytes.len, what, strlen(what)) != NULL;
}


/* A version without a digit behind its point. */

static inline int
agrees_has_odd_version(ehr_str_t bytes)
{
    return agrees_has(bytes, "version")
           && (agrees_has(bytes, "1.\"") || agrees_has(bytes, "1.'"));
}


/* Of namespaces' names we take a little less than libxml2.  A byte order mark
 * behind blank lines, or a second one, is none to us; libxml2 would skip it,
 * for it sees the bytes from there on. */

static inline int
agrees_may_be_stricter(ehr_str_t bytes)
{
    return agrees_has(bytes, "xmlns") || agrees_has_odd_version(bytes)
           || (bytes.len >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0);
}


/* libxml2's push parser leaves CR in CDATA as it is; a signature's tree is
 * built of bytes that have none. */

static inline int
agrees_may_be_pushed(ehr_str_t bytes)
{
    return !(agrees_has(bytes, "<![CDATA[") && agrees_has(bytes, "\r"));
}


static inline agrees_e
agrees_one(ehr_str_t bytes, const agrees_log_t *ours, int is_taken, int chunk)
{
    agrees_log_t  log;
    agrees_e      rc = AGREES;
    int           is_good;

    memset(&log, 0, sizeof(log));
    log.skipped_lines = ours->skipped_lines;
    is_good = agrees_xml(bytes, chunk, &log);

    if (is_taken != is_good) {
        rc = is_taken ? AGREES_LAXER : AGREES_STRICTER;

    } else if (is_taken && (log.len != ours->len
                            || memcmp(log.text, ours->text, log.len) != 0))
    {
        rc = AGREES_NOT;
    }

    free(log.text);

    return rc == AGREES_STRICTER && agrees_may_be_stricter(bytes) ? AGREES
                                                                  : rc;
}


static inline agrees_e
agrees_with_libxml2(ehr_str_t bytes, const ehr_scan_limits_t *limits)
{
    ehr_scan_t        scan;
    ehr_scan_fault_t  fault;
    agrees_log_t      log;
    agrees_e          agrees = AGREES_BOUND;
    ehr_rc_t          rc;

    rc = agrees_scan(bytes, limits, &scan, &log, &fault);

    if (rc == EHR_OK || fault.kind == EHR_SCAN_SYNTAX) {
        log.skipped_lines = scan.skipped_lines;
        bytes.data += scan.skip;
        bytes.len -= scan.skip;
        agrees = agrees_one(bytes, &log, rc == EHR_OK, 0);

        if (agrees == AGREES && agrees_may_be_pushed(bytes)) {
            agrees = agrees_one(bytes, &log, rc == EHR_OK, AGREES_CHUNK);
        }
    }

    free(log.text);

    return agrees;
}


#endif /* EHR_TEST_SCAN_AGREES_H */
