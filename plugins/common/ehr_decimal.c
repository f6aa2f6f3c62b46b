/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides how money is computed: exactly, and rounded once, at the end.  What
 * a sum should be is the rules' own business.
 */

#include "ehr_decimal.h"


#define DECIMAL_TEXT_MAX  64  /* longer than any number of a form */
#define DECIMAL_SAFE      12  /* digits that fit, with six behind them */


static int
decimal_digit(ehr_decimal_t *d, char c)
{
    return c >= '0' && c <= '9'
           && !__builtin_mul_overflow(*d, 10, d)
           && !__builtin_add_overflow(*d, c - '0', d);
}


/* Behind the point: six places, then only zeros. */

static int
decimal_fraction(const char *text, size_t len, ehr_decimal_t *d)
{
    size_t  i;

    for (i = 0; i < EHR_DECIMAL_PLACES; i++) {
        if (!decimal_digit(d, i < len ? text[i] : '0')) {
            return 0;
        }
    }

    for (/* void */; i < len; i++) {
        if (text[i] != '0') {
            return 0;
        }
    }

    return 1;
}


/* What nearly all numbers are: digits, perhaps a point and digits, and too
 * few of them to overflow.  0: it must be looked at more closely. */

static int
decimal_plain(ehr_str_t text, ehr_decimal_t *d)
{
    uint64_t  value = 0;
    size_t    i, point = text.len, places;

    for (i = 0; i < text.len; i++) {
        unsigned  digit = (unsigned char) text.data[i] - (unsigned) '0';

        if (digit <= 9) {
            value = value * 10 + digit;

        } else if (text.data[i] == '.' && point == text.len) {
            point = i;

        } else {
            return 0;
        }
    }

    places = point == text.len ? 0 : text.len - point - 1;

    if (point == 0 || point > DECIMAL_SAFE || places > EHR_DECIMAL_PLACES
        || (point < text.len && places == 0))
    {
        return 0;
    }

    for (/* void */; places < EHR_DECIMAL_PLACES; places++) {
        value *= 10;
    }

    *d = (ehr_decimal_t) value;

    return 1;
}


int
ehr_decimal_parse(ehr_str_t text, ehr_decimal_t *d)
{
    const char     *at = text.data, *end;
    ehr_decimal_t   value = 0;
    int             is_negative;

    if (text.len == 0 || text.len > DECIMAL_TEXT_MAX) {
        return 0;
    }

    end = at + text.len;

    if (text.len <= DECIMAL_SAFE + 1 + EHR_DECIMAL_PLACES
        && decimal_plain(text, d))
    {
        return 1;
    }

    is_negative = (*at == '-');
    at += is_negative;

    if (at == end || *at == '.') {
        return 0;
    }

    while (at < end && *at != '.') {
        if (!decimal_digit(&value, *at++)) {
            return 0;
        }
    }

    if (at < end && ++at == end) {
        return 0;
    }

    if (!decimal_fraction(at, (size_t) (end - at), &value)) {
        return 0;
    }

    *d = is_negative ? -value : value;

    return 1;
}


int
ehr_decimal_add(ehr_decimal_t *sum, ehr_decimal_t d)
{
    ehr_decimal_t  s;

    if (__builtin_add_overflow(*sum, d, &s)) {
        return 0;
    }

    *sum = s;

    return 1;
}


/* n / unit, half away from zero. */

static __int128
decimal_divide_wide(__int128 n, __int128 unit)
{
    __int128  whole = n / unit, rest = n % unit;

    rest = rest < 0 ? -rest : rest;

    if (rest >= unit - rest) {
        whole += n < 0 ? -1 : 1;
    }

    return whole;
}


static __int128
decimal_divide(__int128 n, __int128 unit)
{
    if (unit == 1) {
        return n;
    }

    /* nearly always, and many times faster; all units here are even */
    if (n >= 0 && n <= INT64_MAX / 2 && unit <= INT64_MAX / 2) {
        return ((int64_t) n + (int64_t) unit / 2) / (int64_t) unit;
    }

    return decimal_divide_wide(n, unit);
}


ehr_decimal_t
ehr_decimal_round(ehr_decimal_t d, unsigned places)
{
    ehr_decimal_t  unit = 1;

    for (unsigned i = places; i < EHR_DECIMAL_PLACES; i++) {
        unit *= 10;
    }

    /* the last half unit of the range stays as it is */
    if (d > INT64_MAX - unit || d < INT64_MIN + unit) {
        return d;
    }

    return (ehr_decimal_t) decimal_divide(d, unit) * unit;
}


/* Zeros at the end of factors are left out, so that four of them fit. */

int
ehr_decimal_product(const ehr_decimal_t *factors, unsigned n,
                    unsigned percents, ehr_decimal_t *product)
{
    static const ehr_decimal_t  cent = EHR_DECIMAL_ONE / 100;

    __int128  wide = 1, unit = 1;
    unsigned  places = 2 * percents;

    for (unsigned i = 0; i < n; i++) {
        ehr_decimal_t  f = factors[i];
        unsigned       own = EHR_DECIMAL_PLACES;

        for (/* void */; own > 0 && f % 10 == 0; own--) {
            f /= 10;
        }

        places += own;

        if (__builtin_mul_overflow(wide, f, &wide)) {
            return 0;
        }
    }

    for (/* void */; places > 2; places--) {
        if (__builtin_mul_overflow(unit, 10, &unit)) {
            return 0;
        }
    }

    wide = decimal_divide(wide, unit);

    for (/* void */; places < 2; places++) {
        if (__builtin_mul_overflow(wide, 10, &wide)) {
            return 0;
        }
    }

    if (wide > INT64_MAX / cent || wide < INT64_MIN / cent) {
        return 0;
    }

    *product = (ehr_decimal_t) wide * cent;

    return 1;
}


int
ehr_decimal_is_near(ehr_decimal_t a, ehr_decimal_t b, ehr_decimal_t tolerance)
{
    __int128  apart = (__int128) a - b;

    return (apart < 0 ? -apart : apart) <= tolerance;
}


unsigned
ehr_decimal_places(ehr_str_t text)
{
    unsigned  places = 0;
    int       is_behind = 0;

    for (size_t i = 0; i < text.len && i < DECIMAL_TEXT_MAX; i++) {
        places += (unsigned) is_behind;
        is_behind |= (text.data[i] == '.');
    }

    return places;
}
