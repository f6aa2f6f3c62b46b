/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides by what name a kind goes, from which root element it is told, and
 * under which business key its documents are filed.  Reads no document.
 */

#include "ehr_fields.h"
#include "ehr_kind.h"


#define EHR_KIND_PARTS  4     /* of a number that names its facility */


typedef struct {
    const char  *name;
    const char  *root;        /* NULL: not an XML document */
    const char  *form;        /* second part of its numbers, or NULL */
    char         separator;   /* of their parts */
} kind_row_t;


static const kind_row_t  kind_rows[EHR_KIND_LAST] = {
    [EHR_KIND_UNKNOWN] = { "unknown", NULL, NULL, 0 },
    [EHR_KIND_CHECKIN] = { "checkin", "CHI_TIEU_TRANG_THAI_KCB", NULL, 0 },
    [EHR_KIND_CLAIM] = { "claim", "GIAMDINHHS", NULL, 0 },
    [EHR_KIND_MEDICAL_ASSESSMENT] = { "medical_assessment",
                                      "CHI_TIEU_GIAM_DINH_YKHOA", NULL, 0 },
    [EHR_KIND_BIRTH_NOTICE] = { "birth_notice", "HSDLGCS", "GCS", '.' },
    [EHR_KIND_DEATH_NOTICE] = { "death_notice", "HSDLGBT", "GBT", '.' },
    [EHR_KIND_VOUCHER] = { "voucher", "HSCHUNGTU", NULL, 0 },
    [EHR_KIND_DRIVER_EXAM] = { "driver_exam", "root", "GKSKLX", '/' },
    [EHR_KIND_PRESCRIPTION] = { "prescription", NULL, NULL, 0 }
};


const char *
ehr_kind_name(ehr_kind_e kind)
{
    if (kind >= EHR_KIND_LAST) {
        kind = EHR_KIND_UNKNOWN;
    }

    return kind_rows[kind].name;
}


ehr_kind_e
ehr_kind_of_name(ehr_str_t name)
{
    for (ehr_kind_e i = EHR_KIND_CHECKIN; i < EHR_KIND_LAST; i++) {
        if (ehr_str_is(name, kind_rows[i].name)) {
            return i;
        }
    }

    return EHR_KIND_UNKNOWN;
}


ehr_kind_e
ehr_kind_of_root(ehr_str_t root)
{
    for (ehr_kind_e i = EHR_KIND_CHECKIN; i < EHR_KIND_LAST; i++) {
        const char  *name = kind_rows[i].root;

        if (name && ehr_str_is(root, name)) {
            return i;
        }
    }

    return EHR_KIND_UNKNOWN;
}


/* --- numbers ------------------------------------------------------------- */


static uint32_t
kind_split(ehr_str_t number, char separator, ehr_str_t *parts)
{
    const char  *p = number.data, *end = p + number.len, *at;
    uint32_t     n = 0;

    for ( ;; ) {
        at = memchr(p, separator, (size_t) (end - p));
        at = at ? at : end;

        if (n == EHR_KIND_PARTS || at == p) {
            return 0;
        }

        parts[n].data = p;
        parts[n++].len = (size_t) (at - p);

        if (at == end) {
            return n;
        }

        p = at + 1;
    }
}


/* 00001.GCS.99001.26, 00001/GKSKLX/99001/26 */

ehr_rc_t
ehr_kind_facility(ehr_kind_e kind, ehr_str_t number, ehr_str_t *facility)
{
    const kind_row_t  *row = &kind_rows[kind];
    ehr_str_t          parts[EHR_KIND_PARTS];

    facility->data = NULL;
    facility->len = 0;

    if (row->form == NULL) {
        return EHR_OK;
    }

    if (kind_split(number, row->separator, parts) != EHR_KIND_PARTS
        || !ehr_str_is(parts[1], row->form)
        || parts[2].len > EHR_FACILITY_MAX || parts[3].len != 2)
    {
        return EHR_REFUSED;
    }

    *facility = parts[2];

    return EHR_OK;
}


/* --- business keys ------------------------------------------------------- */


static ehr_rc_t
kind_join(ehr_arena_t *arena, ehr_str_t a, ehr_str_t b, ehr_str_t *key)
{
    char  *text;

    if (a.len == 0 || b.len == 0) {
        return EHR_OK;
    }

    text = ehr_arena_alloc(arena, a.len + 1 + b.len);
    if (text == NULL) {
        return EHR_BROKEN;
    }

    memcpy(text, a.data, a.len);
    text[a.len] = '/';
    memcpy(text + a.len + 1, b.data, b.len);
    key->data = text;
    key->len = a.len + 1 + b.len;

    return EHR_OK;
}


static ehr_str_t
kind_value(const ehr_kind_facts_t *facts, uint32_t section, uint32_t field)
{
    const ehr_section_t  *s = &facts->sections[section];
    ehr_str_t             none = ehr_null_string;

    return s->nrows ? s->rows[0].values[field] : none;
}


/* One certificate for each licence class. */

static ehr_str_t
kind_licence(const ehr_kind_facts_t *facts)
{
    ehr_str_t  licence = kind_value(facts, EHR_SECTION_DRIVER_EXAM,
                                    EHR_DRIVER_EXAM_HANGBANGLAI);

    if (licence.len > 0) {
        return licence;
    }

    return kind_value(facts, EHR_SECTION_SIGNDATA, EHR_SIGNDATA_HANGBANGLAI);
}


/* "<facility>/<number>": in an accepted document the facility code is the
 * certificate's, so the slash is never in doubt. */

ehr_rc_t
ehr_kind_key(const ehr_kind_facts_t *facts, ehr_arena_t *arena,
             ehr_str_t *key)
{
    key->data = NULL;
    key->len = 0;

    switch (facts->kind) {

    case EHR_KIND_CLAIM:
        if (facts->facility.len == 0) {
            *key = facts->key;

            return EHR_OK;
        }

        return kind_join(arena, facts->facility, facts->key, key);

    case EHR_KIND_VOUCHER:
        return kind_join(arena, facts->facility, facts->key, key);

    case EHR_KIND_DRIVER_EXAM:
        return kind_join(arena, facts->key, kind_licence(facts), key);

    default:
        *key = facts->key;

        return EHR_OK;
    }
}
