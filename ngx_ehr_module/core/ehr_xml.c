/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Drives libxml2 and decides whether a document was read to its end without a
 * fault.  Judges by its own flags and the parser's error number, never by
 * wellFormed, which stays 1 when a parser is stopped.
 */

#include <limits.h>
#include <stdlib.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlIO.h>

#include "ehr_xml.h"


#define EHR_XML_CHUNK      (16 * 1024)  /* between two looks at the clock */
#define EHR_XML_NAMES_MAX  (128 * 1024) /* bytes of different names, of which
                                           all tables have some 20 kB; the
                                           cost of libxml2's dictionary grows
                                           with their square */


struct ehr_xml_s {
    xmlParserCtxtPtr  ctxt;
    xmlSAXHandler     sax;
    ehr_xml_events_t  events;
    uint32_t          first_line;
    unsigned          is_used:1;
    unsigned          is_stopped:1;   /* by a handler */
    unsigned          is_forbidden:1; /* a DTD or an instruction */
};


static void
xml_start(void *data, const xmlChar *name, const xmlChar *prefix,
          const xmlChar *uri, int nnamespaces, const xmlChar **namespaces,
          int nattributes, int ndefaulted, const xmlChar **attributes)
{
    ehr_xml_t   *xml = ((xmlParserCtxtPtr) data)->_private;
    const char  *text = prefix ? EHR_XML_FOREIGN : (const char *) name;

    if (!xml->is_stopped) {
        xml->events.start(xml->events.data, text, strlen(text));
    }
}


static void
xml_end(void *data, const xmlChar *name, const xmlChar *prefix,
        const xmlChar *uri)
{
    ehr_xml_t  *xml = ((xmlParserCtxtPtr) data)->_private;

    if (!xml->is_stopped) {
        xml->events.end(xml->events.data);
    }
}


static void
xml_text(void *data, const xmlChar *text, int len)
{
    ehr_xml_t  *xml = ((xmlParserCtxtPtr) data)->_private;

    if (!xml->is_stopped && len > 0) {
        xml->events.text(xml->events.data, (const char *) text, (size_t) len);
    }
}


/* The gate let none of these pass; should it ever err, this does not. */

static void
xml_forbid(ehr_xml_t *xml)
{
    xml->is_forbidden = 1;
    xmlStopParser(xml->ctxt);
}


static void
xml_doctype(void *data, const xmlChar *name, const xmlChar *external,
            const xmlChar *system)
{
    xml_forbid(((xmlParserCtxtPtr) data)->_private);
}


static void
xml_instruction(void *data, const xmlChar *target, const xmlChar *text)
{
    xml_forbid(((xmlParserCtxtPtr) data)->_private);
}


static void
xml_say_nothing(void *data, xmlErrorPtr error)
{
}


static xmlParserInputPtr
xml_no_entity(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
    return NULL;
}


void
ehr_xml_init(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(xml_no_entity);
}


ehr_xml_t *
ehr_xml_create(void)
{
    ehr_xml_t  *xml;

    xml = calloc(1, sizeof(ehr_xml_t));
    if (xml == NULL) {
        return NULL;
    }

    xml->sax.initialized = XML_SAX2_MAGIC;
    xml->sax.startElementNs = xml_start;
    xml->sax.endElementNs = xml_end;
    xml->sax.characters = xml_text;
    xml->sax.ignorableWhitespace = xml_text;
    xml->sax.cdataBlock = xml_text;
    xml->sax.internalSubset = xml_doctype;
    xml->sax.processingInstruction = xml_instruction;
    xml->sax.serror = xml_say_nothing;

    xml->ctxt = xmlCreatePushParserCtxt(&xml->sax, NULL, NULL, 0, NULL);
    if (xml->ctxt == NULL) {
        free(xml);

        return NULL;
    }

    xml->ctxt->_private = xml;
    xmlCtxtUseOptions(xml->ctxt, XML_PARSE_NONET);

    return xml;
}


void
ehr_xml_destroy(ehr_xml_t *xml)
{
    if (xml == NULL) {
        return;
    }

    xmlFreeParserCtxt(xml->ctxt);
    free(xml);
}


