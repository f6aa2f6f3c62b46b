/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Bytes to a tree, for canonicalization alone, by libxml2: no other reader's
 * tree can be signed.  What ehr_scan() refuses gets no tree, so that no
 * document has a meaning here that it does not have there (docs/adr/0022).
 * Decides how large a tree may get; long texts become several nodes, which
 * C14N writes as one, so that no step ever needs a second copy of them.
 */

#include <stdlib.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "ehr_scan.h"
#include "ehr_signature_parts.h"


#define TREE_CHUNK  (16 * 1024)   /* bytes between two looks at the clock */
#define TREE_TEXT   (64 * 1024)   /* bytes in one text node */
#define TREE_DEPTH  EHR_SCAN_DEPTH
#define TREE_NAMES  (128 * 1024)  /* bytes of different names, of which all
                                     tables have some 20 kB; the cost of
                                     libxml2's dictionary grows with their
                                     square */


typedef struct {
    xmlParserCtxtPtr   ctxt;
    uint32_t           nnodes;
    uint32_t           depth;
    uint32_t           namespaces[TREE_DEPTH + 1];    /* in scope */
    size_t             ntext;
    unsigned           has_comment:1;
    unsigned           was_cr:1;      /* the last byte of the piece before */
    ehr_sign_fault_e   fault;
    char               text[TREE_TEXT];
    char               piece[TREE_CHUNK];
} tree_t;


static void
tree_stop(tree_t *t, ehr_sign_fault_e fault)
{
    if (t->fault == EHR_SIGN_NONE) {
        t->fault = fault;
    }

    xmlStopParser(t->ctxt);
}


static void
tree_count(tree_t *t, uint32_t n)
{
    t->nnodes += n;

    if (t->nnodes > EHR_SIGN_NODES) {
        tree_stop(t, EHR_SIGN_SIZE);
    }
}


/* What was collected becomes a node; xmlAddChild() would join neighbours. */

static void
tree_flush(tree_t *t)
{
    xmlNodePtr  parent = t->ctxt->node, node;

    if (t->ntext == 0 || parent == NULL) {
        t->ntext = 0;

        return;
    }

    node = xmlNewDocTextLen(t->ctxt->myDoc, BAD_CAST t->text,
                            (int) t->ntext);
    t->ntext = 0;

    if (node == NULL) {
        tree_stop(t, EHR_SIGN_BROKEN);

        return;
    }

    node->parent = parent;
    node->prev = parent->last;

    if (parent->last) {
        parent->last->next = node;

    } else {
        parent->children = node;
    }

    parent->last = node;
    tree_count(t, 1);
}


/* --- events -------------------------------------------------------------- */


static void
tree_start(void *data, const xmlChar *name, const xmlChar *prefix,
           const xmlChar *uri, int nnamespaces, const xmlChar **namespaces,
           int nattributes, int ndefaulted, const xmlChar **attributes)
{
    tree_t    *t = ((xmlParserCtxtPtr) data)->_private;
    uint32_t   scope;

    if (t->fault != EHR_SIGN_NONE) {
        return;
    }

    tree_flush(t);

    if (t->depth == TREE_DEPTH) {
        tree_stop(t, EHR_SIGN_SIZE);

        return;
    }

    scope = t->namespaces[t->depth] + (uint32_t) nnamespaces;
    t->namespaces[++t->depth] = scope;

    if (scope > EHR_SIGN_NAMESPACES) {
        tree_stop(t, EHR_SIGN_SIZE);

        return;
    }

    /* an attribute is a node with a text */
    tree_count(t, 1 + 2 * (uint32_t) nattributes + (uint32_t) nnamespaces);

    if (t->fault == EHR_SIGN_NONE) {
        xmlSAX2StartElementNs(data, name, prefix, uri, nnamespaces,
                              namespaces, nattributes, ndefaulted,
                              attributes);
    }
}


static void
tree_end(void *data, const xmlChar *name, const xmlChar *prefix,
         const xmlChar *uri)
{
    tree_t  *t = ((xmlParserCtxtPtr) data)->_private;

    if (t->fault != EHR_SIGN_NONE) {
        return;
    }

    tree_flush(t);
    t->depth--;
    xmlSAX2EndElementNs(data, name, prefix, uri);
}


static void
tree_text(void *data, const xmlChar *text, int len)
{
    tree_t  *t = ((xmlParserCtxtPtr) data)->_private;
    size_t   left = len > 0 ? (size_t) len : 0, n;

    while (left > 0 && t->fault == EHR_SIGN_NONE) {
        n = TREE_TEXT - t->ntext;
        n = n < left ? n : left;

        memcpy(t->text + t->ntext, text, n);
        t->ntext += n;
        text += n;
        left -= n;

        if (t->ntext == TREE_TEXT) {
            tree_flush(t);
        }
    }
}


static void
tree_comment(void *data, const xmlChar *text)
{
    tree_t  *t = ((xmlParserCtxtPtr) data)->_private;

    t->has_comment |= t->depth > 0;
}


/* The scan let none of these pass; should it ever err, this does not. */

static void
tree_doctype(void *data, const xmlChar *name, const xmlChar *external,
             const xmlChar *system)
{
    tree_stop(((xmlParserCtxtPtr) data)->_private, EHR_SIGN_MALFORMED);
}


static void
tree_instruction(void *data, const xmlChar *target, const xmlChar *text)
{
    tree_stop(((xmlParserCtxtPtr) data)->_private, EHR_SIGN_MALFORMED);
}


