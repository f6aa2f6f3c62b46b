/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether one value fits one row of a table: present, short enough,
 * a number, a day of the calendar, one of its codes.  Knows no other field.
 */

#include "ehr_field.h"


#define EHR_YEAR_MIN  1800    /* before: a slip of the keyboard */


static int
field_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}


void
ehr_value_init(ehr_value_t *value)
{
    value->bytes = 0;
    value->chars = 0;
    value->blanks = 0;
    value->kept = 0;
}


/* Every byte of UTF-8 but a continuation begins a character. */

static size_t
field_count(const char *text, size_t len)
{
    size_t  n = 0;

    for (size_t i = 0; i < len; i++) {
        n += ((signed char) text[i] > (signed char) 0xbf);
    }

    return n;
}


void
ehr_value_add(ehr_value_t *value, const char *text, size_t len)
{
    size_t  solid = len, room;

    while (value->bytes == 0 && len > 0 && field_is_blank(*text)) {
        text++;
        len--;
        solid = len;
    }

    room = sizeof(value->head) - value->kept;
    room = len < room ? len : room;
    memcpy(value->head + value->kept, text, room);
    value->kept += room;

    while (solid > 0 && field_is_blank(text[solid - 1])) {
        solid--;
    }

    if (solid == 0) {
        value->blanks += len;

        return;
    }

    value->bytes += value->blanks + solid;
    value->chars += value->blanks + field_count(text, solid);
    value->blanks = len - solid;
}


ehr_str_t
ehr_value_str(const ehr_value_t *value)
{
    ehr_str_t  s;

    s.data = value->head;
    s.len = value->bytes < value->kept ? value->bytes : value->kept;

    return s;
}


static int
field_digits(const char *text, size_t n, uint32_t *number)
{
    *number = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }

        *number = *number * 10 + (uint32_t) (text[i] - '0');
    }

    return 1;
}


static int
field_is_day(uint32_t date)
{
    static const uint8_t  days[13] = {
        0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    uint32_t  year = date / 10000, month = date / 100 % 100, day = date % 100;
    int       is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < EHR_YEAR_MIN || month < 1 || month > 12 || day < 1) {
        return 0;
    }

    return day <= days[month] + (uint32_t) (month == 2 && is_leap);
}


uint32_t
ehr_date_of(ehr_str_t text)
{
    uint32_t  date;

    if (text.len < 8 || !field_digits(text.data, 8, &date)) {
        return 0;
    }

    return field_is_day(date) ? date : 0;
}


static int
field_is_date(ehr_str_t v)
{
    return v.len == 8 && ehr_date_of(v) != 0;
}


static int
field_is_hour(const char *text)
{
    uint32_t  hour;

    return field_digits(text, 4, &hour) && hour / 100 < 24 && hour % 100 < 60;
}


static int
field_is_time(ehr_str_t v)
{
    return v.len == 12 && ehr_date_of(v) != 0 && field_is_hour(v.data + 8);
}


/* Month and day that nobody knows are 0000. */

static int
field_is_birth(ehr_str_t v)
{
    uint32_t  date;

    if (v.len != 12 || !field_digits(v.data, 8, &date)
        || !field_is_hour(v.data + 8))
    {
        return 0;
    }

    return field_is_day(date)
           || (date % 10000 == 0 && date / 10000 >= EHR_YEAR_MIN);
}


static int
field_is_second(ehr_str_t v)
{
    uint32_t  second;

    return v.len == 14 && ehr_date_of(v) != 0 && field_is_hour(v.data + 8)
           && field_digits(v.data + 12, 2, &second) && second < 60;
}


/* The day of a birth long ago may be lost; the year is not. */

static int
field_is_year_or_date(ehr_str_t v)
{
    uint32_t  year;

    return field_is_date(v)
           || (v.len == 4 && field_digits(v.data, 4, &year)
               && year >= EHR_YEAR_MIN);
}


static int
field_is_dmy(ehr_str_t v)
{
    uint32_t  day, month, year;

    return v.len == 10 && v.data[2] == '/' && v.data[5] == '/'
           && field_digits(v.data, 2, &day)
           && field_digits(v.data + 3, 2, &month)
           && field_digits(v.data + 6, 4, &year)
           && field_is_day(year * 10000 + month * 100 + day);
}


