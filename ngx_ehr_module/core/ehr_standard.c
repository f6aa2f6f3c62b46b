/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides by which standard a document is read.  Looks for a day in its bytes
 * and parses nothing.
 */

#include "ehr_field.h"
#include "ehr_standard.h"


/* The day stands where writers put it, as text or CDATA.  A comment could
 * hold another one: the sender would only be checked by the other standard's
 * table, which the partner does not care for. */

const ehr_standard_t *
ehr_standard_peek(ehr_kind_e kind, ehr_str_t content, const char *tag)
{
    static const char  cdata[] = "<![CDATA[";
    const char        *at, *end;
    ehr_str_t          text;
    uint32_t           day;

    if (content.len == 0) {
        return NULL;
    }

    at = memmem(content.data, content.len, tag, strlen(tag));
    if (at == NULL) {
        return NULL;
    }

    end = content.data + content.len;
    at += strlen(tag);

    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r')) {
        at++;
    }

    if (end - at > (ptrdiff_t) sizeof(cdata)
        && memcmp(at, cdata, sizeof(cdata) - 1) == 0)
    {
        at += sizeof(cdata) - 1;
    }

    text.data = at;
    text.len = (size_t) (end - at);
    day = ehr_date_of(text);

    return day ? ehr_standard_of_kind(kind, day) : NULL;
}


const ehr_standard_t *
ehr_standard_set(ehr_kind_e kind, ehr_str_t name)
{
    const ehr_standard_t  *standard = ehr_standard_of_name(name);

    return (standard && ehr_standard_kind(standard, kind)) ? standard : NULL;
}
