/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Finds standards, sections and fields in the generated tables.  Decides
 * nothing about values.
 */

#include "ehr_tables.h"


const ehr_standard_t *
ehr_standard_of_name(ehr_str_t name)
{
    for (uint32_t i = 0; i < ehr_nstandards; i++) {
        if (ehr_str_is(name, ehr_standards[i].name)) {
            return &ehr_standards[i];
        }
    }

    return NULL;
}


const ehr_standard_t *
ehr_standard_of_kind(ehr_kind_e kind, uint32_t day)
{
    const ehr_standard_t  *found = NULL;

    for (uint32_t i = 0; i < ehr_nstandards; i++) {
        const ehr_standard_t  *standard = &ehr_standards[i];

        if ((found == NULL || day == 0 || standard->valid_from <= day)
            && ehr_standard_kind(standard, kind))
        {
            found = standard;
        }
    }

    return found;
}


const ehr_standard_t *
ehr_standard_of_date(uint32_t day)
{
    return ehr_standard_of_kind(EHR_KIND_CLAIM, day);
}


const ehr_section_table_t *
ehr_standard_section(const ehr_standard_t *standard, ehr_str_t name)
{
    for (uint32_t i = 0; i < standard->nsections; i++) {
        if (ehr_str_is(name, standard->sections[i].name)) {
            return &standard->sections[i];
        }
    }

    return NULL;
}


const ehr_section_table_t *
ehr_standard_kind(const ehr_standard_t *standard, ehr_kind_e kind)
{
    for (uint32_t i = 0; i < standard->nsections; i++) {
        if (standard->sections[i].kind == kind) {
            return &standard->sections[i];
        }
    }

    return NULL;
}


const ehr_section_table_t *
ehr_standard_root(const ehr_standard_t *standard, const char *root)
{
    for (uint32_t i = 0; i < standard->nsections; i++) {
        const ehr_section_table_t  *table = &standard->sections[i];

        if (table->kind != EHR_KIND_UNKNOWN && !table->is_json
            && strcmp(table->root, root) == 0)
        {
            return table;
        }
    }

    return NULL;
}


static int
table_name_is(const ehr_field_t *field, const char *name, size_t len)
{
    return field->name_len == len && memcmp(field->name, name, len) == 0;
}


uint32_t
ehr_table_find(const ehr_section_table_t *table, const char *name, size_t len,
               uint32_t guess)
{
    uint32_t  low = 0, high = table->nfields;

    if (guess < table->nfields
        && table_name_is(&table->fields[guess], name, len))
    {
        return guess;
    }

    while (low < high) {
        uint32_t  middle = low + (high - low) / 2;
        uint32_t  at = table->sorted[middle];
        int       order = strcmp(name, table->fields[at].name);

        if (order == 0) {
            return at;
        }

        if (order < 0) {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    return table->nfields;
}
