/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Makes tens of thousands of different documents a second out of one: only
 * the Base64 groups that hold the marker are encoded anew.  Refuses to parse
 * XML: it looks for two tags as text.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "doc.h"
#include "file.h"


#define DOC_FILE_MAX      (64 * 1024 * 1024)
#define DOC_SECTIONS_MAX  32
#define DOC_MARKS_MAX     100000
#define DOC_PLAIN         -1

#define DOC_GROUP_RAW     3
#define DOC_GROUP_TEXT    4


typedef struct {
    size_t          at;         /* of the Base64 text in the image */
    size_t          len;
    unsigned char  *raw;        /* decoded */
    size_t          raw_len;
} doc_section_t;


typedef struct {
    int             section;    /* DOC_PLAIN: in the image itself */
    size_t          at;         /* in raw, or in the image */
} doc_mark_t;


struct doc_s {
    char           *image;
    size_t          size;
    char            marker[DOC_MARKER_MAX + 1];
    size_t          marker_len;
    doc_section_t   sections[DOC_SECTIONS_MAX];
    int             n_sections;
    doc_mark_t     *marks;
    size_t          n_marks;
};


static const char  doc_open_tag[] = "<NOIDUNGFILE>";
static const char  doc_close_tag[] = "</NOIDUNGFILE>";


static int
doc_decode(doc_section_t *sec, const char *text)
{
    int  n;

    if (sec->len == 0 || sec->len % DOC_GROUP_TEXT != 0) {
        return -1;
    }

    sec->raw = malloc(sec->len);
    if (sec->raw == NULL) {
        return -1;
    }

    n = EVP_DecodeBlock(sec->raw, (const unsigned char *) text,
                        (int) sec->len);

    if (n != (int) (sec->len / DOC_GROUP_TEXT * DOC_GROUP_RAW)) {
        return -1;
    }

    /* OpenSSL counts the padding as bytes */

    n -= (text[sec->len - 1] == '=') + (text[sec->len - 2] == '=');
    sec->raw_len = (size_t) n;

    return 0;
}


static int
doc_find_sections(doc_t *doc)
{
    char           *p, *end;
    doc_section_t  *sec;

    p = strstr(doc->image, doc_open_tag);

    while (p != NULL && doc->n_sections < DOC_SECTIONS_MAX) {
        p += sizeof(doc_open_tag) - 1;

        end = strstr(p, doc_close_tag);
        if (end == NULL) {
            return -1;
        }

        sec = &doc->sections[doc->n_sections++];
        sec->at = (size_t) (p - doc->image);
        sec->len = (size_t) (end - p);

        if (doc_decode(sec, p) != 0) {
            return -1;
        }

        p = strstr(end, doc_open_tag);
    }

    return p == NULL ? 0 : -1;
}


static int
doc_take_marker(doc_t *doc, const char *text, size_t len)
{
    static const char  tag[] = "<MA_LK>";
    const char        *p, *end;

    p = memmem(text, len, tag, sizeof(tag) - 1);
    if (p == NULL) {
        return -1;
    }

    p += sizeof(tag) - 1;
    end = memchr(p, '<', len - (size_t) (p - text));

    if (end == NULL || end - p > DOC_MARKER_MAX) {
        return -1;
    }

    memcpy(doc->marker, p, (size_t) (end - p));
    doc->marker_len = (size_t) (end - p);

    return 0;
}


static int
doc_choose_marker(doc_t *doc, const char *marker)
{
    size_t  len;

    if (marker != NULL) {
        len = strlen(marker);
        if (len > DOC_MARKER_MAX) {
            return -1;
        }

        memcpy(doc->marker, marker, len);
        doc->marker_len = len;
        return 0;
    }

    for (int i = 0; i < doc->n_sections; i++) {
        if (doc_take_marker(doc, (char *) doc->sections[i].raw,
                            doc->sections[i].raw_len)
            == 0)
        {
            return 0;
        }
    }

    return doc_take_marker(doc, doc->image, doc->size);
}


static int
doc_add_mark(doc_t *doc, int section, size_t at)
{
    doc_mark_t  *marks;

    if (doc->n_marks == DOC_MARKS_MAX) {
        return -1;
    }

    /* the array doubles whenever its length is a power of two */

    if ((doc->n_marks & (doc->n_marks - 1)) == 0) {
        marks = realloc(doc->marks,
                        (doc->n_marks + 1) * 2 * sizeof(doc_mark_t));
        if (marks == NULL) {
            return -1;
        }

        doc->marks = marks;
    }

    doc->marks[doc->n_marks].section = section;
    doc->marks[doc->n_marks].at = at;
    doc->n_marks++;

    return 0;
}


