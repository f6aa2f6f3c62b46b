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
ehr_standard_root(const ehr_standard_t *standard, ehr_str_t root)
{
    for (uint32_t i = 0; i < standard->nsections; i++) {
        const ehr_section_table_t  *table = &standard->sections[i];

        if (table->kind != EHR_KIND_UNKNOWN && !table->is_json
            && ehr_str_is(root, table->root))
        {
            return table;
        }
    }

    return NULL;
}


static int
table_name_is(const ehr_field_t *field, ehr_str_t name)
{
    return field->name_len == name.len
           && memcmp(field->name, name.data, name.len) == 0;
}


static int
table_order(ehr_str_t name, const ehr_field_t *field)
{
    size_t  len = name.len < field->name_len ? name.len : field->name_len;
    int     order = memcmp(name.data, field->name, len);

    return order ? order : (name.len > len) - (field->name_len > len);
}


uint32_t
ehr_table_find(const ehr_section_table_t *table, ehr_str_t name,
               uint32_t guess)
{
    uint32_t  low = 0, high = table->nfields;

    if (guess < table->nfields
        && table_name_is(&table->fields[guess], name))
    {
        return guess;
    }

    while (low < high) {
        uint32_t  middle = low + (high - low) / 2;
        uint32_t  at = table->sorted[middle];
        int       order = table_order(name, &table->fields[at]);

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
