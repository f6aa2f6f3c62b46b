/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Names and numbers as text: UUIDv7, trace ids, hexadecimal, SHA-256, RFC
 * 3339.  Decides how they are written and what is refused when read; knows no
 * clock: the time is always an argument.
 */

#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "ehr_id.h"


#define EHR_UUID_BYTES         16
#define EHR_TIME_TEXT_MAX      64     /* bounds the digits of a fraction */
#define EHR_MS_PER_DAY         86400000
#define EHR_TIME_MIN_MS        INT64_C(-62167219200000)  /* 0000-01-01 */
#define EHR_TIME_MAX_MS        INT64_C(253402300799999)  /* 9999-12-31 */


typedef struct {
    int  year;
    int  month;
    int  day;
} ehr_date_t;


static int64_t ehr_days_of(ehr_date_t date);
static ehr_date_t ehr_date_of(int64_t days);
static int ehr_digits(const char *text, size_t n);
static int ehr_is_date(ehr_date_t date);
static int ehr_time_fraction(ehr_str_t text, size_t *pos);
static ehr_rc_t ehr_time_offset(const char *text, size_t len, int *minutes);


ehr_rc_t
ehr_uuid7(int64_t now_ms, char text[EHR_UUID_LEN + 1])
{
    char      hex[2 * EHR_UUID_BYTES + 1];
    uint8_t   bytes[EHR_UUID_BYTES];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return EHR_BROKEN;
    }

    for (int i = 0; i < 6; i++) {
        bytes[i] = (uint8_t) ((uint64_t) now_ms >> (40 - 8 * i));
    }

    bytes[6] = (bytes[6] & 0x0f) | 0x70;        /* version 7 */
    bytes[8] = (bytes[8] & 0x3f) | 0x80;        /* variant 10 */

    ehr_hex(bytes, sizeof(bytes), hex);

    (void) snprintf(text, EHR_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s",
                    hex, hex + 8, hex + 12, hex + 16, hex + 20);

    return EHR_OK;
}


static int
ehr_is_lower_hex(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(text[i] >= '0' && text[i] <= '9')
            && !(text[i] >= 'a' && text[i] <= 'f'))
        {
            return 0;
        }
    }

    return 1;
}


int
ehr_uuid_valid(ehr_str_t text)
{
    const char  *p = text.data;

    return text.len == EHR_UUID_LEN
           && p[8] == '-' && p[13] == '-' && p[18] == '-' && p[23] == '-'
           && ehr_is_lower_hex(p, 8) && ehr_is_lower_hex(p + 9, 4)
           && ehr_is_lower_hex(p + 14, 4) && ehr_is_lower_hex(p + 19, 4)
           && ehr_is_lower_hex(p + 24, 12);
}


/* version-traceid-parentid-flags; a version to come may add to it. */

ehr_str_t
ehr_trace_id(ehr_str_t traceparent)
{
    ehr_str_t    id = ehr_null_string;
    const char  *p = traceparent.data;

    if (traceparent.len < 55 || p[2] != '-' || p[35] != '-' || p[52] != '-'
        || !ehr_is_lower_hex(p, 2) || !ehr_is_lower_hex(p + 3, 32)
        || !ehr_is_lower_hex(p + 36, 16) || !ehr_is_lower_hex(p + 53, 2)
        || memcmp(p, "ff", 2) == 0 || strspn(p + 3, "0") == 32
        || strspn(p + 36, "0") == 16)
    {
        return id;
    }

    if (traceparent.len > 55 && (memcmp(p, "00", 2) == 0 || p[55] != '-')) {
        return id;
    }

    id.data = p + 3;
    id.len = 32;

    return id;
}


void
ehr_hex(const uint8_t *bytes, size_t len, char *text)
{
    static const char  digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 0x0f];
    }

    *text = '\0';
}


static int
ehr_unhex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }

    return -1;
}


ehr_rc_t
ehr_unhex(ehr_str_t text, uint8_t *bytes, size_t len)
{
    int  high, low;

    if (text.len % 2 != 0 || text.len / 2 != len) {
        return EHR_REFUSED;
    }

    for (size_t i = 0; i < len; i++) {
        high = ehr_unhex_digit(text.data[2 * i]);
        low = ehr_unhex_digit(text.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            return EHR_REFUSED;
        }

        bytes[i] = (uint8_t) (high << 4 | low);
    }

    return EHR_OK;
}


void
ehr_sha256(const void *data, size_t len, uint8_t out[EHR_SHA256_LEN])
{
    (void) SHA256(len ? data : "", len, out);
}


int
ehr_equal_secret(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}