static void
tree_reference(void *data, const xmlChar *name)
{
    tree_stop(((xmlParserCtxtPtr) data)->_private, EHR_SIGN_MALFORMED);
}


static void
tree_say_nothing(void *data, xmlErrorPtr error)
{
}


/* --- parsing ------------------------------------------------------------- */


/* HUGE lifts limits that the scan, the count of nodes and the pieces of text
 * have replaced by lower ones. */

static xmlParserCtxtPtr
tree_parser(tree_t *t)
{
    xmlParserCtxtPtr  ctxt;
    xmlSAXHandler     sax;

    memset(&sax, 0, sizeof(sax));

    sax.initialized = XML_SAX2_MAGIC;
    sax.startDocument = xmlSAX2StartDocument;
    sax.startElementNs = tree_start;
    sax.endElementNs = tree_end;
    sax.characters = tree_text;
    sax.ignorableWhitespace = tree_text;
    sax.cdataBlock = tree_text;
    sax.comment = tree_comment;
    sax.reference = tree_reference;
    sax.internalSubset = tree_doctype;
    sax.processingInstruction = tree_instruction;
    sax.serror = tree_say_nothing;

    ctxt = xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);
    if (ctxt == NULL) {
        return NULL;
    }

    ctxt->_private = t;
    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_HUGE);

    return ctxt;
}


static ehr_sign_fault_e
tree_judge(const tree_t *t)
{
    if (t->fault != EHR_SIGN_NONE) {
        return t->fault;
    }

    if (xmlDictGetUsage(t->ctxt->dict) > TREE_NAMES) {
        return EHR_SIGN_SIZE;
    }

    switch (t->ctxt->errNo) {

    case XML_ERR_OK:
        return EHR_SIGN_NONE;

    case XML_ERR_NO_MEMORY:
        return EHR_SIGN_BROKEN;

    default:
        return EHR_SIGN_MALFORMED;
    }
}


/* XML 1.0 section 2.11: CR LF and CR are LF before anything is parsed.  In
 * CDATA libxml2 leaves that to a pull parser, and would digest another text
 * than the signer, and than the scan read. */

static ehr_str_t
tree_line_ends(tree_t *t, const char *bytes, size_t len)
{
    ehr_str_t  piece = { bytes, len };
    char      *out = t->piece;

    if (!t->was_cr && memchr(bytes, '\r', len) == NULL) {
        return piece;
    }

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n' || !t->was_cr) {
            *out++ = bytes[i] == '\r' ? '\n' : bytes[i];
        }

        t->was_cr = (bytes[i] == '\r');
    }

    piece.data = t->piece;
    piece.len = (size_t) (out - t->piece);

    return piece;
}


static ehr_sign_fault_e
tree_feed(tree_t *t, const ehr_signature_input_t *in, ehr_str_t bytes)
{
    size_t            at, len;
    ehr_str_t         piece;
    ehr_sign_fault_e  fault;

    for (at = 0; at < bytes.len; at += len) {
        len = bytes.len - at;
        len = len < TREE_CHUNK ? len : TREE_CHUNK;

        if (in->deadline_ns != 0 && in->cpu_now_ns() > in->deadline_ns) {
            return EHR_SIGN_CPU;
        }

        piece = tree_line_ends(t, bytes.data + at, len);
        (void) xmlParseChunk(t->ctxt, piece.data, (int) piece.len, 0);

        fault = tree_judge(t);
        if (fault != EHR_SIGN_NONE) {
            return fault;
        }
    }

    (void) xmlParseChunk(t->ctxt, NULL, 0, 1);

    return tree_judge(t);
}


/* Nobody listens: what counts is that it is taken, and what stands before it
 * that libxml2 would not take. */

static ehr_sign_fault_e
tree_scan(ehr_sign_t *s, ehr_str_t *bytes)
{
    ehr_scan_t        scan;
    ehr_scan_input_t  in;
    ehr_scan_fault_t  fault;

    memset(&in, 0, sizeof(in));
    in.content = *bytes;
    in.limits = &ehr_scan_document;
    in.deadline_ns = s->in->deadline_ns;
    in.cpu_now_ns = s->in->cpu_now_ns;

    if (ehr_scan(&scan, &in, &fault) != EHR_OK) {
        return fault.kind == EHR_SCAN_CPU ? EHR_SIGN_CPU : EHR_SIGN_MALFORMED;
    }

    bytes->data += scan.skip;
    bytes->len -= scan.skip;
    s->skipped_lines = scan.skipped_lines;

    return EHR_SIGN_NONE;
}


ehr_sign_fault_e
ehr_sign_tree(ehr_sign_t *s, ehr_str_t bytes)
{
    tree_t            *t;
    ehr_sign_fault_e   fault = tree_scan(s, &bytes);

    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    t = calloc(1, sizeof(tree_t));
    if (t == NULL) {
        return EHR_SIGN_BROKEN;
    }

    t->ctxt = tree_parser(t);
    if (t->ctxt == NULL) {
        free(t);

        return EHR_SIGN_BROKEN;
    }

    fault = tree_feed(t, s->in, bytes);

    s->doc = t->ctxt->myDoc;
    s->root = s->doc ? xmlDocGetRootElement(s->doc) : NULL;
    s->has_comment = t->has_comment;

    xmlFreeParserCtxt(t->ctxt);
    free(t);

    return fault == EHR_SIGN_NONE && s->root == NULL ? EHR_SIGN_MALFORMED
                                                     : fault;
}


void
ehr_sign_tree_free(ehr_sign_t *s)
{
    if (s->doc) {
        xmlFreeDoc(s->doc);
    }
}
