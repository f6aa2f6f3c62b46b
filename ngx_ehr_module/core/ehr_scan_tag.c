/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tags: that they are closed, in order, and that their attributes are written
 * as they must be.  What an attribute says is of no interest: no document of
 * ours has any.
 */

#include "ehr_scan_parts.h"


/* A quoted value, its quotes included. */

static ehr_scan_e
tag_value(ehr_scan_t *s, ehr_str_t *value)
{
    uint8_t  quote = *s->p;
    size_t   len;

    value->data = (const char *) ++s->p;

    while (s->p < s->end && *s->p != quote) {
        uint8_t  c = *s->p;

        if (c == '&') {
            if (ehr_scan_reference(&s->p, s->end) == EHR_SCAN_CODE_NONE) {
                return EHR_SCAN_SYNTAX;
            }

            continue;
        }

        if (c >= 0x80) {
            len = ehr_scan_utf8(s->p, s->end);

            if (len == 0) {
                return EHR_SCAN_UTF8;
            }

            s->p += len;
            continue;
        }

        if (c == '<' || (c < 0x20 && !ehr_scan_is_blank(c))) {
            return ehr_scan_bad(s);
        }

        s->line += (c == '\n');
        s->p++;
    }

    if (s->p == s->end) {
        return EHR_SCAN_CUT;
    }

    value->len = (size_t) ((const char *) s->p++ - value->data);

    return EHR_SCAN_OK;
}


static ehr_scan_e
tag_attribute(ehr_scan_t *s)
{
    ehr_scan_attribute_t  *a = &s->attributes[s->nattributes];
    ehr_scan_e             rc;

    if (s->nattributes == s->limits->attributes) {
        return EHR_SCAN_ATTRIBUTES_MAX;
    }

    rc = ehr_scan_name(s, &a->name);
    if (rc != EHR_SCAN_OK) {
        return rc;
    }

    ehr_scan_blanks(s);

    if (s->p == s->end || *s->p != '=') {
        return ehr_scan_bad(s);
    }

    s->p++;
    ehr_scan_blanks(s);

    if (s->p == s->end || (*s->p != '"' && *s->p != '\'')) {
        return ehr_scan_bad(s);
    }

    s->nattributes++;

    return tag_value(s, &a->value);
}


/* Up to '>' or "/>". */

static ehr_scan_e
tag_attributes(ehr_scan_t *s, const uint8_t *tag)
{
    const uint8_t  *before;
    ehr_scan_e      rc;

    for ( ;; ) {
        before = s->p;
        ehr_scan_blanks(s);

        if ((size_t) (s->p - tag) > s->limits->tag_bytes) {
            return EHR_SCAN_TAG_MAX;
        }

        if (s->p == s->end || *s->p == '>' || *s->p == '/') {
            return EHR_SCAN_OK;
        }

        if (s->p == before) {
            return ehr_scan_bad(s);
        }

        rc = tag_attribute(s);
        if (rc != EHR_SCAN_OK) {
            return rc;
        }
    }
}


static void
tag_tell(ehr_scan_t *s, const ehr_scan_name_t *name)
{
    ehr_str_t  text = { (const char *) name->name, name->len };

    if (s->is_stopped) {
        return;
    }

    if (name->prefix) {
        text.data = EHR_SCAN_FOREIGN;
        text.len = sizeof(EHR_SCAN_FOREIGN) - 1;
    }

    s->events.start(s->events.data, text);
}


static void
tag_tell_end(ehr_scan_t *s)
{
    if (!s->is_stopped) {
        s->events.end(s->events.data);
    }
}


/* s->p is at the '>' of a tag that opens something. */

static ehr_scan_e
tag_open(ehr_scan_t *s, const ehr_scan_name_t *name, uint32_t nnamespaces)
{
    ehr_scan_element_t  *element = &s->elements[s->depth];

    if (s->depth == s->limits->depth) {
        return EHR_SCAN_DEPTH_MAX;
    }

    element->name = *name;
    element->nnamespaces = nnamespaces;
    s->depth++;
    s->has_root = 1;
    tag_tell(s, name);
    s->p++;

    return EHR_SCAN_OK;
}


static ehr_scan_e
tag_empty(ehr_scan_t *s, const ehr_scan_name_t *name, uint32_t nnamespaces)
{
    s->p++;

    if (s->p == s->end || *s->p != '>') {
        return ehr_scan_bad(s);
    }

    s->has_root = 1;
    tag_tell(s, name);
    tag_tell_end(s);
    s->p++;
    s->nnamespaces = nnamespaces;

    return EHR_SCAN_OK;
}


ehr_scan_e
ehr_scan_start_tag(ehr_scan_t *s)
{
    const uint8_t    *tag = s->p++;
    uint32_t          nnamespaces = s->nnamespaces;
    ehr_scan_name_t   name;
    ehr_scan_e        rc;

    rc = ehr_scan_name(s, &name);
    if (rc != EHR_SCAN_OK) {
        return rc;
    }

    if (s->depth == 0 && s->has_root) {
        return EHR_SCAN_SYNTAX;
    }

    s->nattributes = 0;

    if (s->p == s->end || *s->p != '>') {
        rc = tag_attributes(s, tag);
        if (rc != EHR_SCAN_OK) {
            return rc;
        }
    }

    if (s->p == s->end) {
        return EHR_SCAN_CUT;
    }

    if (s->nattributes || name.prefix) {
        rc = ehr_scan_spaces(s, &name);
        if (rc != EHR_SCAN_OK) {
            return rc;
        }
    }

    return *s->p == '>' ? tag_open(s, &name, nnamespaces)
                        : tag_empty(s, &name, nnamespaces);
}


ehr_scan_e
ehr_scan_end_tag(ehr_scan_t *s)
{
    const uint8_t       *tag = s->p;
    ehr_scan_element_t  *element;
    size_t               room, len;

    if (s->depth == 0) {
        return EHR_SCAN_SYNTAX;
    }

    element = &s->elements[s->depth - 1];
    s->p += 2;
    room = (size_t) (s->end - s->p);
    len = element->name.len;

    if (memcmp(s->p, element->name.name, len < room ? len : room) != 0) {
        return ehr_scan_bad(s);
    }

    if (room <= len) {
        s->p = s->end;

        return EHR_SCAN_CUT;
    }

    s->p += len;

    if (*s->p != '>') {
        ehr_scan_blanks(s);

        if ((size_t) (s->p - tag) > s->limits->tag_bytes) {
            return EHR_SCAN_TAG_MAX;
        }

        if (s->p == s->end || *s->p != '>') {
            return ehr_scan_bad(s);
        }
    }

    s->p++;
    s->depth--;
    s->nnamespaces = element->nnamespaces;
    tag_tell_end(s);

    return EHR_SCAN_OK;
}