static int
doc_find_marks(doc_t *doc, int section)
{
    size_t       len;
    const char  *text, *p, *end, *before;

    text = doc->image;
    len = doc->size;

    if (section != DOC_PLAIN) {
        text = (char *) doc->sections[section].raw;
        len = doc->sections[section].raw_len;
    }

    end = text + len;
    p = memmem(text, len, doc->marker, doc->marker_len);

    while (p != NULL) {
        if (doc_add_mark(doc, section, (size_t) (p - text)) != 0) {
            return -1;
        }

        before = p + doc->marker_len;
        p = memmem(before, (size_t) (end - before), doc->marker,
                   doc->marker_len);

        /* two of them in one Base64 group would undo each other */

        if (p != NULL && p - before < DOC_GROUP_RAW) {
            return -1;
        }
    }

    return 0;
}


static const char *
doc_prepare(doc_t *doc, const char *marker)
{
    if (doc_find_sections(doc) != 0) {
        return "a section is not one line of Base64";
    }

    if (doc_choose_marker(doc, marker) != 0) {
        return "no marker given and no <MA_LK> found";
    }

    if (doc->marker_len < DOC_MARKER_MIN) {
        return "the marker is too short to be made unique";
    }

    for (int i = DOC_PLAIN; i < doc->n_sections; i++) {
        if (doc_find_marks(doc, i) != 0) {
            return "too many places of the marker, or too near";
        }
    }

    return doc->n_marks == 0 ? "the marker does not occur" : NULL;
}


doc_t *
doc_load(const char *path, const char *marker)
{
    doc_t       *doc;
    const char  *fault;

    doc = calloc(1, sizeof(doc_t));
    if (doc == NULL) {
        return NULL;
    }

    doc->image = file_read(path, DOC_FILE_MAX, &doc->size);

    fault = (doc->image == NULL) ? strerror(errno)
                                 : doc_prepare(doc, marker);

    if (fault != NULL) {
        fprintf(stderr, "ehr-load: %s: %s\n", path, fault);
        doc_free(doc);
        return NULL;
    }

    return doc;
}


void
doc_free(doc_t *doc)
{
    if (doc == NULL) {
        return;
    }

    for (int i = 0; i < doc->n_sections; i++) {
        free(doc->sections[i].raw);
    }

    free(doc->marks);
    free(doc->image);
    free(doc);
}


size_t
doc_size(const doc_t *doc)
{
    return doc->size;
}


const char *
doc_image(const doc_t *doc)
{
    return doc->image;
}


size_t
doc_marker_len(const doc_t *doc)
{
    return doc->marker_len;
}


/* Encodes the groups that the unique text touches, with their neighbours'
 * bytes around it. */

static void
doc_stamp_section(const doc_section_t *sec, size_t at, char *copy,
                  const char *unique, size_t len)
{
    size_t         first, last, n;
    unsigned char  raw[DOC_MARKER_MAX + 2 * DOC_GROUP_RAW];
    unsigned char  text[(DOC_MARKER_MAX / DOC_GROUP_RAW + 3)
                        * DOC_GROUP_TEXT + 1];

    first = at / DOC_GROUP_RAW * DOC_GROUP_RAW;
    last = (at + len + DOC_GROUP_RAW - 1) / DOC_GROUP_RAW * DOC_GROUP_RAW;

    if (last > sec->raw_len) {
        last = sec->raw_len;
    }

    memcpy(raw, sec->raw + first, last - first);
    memcpy(raw + (at - first), unique, len);

    n = (size_t) EVP_EncodeBlock(text, raw, (int) (last - first));

    memcpy(copy + sec->at + first / DOC_GROUP_RAW * DOC_GROUP_TEXT, text, n);
}


void
doc_stamp(const doc_t *doc, char *copy, const char *unique)
{
    const doc_mark_t  *mark;

    for (size_t i = 0; i < doc->n_marks; i++) {
        mark = &doc->marks[i];

        if (mark->section == DOC_PLAIN) {
            memcpy(copy + mark->at, unique, doc->marker_len);
            continue;
        }

        doc_stamp_section(&doc->sections[mark->section], mark->at, copy,
                          unique, doc->marker_len);
    }
}
