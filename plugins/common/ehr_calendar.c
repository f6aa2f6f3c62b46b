/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides which day a text means and how days are counted.  Knows no clock:
 * the present is an argument.
 */

#include "ehr_calendar.h"


#define CALENDAR_YEAR_MIN  1800
#define CALENDAR_YEAR_MAX  9999
#define CALENDAR_OFFSET    (7 * 60)   /* minutes east of UTC */
#define CALENDAR_CYCLE     146097     /* days of 400 years */
#define CALENDAR_EPOCH     719468     /* 0000-03-01 to 1970-01-01 */


typedef struct {
    uint32_t  year;
    uint32_t  month;
    uint32_t  day;
} calendar_t;


static uint32_t
calendar_days(uint32_t year, uint32_t month)
{
    static const uint8_t  days[13] = {
        0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    int  is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 2 && is_leap);
}


/* Years begin in March, so that the leap day is the last one. */

int
ehr_day_make(uint32_t year, uint32_t month, uint32_t day, ehr_day_t *out)
{
    uint32_t  y, of_year, of_era;

    if (year < CALENDAR_YEAR_MIN || year > CALENDAR_YEAR_MAX || month < 1
        || month > 12 || day < 1 || day > calendar_days(year, month))
    {
        return 0;
    }

    y = year - (month <= 2);
    of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    of_era = y % 400 * 365 + y % 400 / 4 - y % 400 / 100 + of_year;

    *out = (ehr_day_t) (y / 400 * CALENDAR_CYCLE + of_era) - CALENDAR_EPOCH;

    return 1;
}


static calendar_t
calendar_split(ehr_day_t day)
{
    calendar_t  c;
    uint32_t    n = (uint32_t) (day + CALENDAR_EPOCH);
    uint32_t    era = n / CALENDAR_CYCLE, of_era = n % CALENDAR_CYCLE;
    uint32_t    y = (of_era - of_era / 1460 + of_era / 36524
                     - of_era / 146096) / 365;
    uint32_t    of_year = of_era - (365 * y + y / 4 - y / 100);
    uint32_t    m = (5 * of_year + 2) / 153;

    c.day = of_year - (153 * m + 2) / 5 + 1;
    c.month = m < 10 ? m + 3 : m - 9;
    c.year = era * 400 + y + (c.month <= 2);

    return c;
}


uint32_t
ehr_day_number(ehr_day_t day)
{
    calendar_t  c = calendar_split(day);

    return c.year * 10000 + c.month * 100 + c.day;
}


static int
calendar_digits(const char *text, size_t n, uint32_t *number)
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


int
ehr_minute_parse(ehr_str_t text, ehr_minute_t *minute)
{
    ehr_day_t  day;
    uint32_t   date, time = 0;

    if ((text.len != 8 && text.len != 12)
        || !calendar_digits(text.data, 8, &date)
        || !calendar_digits(text.data + 8, text.len - 8, &time)
        || time / 100 > 23 || time % 100 > 59
        || !ehr_day_make(date / 10000, date / 100 % 100, date % 100, &day))
    {
        return 0;
    }

    *minute = (ehr_minute_t) day * EHR_DAY_MINUTES + time / 100 * 60
              + time % 100;

    return 1;
}


int
ehr_day_parse(ehr_str_t text, ehr_day_t *day)
{
    ehr_minute_t  minute;

    if (!ehr_minute_parse(text, &minute)) {
        return 0;
    }

    *day = ehr_day_of(minute);

    return 1;
}


static int64_t
calendar_floor(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}


ehr_day_t
ehr_day_of(ehr_minute_t minute)
{
    return (ehr_day_t) calendar_floor(minute, EHR_DAY_MINUTES);
}


ehr_minute_t
ehr_minute_now(int64_t now_ms)
{
    return calendar_floor(now_ms, 60000) + CALENDAR_OFFSET;
}


ehr_day_t
ehr_day_now(int64_t now_ms)
{
    return ehr_day_of(ehr_minute_now(now_ms));
}


ehr_day_t
ehr_day_add_months(ehr_day_t day, int32_t months)
{
    calendar_t  c = calendar_split(day);
    int64_t     n = (int64_t) c.year * 12 + c.month - 1 + months;
    uint32_t    last;

    if (n < CALENDAR_YEAR_MIN * 12 || n >= (CALENDAR_YEAR_MAX + 1) * 12) {
        return day;
    }

    c.year = (uint32_t) (n / 12);
    c.month = (uint32_t) (n % 12) + 1;
    last = calendar_days(c.year, c.month);

    (void) ehr_day_make(c.year, c.month, c.day < last ? c.day : last, &day);

    return day;
}


int32_t
ehr_day_age(ehr_day_t birth, ehr_day_t day)
{
    /* yyyymmdd as decimal numbers: a birthday not reached borrows a year */
    return (int32_t) calendar_floor((int64_t) ehr_day_number(day)
                                    - ehr_day_number(birth), 10000);
}
