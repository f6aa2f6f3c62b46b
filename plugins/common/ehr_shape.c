/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Small forms of text.  Knows bytes and fields, and no rule.
 */

#include "ehr_shape.h"


#define INSURANCE_NUMBER_LEN  10
#define CARD_LEN              15
#define CARD_DIGITS           2      /* where its digits begin */


/* --- many fields --------------------------------------------------------- */


void
ehr_check_shape(ehr_check_t *check, const ehr_places_t *at,
                ehr_shape_f is_right)
{
    for (size_t n = 0; n < at->n; n++) {
        const ehr_section_t  *s = ehr_section(check, at->places[n].section);
        uint32_t              field = at->places[n].field;

        for (uint32_t i = 0; i < s->nrows; i++) {
            ehr_str_t  value = ehr_value(&s->rows[i], field);

            if (value.len > 0 && !is_right(value)) {
                ehr_fail(check, s, &s->rows[i], field);
            }
        }
    }
}


static int
are_right(ehr_str_t value, ehr_shape_f is_right)
{
    ehr_list_t  list = ehr_list(value, ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        part = ehr_text_trim(part);

        if (part.len > 0 && !is_right(part)) {
            return 0;
        }
    }

    return 1;
}


void
ehr_check_shapes(ehr_check_t *check, const ehr_places_t *at,
                 ehr_shape_f is_right)
{
    for (size_t n = 0; n < at->n; n++) {
        const ehr_section_t  *s = ehr_section(check, at->places[n].section);
        uint32_t              field = at->places[n].field;

        for (uint32_t i = 0; i < s->nrows; i++) {
            if (!are_right(ehr_value(&s->rows[i], field), is_right)) {
                ehr_fail(check, s, &s->rows[i], field);
            }
        }
    }
}


/* --- texts --------------------------------------------------------------- */


int
ehr_text_begins(ehr_str_t text, const char *literal)
{
    size_t  len = strlen(literal);

    return text.len >= len && memcmp(text.data, literal, len) == 0;
}


int
ehr_text_ends(ehr_str_t text, const char *literal)
{
    size_t  len = strlen(literal);

    return text.len >= len
           && memcmp(text.data + text.len - len, literal, len) == 0;
}


ehr_str_t
ehr_text_after(ehr_str_t text, size_t n)
{
    ehr_str_t  rest = ehr_string("");

    if (text.len > n) {
        rest.data = text.data + n;
        rest.len = text.len - n;
    }

    return rest;
}


ehr_str_t
ehr_text_trim(ehr_str_t text)
{
    while (text.len > 0 && ehr_is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && ehr_is_blank(text.data[text.len - 1])) {
        text.len--;
    }

    return text;
}


int
ehr_is_digits(ehr_str_t text, size_t n)
{
    return text.len == n && ehr_text_is_digits(text);
}


int
ehr_is_facility(ehr_str_t text)
{
    if (text.len != EHR_FACILITY_LEN || !ehr_is_digit(text.data[0])
        || !ehr_is_digit(text.data[1]))
    {
        return 0;
    }

    for (size_t i = 2; i < EHR_FACILITY_LEN; i++) {
        if (!ehr_is_alnum(text.data[i])) {
            return 0;
        }
    }

    return 1;
}


int
ehr_is_card(ehr_str_t card)
{
    return card.len == CARD_LEN && ehr_is_upper(card.data[0])
           && ehr_is_upper(card.data[1])
           && card.data[2] >= '1' && card.data[2] <= '5'
           && ehr_text_is_digits(ehr_text_after(card, CARD_DIGITS));
}


int
ehr_is_insurance_number(ehr_str_t text)
{
    return ehr_is_digits(text, INSURANCE_NUMBER_LEN)
           && !ehr_text_is(text, "0000000000");
}