void
ehr_time_render(int64_t unix_ms, char buf[EHR_TIME_LEN + 1])
{
    int64_t     days, ms;
    unsigned    sec;
    ehr_date_t  date;

    /* RFC 3339 has four digits for the year. */

    if (unix_ms < EHR_TIME_MIN_MS) {
        unix_ms = EHR_TIME_MIN_MS;
    }

    if (unix_ms > EHR_TIME_MAX_MS) {
        unix_ms = EHR_TIME_MAX_MS;
    }

    days = unix_ms / EHR_MS_PER_DAY;
    ms = unix_ms % EHR_MS_PER_DAY;
    if (ms < 0) {
        ms += EHR_MS_PER_DAY;
        days--;
    }

    date = ehr_date_of(days);
    sec = (unsigned) (ms / 1000);

    (void) snprintf(buf, EHR_TIME_LEN + 1,
                    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                    (unsigned) date.year % 10000, (unsigned) date.month % 100,
                    (unsigned) date.day % 100, sec / 3600 % 100,
                    sec / 60 % 60, sec % 60, (unsigned) (ms % 1000));
}


ehr_rc_t
ehr_time_parse(ehr_str_t text, int64_t *unix_ms)
{
    int          hour, min, sec, ms, offset;
    size_t       pos = 19;
    const char  *p = text.data;
    ehr_date_t   date;

    if (text.len < 20 || text.len > EHR_TIME_TEXT_MAX) {
        return EHR_REFUSED;
    }

    if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't')
        || p[13] != ':' || p[16] != ':')
    {
        return EHR_REFUSED;
    }

    date.year = ehr_digits(p, 4);
    date.month = ehr_digits(p + 5, 2);
    date.day = ehr_digits(p + 8, 2);
    hour = ehr_digits(p + 11, 2);
    min = ehr_digits(p + 14, 2);
    sec = ehr_digits(p + 17, 2);

    /* 60 is a leap second (RFC 3339 5.6): counted as the one after it. */

    if (!ehr_is_date(date) || hour < 0 || hour > 23 || min < 0 || min > 59
        || sec < 0 || sec > 60)
    {
        return EHR_REFUSED;
    }

    ms = ehr_time_fraction(text, &pos);
    if (ms < 0) {
        return EHR_REFUSED;
    }

    if (ehr_time_offset(p + pos, text.len - pos, &offset) != EHR_OK) {
        return EHR_REFUSED;
    }

    *unix_ms = ehr_days_of(date) * EHR_MS_PER_DAY
               + ((hour * 60 + min - offset) * 60 + sec) * INT64_C(1000) + ms;

    return EHR_OK;
}


/* Milliseconds of ".5", ".2479123"; 0 when there is none, -1 when wrong. */

static int
ehr_time_fraction(ehr_str_t text, size_t *pos)
{
    int     ms = 0, unit = 100;
    size_t  i = *pos;

    if (text.data[i] != '.') {
        return 0;
    }

    for (i++; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            break;
        }

        ms += (text.data[i] - '0') * unit;
        unit /= 10;
    }

    if (i == *pos + 1) {
        return -1;
    }

    *pos = i;

    return ms;
}


static ehr_rc_t
ehr_time_offset(const char *text, size_t len, int *minutes)
{
    int  hour, min;

    if (len == 1 && (*text == 'Z' || *text == 'z')) {
        *minutes = 0;
        return EHR_OK;
    }

    if (len != 6 || (*text != '+' && *text != '-') || text[3] != ':') {
        return EHR_REFUSED;
    }

    hour = ehr_digits(text + 1, 2);
    min = ehr_digits(text + 4, 2);

    if (hour < 0 || hour > 23 || min < 0 || min > 59) {
        return EHR_REFUSED;
    }

    *minutes = (*text == '-' ? -1 : 1) * (hour * 60 + min);

    return EHR_OK;
}


static int
ehr_digits(const char *text, size_t n)
{
    int  value = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }

        value = value * 10 + (text[i] - '0');
    }

    return value;
}


static int
ehr_is_date(ehr_date_t date)
{
    int               days, is_leap;
    static const int  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (date.year < 0 || date.month < 1 || date.month > 12) {
        return 0;
    }

    is_leap = date.year % 4 == 0
              && (date.year % 100 != 0 || date.year % 400 == 0);
    days = lengths[date.month - 1] + (date.month == 2 && is_leap);

    return date.day >= 1 && date.day <= days;
}


/*
 * Days from 1970-01-01 and back, proleptic Gregorian.  Years are counted from
 * March so that the leap day is the last one; 719468 days lie between
 * 0000-03-01 and the epoch, 146097 in 400 years.
 */

static int64_t
ehr_days_of(ehr_date_t date)
{
    int64_t  year, era, year_of_era, day_of_year;

    year = date.year - (date.month <= 2);
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4
           - year_of_era / 100 + day_of_year - 719468;
}


static ehr_date_t
ehr_date_of(int64_t days)
{
    int64_t     era, day_of_era, year_of_era, day_of_year, month;
    ehr_date_t  date;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524
                   - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4
                                - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;

    date.day = (int) (day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int) (month < 10 ? month + 3 : month - 9);
    date.year = (int) (year_of_era + era * 400 + (date.month <= 2));

    return date;
}
