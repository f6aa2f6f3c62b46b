/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Days and minutes of documents: civil time of Viet Nam (UTC+7, no summer
 * time since 1975), without the C library's time zones.
 */

#ifndef EHR_CALENDAR_H
#define EHR_CALENDAR_H


#include "ehr_plugin.h"


typedef int32_t  ehr_day_t;       /* 0 is 1970-01-01 */
typedef int64_t  ehr_minute_t;    /* 0 is 1970-01-01 00:00 in Viet Nam */

#define EHR_DAY_MINUTES  1440


/* 1; 0 when there is no such day; years 1800 to 9999. */
int ehr_day_make(uint32_t year, uint32_t month, uint32_t day, ehr_day_t *out);

/* yyyymmdd as a number. */
uint32_t ehr_day_number(ehr_day_t day);

/* Exactly 8 digits, or the first 8 of 12 (yyyyMMddHHmm).  1, or 0. */
int ehr_day_parse(ehr_str_t text, ehr_day_t *day);

/* yyyyMMddHHmm; yyyyMMdd is its first minute.  1, or 0. */
int ehr_minute_parse(ehr_str_t text, ehr_minute_t *minute);

ehr_day_t ehr_day_of(ehr_minute_t minute);

/* From Unix time in milliseconds. */
ehr_minute_t ehr_minute_now(int64_t now_ms);
ehr_day_t ehr_day_now(int64_t now_ms);

/* The same day of another month, or that month's last. */
ehr_day_t ehr_day_add_months(ehr_day_t day, int32_t months);

/* Whole years from birth to day; negative before birth. */
int32_t ehr_day_age(ehr_day_t birth, ehr_day_t day);


#endif /* EHR_CALENDAR_H */
