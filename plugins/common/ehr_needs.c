/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Runs a table of fields that others ask for.  Knows no field and no code.
 */

#include "ehr_needs.h"

#include "ehr_shape.h"


static int
need_is_asked(const ehr_need_t *need, const ehr_row_t *row)
{
    ehr_list_t  list = ehr_list(ehr_value(row, need->because), ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (ehr_text_in(ehr_text_trim(part), need->codes)) {
            return 1;
        }
    }

    return 0;
}


static int
needs_are_alike(const ehr_need_t *a, const ehr_need_t *b)
{
    return a->section == b->section && a->field == b->field
           && strcmp(a->rule, b->rule) == 0;
}


/* A line before it has said so of this row. */

static int
need_is_told(const ehr_needs_t *table, const ehr_need_t *need,
             const ehr_row_t *row)
{
    const ehr_need_t  *other = need;

    while (other > table->needs && needs_are_alike(other - 1, need)) {
        other--;

        if (need_is_asked(other, row)) {
            return 1;
        }
    }

    return 0;
}


void
ehr_check_needs(ehr_check_t *check, const ehr_needs_t *table)
{
    for (size_t n = 0; n < table->n; n++) {
        const ehr_need_t     *need = &table->needs[n];
        const ehr_section_t  *s = ehr_section(check, need->section);

        if (strcmp(need->rule, check->rule->id) != 0) {
            continue;
        }

        for (uint32_t i = 0; i < s->nrows; i++) {
            const ehr_row_t  *row = &s->rows[i];

            if (ehr_is_empty(row, need->field) && need_is_asked(need, row)
                && !need_is_told(table, need, row))
            {
                ehr_fail(check, s, row, need->field);
            }
        }
    }
}