static ehr_fault_e
field_number(const ehr_field_t *field, ehr_str_t v)
{
    size_t  i = (v.data[0] == '-'), digits = 0;
    int     has_point = 0;

    for ( /* void */ ; i < v.len; i++) {
        if (v.data[i] >= '0' && v.data[i] <= '9') {
            digits++;

        } else if (v.data[i] == '.' && digits > 0 && !has_point) {
            has_point = 1;

        } else {
            return EHR_FAULT_NUMBER;
        }
    }

    if (digits == 0 || v.data[v.len - 1] == '.') {
        return EHR_FAULT_NUMBER;
    }

    if (field->longest && digits > field->longest) {
        return EHR_FAULT_DIGITS;
    }

    return (field->official && digits > field->official) ? EHR_FAULT_LONG
                                                         : EHR_FAULT_NONE;
}


static ehr_fault_e
field_text(const ehr_field_t *field, const ehr_value_t *value)
{
    if (field->longest && value->chars > field->longest) {
        return EHR_FAULT_TOO_LONG;
    }

    if (field->official && value->chars > field->official) {
        return EHR_FAULT_LONG;
    }

    return EHR_FAULT_NONE;
}


/* Limits of a database column that counts bytes. */

static ehr_fault_e
field_bytes(const ehr_field_t *field, const ehr_value_t *value)
{
    return (field->longest && value->bytes > field->longest)
           ? EHR_FAULT_TOO_MANY_BYTES : EHR_FAULT_NONE;
}


static ehr_fault_e
field_type(const ehr_field_t *field, const ehr_value_t *value)
{
    ehr_str_t  v = ehr_value_str(value);

    switch (field->type) {

    case EHR_FIELD_NUMBER:
        /* its head alone is too long as well */
        return field_number(field, v);

    case EHR_FIELD_DATE:
        return field_is_date(v) ? EHR_FAULT_NONE : EHR_FAULT_DATE;

    case EHR_FIELD_TIME:
        return field_is_time(v) ? EHR_FAULT_NONE : EHR_FAULT_TIME;

    case EHR_FIELD_DATE_OR_TIME:
        return (field_is_date(v) || field_is_time(v))
               ? EHR_FAULT_NONE : EHR_FAULT_DATE_OR_TIME;

    case EHR_FIELD_BIRTH:
        return field_is_birth(v) ? EHR_FAULT_NONE : EHR_FAULT_BIRTH;

    case EHR_FIELD_SECOND:
        return field_is_second(v) ? EHR_FAULT_NONE : EHR_FAULT_SECOND;

    case EHR_FIELD_DAY:
        return field_is_year_or_date(v) ? EHR_FAULT_NONE : EHR_FAULT_DAY;

    case EHR_FIELD_DMY:
        return field_is_dmy(v) ? EHR_FAULT_NONE : EHR_FAULT_DMY;

    case EHR_FIELD_BYTES:
        return field_bytes(field, value);

    case EHR_FIELD_BASE64:
        /* its bytes are read where they are used */
        return EHR_FAULT_NONE;

    default:
        return field_text(field, value);
    }
}


static int
field_is_code(const char *codes, ehr_str_t v)
{
    const char  *code = codes;

    while (*code != '\0') {
        size_t  len = strcspn(code, " ");

        if (len == v.len && memcmp(code, v.data, len) == 0) {
            return 1;
        }

        code += len + (code[len] == ' ');
    }

    return 0;
}


/* Each part of a list, none of them empty. */

static int
field_are_codes(const ehr_field_t *field, ehr_str_t v)
{
    const char  *end;

    while ((end = field->codes_list
                  ? memchr(v.data, field->codes_list, v.len) : NULL) != NULL)
    {
        ehr_str_t  part = { v.data, (size_t) (end - v.data) };

        if (!field_is_code(field->codes, part)) {
            return 0;
        }

        v.data += part.len + 1;
        v.len -= part.len + 1;
    }

    return field_is_code(field->codes, v);
}


ehr_fault_e
ehr_field_check(const ehr_field_t *field, const ehr_value_t *value)
{
    ehr_fault_e  fault;

    if (value->bytes == 0) {
        return field->required == EHR_REQUIRED_YES ? EHR_FAULT_MISSING
                                                   : EHR_FAULT_NONE;
    }

    fault = field_type(field, value);

    if (fault == EHR_FAULT_NONE && field->codes
        && !field_are_codes(field, ehr_value_str(value)))
    {
        return EHR_FAULT_CODES;
    }

    return fault;
}