uint32_t
ehr_xml_line(const ehr_xml_t *xml)
{
    const xmlParserInput  *input = xml->ctxt->input;

    return xml->first_line + (input ? (uint32_t) input->line : 1) - 1;
}


void
ehr_xml_switch(ehr_xml_t *xml, const ehr_xml_events_t *events)
{
    xml->events = *events;
}


void
ehr_xml_stop(ehr_xml_t *xml)
{
    xml->is_stopped = 1;
    xmlStopParser(xml->ctxt);
}


static ehr_rc_t
xml_refuse(const ehr_xml_t *xml, ehr_xml_fault_t *fault, ehr_xml_e kind)
{
    fault->kind = kind;
    fault->line = ehr_xml_line(xml);

    return EHR_REFUSED;
}


static ehr_rc_t
xml_judge(const ehr_xml_t *xml, ehr_xml_fault_t *fault)
{
    if (xml->is_forbidden) {
        fault->gate = EHR_GATE_DOCTYPE;

        return xml_refuse(xml, fault, EHR_XML_GATE);
    }

    if (xml->is_stopped) {
        return EHR_OK;
    }

    if (xmlDictGetUsage(xml->ctxt->dict) > EHR_XML_NAMES_MAX) {
        return xml_refuse(xml, fault, EHR_XML_CPU);
    }

    if (xml->ctxt->errNo == XML_ERR_OK) {
        return EHR_OK;
    }

    if (xml->ctxt->errNo == XML_ERR_NO_MEMORY) {
        return EHR_BROKEN;
    }

    return xml_refuse(xml, fault, EHR_XML_SYNTAX);
}


static int
xml_is_late(const ehr_xml_input_t *in)
{
    return in->deadline_ns != 0 && in->cpu_now_ns() > in->deadline_ns;
}


/* The document, without what the gate said to leave out. */

static ehr_rc_t
xml_feed(ehr_xml_t *xml, const ehr_xml_input_t *in, size_t from,
         ehr_xml_fault_t *fault)
{
    int       is_last;
    size_t    at, len;
    ehr_rc_t  rc;

    /* The last piece says that it is: before more could come, libxml2 would
     * look for the end of each tag first. */

    for (at = from, is_last = 0; !is_last; at += len) {
        len = in->content.len - at;
        is_last = len <= EHR_XML_CHUNK;
        len = is_last ? len : EHR_XML_CHUNK;

        if (xml_is_late(in)) {
            return xml_refuse(xml, fault, EHR_XML_CPU);
        }

        (void) xmlParseChunk(xml->ctxt, in->content.data + at, (int) len,
                             is_last);

        rc = xml_judge(xml, fault);
        if (rc != EHR_OK || xml->is_stopped) {
            return rc;
        }
    }

    return EHR_OK;
}


/* A used parser keeps its dictionary of names: the next section has mostly
 * the same ones. */

static ehr_rc_t
xml_reset(ehr_xml_t *xml)
{
    if (xml->is_used
        && xmlCtxtResetPush(xml->ctxt, NULL, 0, NULL, NULL) != 0)
    {
        return EHR_BROKEN;
    }

    xml->is_used = 1;
    xml->is_stopped = 0;
    xml->is_forbidden = 0;

    return EHR_OK;
}


ehr_rc_t
ehr_xml_parse(ehr_xml_t *xml, const ehr_xml_input_t *in,
              ehr_xml_fault_t *fault)
{
    ehr_gate_result_t  gate;

    memset(fault, 0, sizeof(*fault));

    fault->gate = ehr_gate_check(in->content, in->limits, &gate);
    if (fault->gate != EHR_GATE_OK) {
        fault->kind = EHR_XML_GATE;
        fault->line = gate.line;

        return EHR_REFUSED;
    }

    if (xml_reset(xml) != EHR_OK) {
        return EHR_BROKEN;
    }

    xml->events = in->events;
    xml->first_line = 1 + gate.skipped_lines;

    return xml_feed(xml, in, gate.skip, fault);
}
