/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides which of the administrator's settings speaks of a finding.  Knows
 * no finding; which of them may be set at all is ehr_report.c's to say.
 */

#include <stdlib.h>

#include "ehr_severities.h"
#include "ehr_tables.h"


uint32_t
ehr_severity_level(ehr_str_t word)
{
    static const char *const  words[] = {
        [EHR_SEVERITY_ERROR] = "error",
        [EHR_SEVERITY_WARNING] = "warning",
        [EHR_SEVERITY_OFF] = "off"
    };

    for (uint32_t i = EHR_SEVERITY_ERROR; i <= EHR_SEVERITY_OFF; i++) {
        if (ehr_str_is(word, words[i])) {
            return i;
        }
    }

    return 0;
}


/* "T.nfc", "F11": rules have no lower case in front. */

static int
severity_is_rule(ehr_str_t name)
{
    return name.len > 1 && name.data[0] >= 'A' && name.data[0] <= 'Z';
}


static int
severity_begins(ehr_str_t name, const char *with)
{
    size_t  len = strlen(with);

    return name.len >= len && memcmp(name.data, with, len) == 0
           && (name.len == len || name.data[len] == '.');
}


static int
severity_is_of(const ehr_section_table_t *table, ehr_str_t name)
{
    if (!severity_begins(name, table->code)) {
        return 0;
    }

    if (name.len == strlen(table->code)) {
        return 1;
    }

    for (uint32_t i = 0; i < table->nfields; i++) {
        if (severity_begins(name, table->fields[i].code)) {
            return 1;
        }
    }

    /* what is said of a section as a whole: "xml2.order" */
    return memchr(name.data + strlen(table->code) + 1, '_',
                  name.len - strlen(table->code) - 1) == NULL;
}


int
ehr_severity_is_name(ehr_str_t name)
{
    if (severity_is_rule(name)) {
        return 1;
    }

    for (uint32_t i = 0; i < ehr_nstandards; i++) {
        for (uint32_t k = 0; k < ehr_standards[i].nsections; k++) {
            if (severity_is_of(&ehr_standards[i].sections[k], name)) {
                return 1;
            }
        }
    }

    return 0;
}


static int
severity_compare(ehr_str_t a, ehr_str_t b)
{
    size_t  len = a.len < b.len ? a.len : b.len;
    int     order = len ? memcmp(a.data, b.data, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}


/* Where the name is, or would be. */

static uint32_t
severity_find(const ehr_severities_t *set, ehr_str_t name)
{
    uint32_t  low = 0, high = set->n;

    while (low < high) {
        uint32_t  middle = low + (high - low) / 2;

        if (severity_compare(set->items[middle].name, name) < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


static int
severity_is_at(const ehr_severities_t *set, uint32_t at, ehr_str_t name)
{
    return at < set->n && ehr_str_eq(set->items[at].name, name);
}


static ehr_rc_t
severities_room(ehr_severities_t *set)
{
    ehr_severity_t  *items;
    uint32_t         wanted;

    if (set->n < set->nallocated) {
        return EHR_OK;
    }

    if (set->n == EHR_SEVERITIES_MAX) {
        return EHR_REFUSED;
    }

    wanted = set->nallocated ? 2 * set->nallocated : 16;
    items = realloc(set->items, wanted * sizeof(ehr_severity_t));
    if (items == NULL) {
        return EHR_BROKEN;
    }

    set->items = items;
    set->nallocated = wanted;

    return EHR_OK;
}


ehr_rc_t
ehr_severities_add(ehr_severities_t *set, ehr_str_t name, uint32_t level)
{
    uint32_t  at = severity_find(set, name);
    ehr_rc_t  rc;

    if (severity_is_at(set, at, name)) {
        set->items[at].level = level;

        return EHR_OK;
    }

    rc = severities_room(set);
    if (rc != EHR_OK) {
        return rc;
    }

    memmove(&set->items[at + 1], &set->items[at],
            (set->n - at) * sizeof(ehr_severity_t));
    set->items[at].name = name;
    set->items[at].level = level;
    set->n++;

    return EHR_OK;
}


void
ehr_severities_free(ehr_severities_t *set)
{
    free(set->items);
    memset(set, 0, sizeof(*set));
}


uint32_t
ehr_severity_of(const ehr_severities_t *set, const ehr_severity_names_t *names,
                uint32_t fallback)
{
    const ehr_str_t  list[] = { names->code, names->field, names->section,
                                names->rule };

    if (set == NULL || set->n == 0) {
        return fallback;
    }

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        uint32_t  at = severity_find(set, list[i]);

        if (list[i].len > 0 && severity_is_at(set, at, list[i])) {
            return set->items[at].level;
        }
    }

    return fallback;
}
