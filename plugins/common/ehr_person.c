/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Numbers and days of persons, as documents write them: which form a number
 * has, and which day a text means.  Knows no rule.
 */

#include "ehr_person.h"

#include "ehr_province.h"
#include "ehr_shape.h"


#define CITIZEN_LEN   12
#define OLD_LEN       9
#define PASSPORT_LEN  8
#define SHORT_LEN     11
#define SPOILED_MAX   32    /* longer ones are not looked at */


/* --- numbers ------------------------------------------------------------- */


static int
is_dummy(ehr_str_t number)
{
    size_t  same = 1;

    while (same < number.len && number.data[same] == number.data[0]) {
        same++;
    }

    return same == number.len
           || ehr_text_in(number, "123456789012 012345678901 123456789123 "
                                  "123456789 012345678 987654321");
}


static ehr_id_form_e
digits_form(ehr_str_t number)
{
    ehr_str_t  province = { number.data, 2 };

    switch (number.len) {

    case CITIZEN_LEN:
        return is_dummy(number) ? EHR_ID_DUMMY : EHR_ID_CITIZEN;

    case OLD_LEN:
        return is_dummy(number) ? EHR_ID_DUMMY : EHR_ID_OLD;

    case SHORT_LEN:
        return ehr_province_is_code(province, 0) ? EHR_ID_SHORT
                                                 : EHR_ID_OTHER;

    default:
        return EHR_ID_OTHER;
    }
}


static ehr_id_form_e
clean_form(ehr_str_t number)
{
    if (ehr_text_is_digits(number)) {
        return digits_form(number);
    }

    if (number.len == PASSPORT_LEN && ehr_is_upper(number.data[0])
        && ehr_text_is_digits(ehr_text_after(number, 1)))
    {
        return EHR_ID_PASSPORT;
    }

    return EHR_ID_OTHER;
}


/* Letters that are read as digits, once they follow the first sign. */

static char
digit_meant(char c)
{
    switch (c) {

    case 'O':
    case 'o':
        return '0';

    case 'I':
    case 'l':
        return '1';

    default:
        return c;
    }
}


static int
is_spoiled(ehr_str_t number)
{
    char           text[SPOILED_MAX];
    ehr_str_t      clean = { text, 0 };
    ehr_id_form_e  form;

    for (size_t i = 0; i < number.len && number.len <= SPOILED_MAX; i++) {
        char  c = number.data[i];

        if (clean.len == 0 && c >= 'a' && c <= 'z') {
            c = (char) (c - 'a' + 'A');
        }

        if (ehr_is_alnum(c)) {
            text[clean.len] = clean.len ? digit_meant(c) : c;
            clean.len++;
        }
    }

    if (clean.len == CITIZEN_LEN) {
        text[0] = digit_meant(text[0]);
    }

    form = clean_form(clean);

    return form == EHR_ID_CITIZEN || form == EHR_ID_OLD
           || form == EHR_ID_PASSPORT;
}


ehr_id_form_e
ehr_id_form(ehr_str_t number)
{
    ehr_id_form_e  form;

    if (number.len == 0) {
        return EHR_ID_NONE;
    }

    form = clean_form(number);

    if (form == EHR_ID_OTHER && !ehr_text_is_digits(number)
        && is_spoiled(number))
    {
        return EHR_ID_SPOILED;
    }

    return form;
}


int
ehr_id_is_formless(ehr_str_t number)
{
    ehr_id_form_e  form = ehr_id_form(number);

    return form == EHR_ID_OTHER || form == EHR_ID_SPOILED;
}


int
ehr_id_is_miscounted(ehr_str_t number)
{
    return ehr_id_form(number) == EHR_ID_OTHER && ehr_text_is_digits(number);
}


/* --- days ---------------------------------------------------------------- */


static uint32_t
digits_value(const char *digits, size_t n)
{
    uint32_t  value = 0;

    for (size_t i = 0; i < n; i++) {
        value = 10 * value + (uint32_t) (digits[i] - '0');
    }

    return value;
}


/* dd/MM/yyyy */

static int
is_dmy(ehr_str_t text)
{
    return text.len == 10 && text.data[2] == '/' && text.data[5] == '/'
           && ehr_is_digit(text.data[0]) && ehr_is_digit(text.data[1])
           && ehr_is_digit(text.data[3]) && ehr_is_digit(text.data[4])
           && ehr_is_digits(ehr_text_after(text, 6), 4);
}


int
ehr_person_day(ehr_str_t text, ehr_day_t *day)
{
    if (ehr_is_digits(text, 14)) {
        text.len = 8;     /* yyyyMMddHHmmss */
    }

    if (!is_dmy(text)) {
        return ehr_day_parse(text, day);
    }

    return ehr_day_make(digits_value(text.data + 6, 4),
                        digits_value(text.data + 3, 2),
                        digits_value(text.data, 2), day);
}


uint32_t
ehr_person_year(ehr_str_t text)
{
    if (is_dmy(text)) {
        return digits_value(text.data + 6, 4);
    }

    if (ehr_is_digits(text, 4) || ehr_is_digits(text, 8)
        || ehr_is_digits(text, 12) || ehr_is_digits(text, 14))
    {
        return digits_value(text.data, 4);
    }

    return 0;
}
