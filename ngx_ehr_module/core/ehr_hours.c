/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether a partner's hours let a document through, when they will,
 * and when a kind's deadline is.  Refuses to know the clock.
 */

#include "ehr_hours.h"


#define MINUTE_MS    INT64_C(60000)
#define HOUR         60
#define DAY          (24 * HOUR)
#define OFFSET       (7 * HOUR)       /* minutes east of UTC */
#define PARTS_MAX    16

#define NUMBER_MAX   100000
#define AMOUNT_MAX   1000             /* of a deadline */
#define URGENT       (12 * HOUR)

/* Of the proleptic Gregorian calendar, years beginning in March. */
#define CYCLE_DAYS   146097
#define EPOCH_DAYS   719468


typedef struct {
    int64_t   day;                    /* since 1970-01-01 */
    uint32_t  minute;                 /* of that day */
} local_t;


static local_t
local_of(int64_t ms)
{
    int64_t  minutes = ms / MINUTE_MS + OFFSET;
    local_t  t;

    t.day = minutes / DAY;
    t.minute = (uint32_t) (minutes % DAY);

    return t;
}


static int64_t
ms_of(int64_t day, uint32_t minute)
{
    return (day * DAY + minute - OFFSET) * MINUTE_MS;
}


/* 0: Monday.  The first of January 1970 was a Thursday. */

static uint32_t
weekday_of(int64_t day)
{
    return (uint32_t) ((day + 3) % 7);
}


static uint32_t
day_of_month(int64_t day)
{
    uint32_t  of_era = (uint32_t) ((day + EPOCH_DAYS) % CYCLE_DAYS);
    uint32_t  y = (of_era - of_era / 1460 + of_era / 36524
                   - of_era / 146096) / 365;
    uint32_t  of_year = of_era - (365 * y + y / 4 - y / 100);
    uint32_t  m = (5 * of_year + 2) / 153;

    return of_year - (153 * m + 2) / 5 + 1;
}


/* --- one rule --- */

static int
is_on_day(const ehr_hours_t *rule, int64_t day)
{
    uint32_t  d = day_of_month(day);

    return (rule->weekdays == 0 || (rule->weekdays & 1u << weekday_of(day)))
           && (rule->first_day == 0
               || (d >= rule->first_day && d <= rule->last_day));
}


static int
covers(const ehr_hours_t *rule, local_t t)
{
    if (rule->from == rule->to) {
        return is_on_day(rule, t.day);
    }

    if (rule->from < rule->to) {
        return t.minute >= rule->from && t.minute < rule->to
               && is_on_day(rule, t.day);
    }

    return (t.minute >= rule->from && is_on_day(rule, t.day))
           || (t.minute < rule->to && is_on_day(rule, t.day - 1));
}


static int
is_about(const ehr_hours_t *rule, const ehr_hours_query_t *query)
{
    return (rule->kinds == 0 || (rule->kinds & 1u << query->kind))
           && query->size > rule->larger_than;
}


static int
is_open(const ehr_hours_t *rules, uint32_t nrules,
        const ehr_hours_query_t *query, local_t t)
{
    int       needs, has;
    uint32_t  i;

    for (i = 0, needs = has = 0; i < nrules; i++) {

        if (!is_about(&rules[i], query)) {
            continue;
        }

        if (rules[i].is_closed) {
            if (covers(&rules[i], t)) {
                return 0;
            }

        } else {
            needs = 1;
            has |= covers(&rules[i], t);
        }
    }

    return !needs || has;
}


/* The state changes at midnight, or where a rule begins or ends. */

static uint32_t
first_open_minute(const ehr_hours_t *rules, uint32_t nrules,
                  const ehr_hours_query_t *query, local_t after)
{
    uint32_t  i, k, best = DAY;
    local_t   t = { after.day, 0 };

    for (i = 0; i < nrules; i++) {
        const uint32_t  minutes[] = { 0, rules[i].from, rules[i].to };

        for (k = 0; k < sizeof(minutes) / sizeof(minutes[0]); k++) {
            t.minute = minutes[k];

            if (t.minute >= after.minute && t.minute < best
                && is_open(rules, nrules, query, t))
            {
                best = t.minute;
            }
        }
    }

    return best;
}


int64_t
ehr_hours_next_ms(const ehr_hours_t *rules, uint32_t nrules,
                  const ehr_hours_query_t *query)
{
    local_t   t = local_of(query->now_ms);
    uint32_t  i, minute;

    if (is_open(rules, nrules, query, t)) {
        return 0;
    }

    for (i = 0, t.minute++; i < EHR_HOURS_DAYS_AHEAD; i++) {

        minute = first_open_minute(rules, nrules, query, t);

        if (minute < DAY) {
            return ms_of(t.day, minute);
        }

        t.day++;
        t.minute = 0;
    }

    return query->now_ms + DAY * MINUTE_MS;
}


/* --- reading --- */

static int
number(ehr_str_t *s, int64_t *value)
{
    size_t  i;

    for (i = 0, *value = 0; i < s->len && s->data[i] >= '0'
                            && s->data[i] <= '9'; i++)
    {
        *value = *value * 10 + (s->data[i] - '0');

        if (*value > NUMBER_MAX) {
            return 0;
        }
    }

    s->data += i;
    s->len -= i;

    return i > 0;
}


static int
mark(ehr_str_t *s, const char *text)
{
    size_t  len = strlen(text);

    if (s->len < len || memcmp(s->data, text, len) != 0) {
        return 0;
    }

    s->data += len;
    s->len -= len;

    return 1;
}


static int
clock_time(ehr_str_t *s, uint32_t *minute)
{
    int64_t  h, m;

    if (!number(s, &h) || !mark(s, ":") || !number(s, &m) || h > 24 || m > 59
        || (h == 24 && m != 0))
    {
        return 0;
    }

    *minute = (uint32_t) (h * HOUR + m) % DAY;

    return 1;
}


static int
weekday(ehr_str_t *s, uint32_t *day)
{
    static const char *const  names[] = {
        "mon", "tue", "wed", "thu", "fri", "sat", "sun"
    };

    uint32_t  i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mark(s, names[i])) {
            *day = i;
            return 1;
        }
    }

    return 0;
}


/* Once a rule; "sat-mon" goes over Sunday. */

static int
weekdays(ehr_str_t *s, ehr_hours_t *hours)
{
    uint32_t  first, last;

    if (hours->weekdays != 0 || !weekday(s, &first)) {
        return 0;
    }

    last = first;

    if (mark(s, "-") && !weekday(s, &last)) {
        return 0;
    }

    for (; first != last; first = (first + 1) % 7) {
        hours->weekdays |= 1u << first;
    }

    hours->weekdays |= 1u << last;

    return 1;
}


static int
month_days(ehr_str_t *s, ehr_hours_t *hours)
{
    int64_t  first, last;

    if (hours->first_day != 0 || !number(s, &first)) {
        return 0;
    }

    last = first;

    if ((mark(s, "-") && !number(s, &last)) || first < 1 || last > 31
        || last < first)
    {
        return 0;
    }

    hours->first_day = (uint32_t) first;
    hours->last_day = (uint32_t) last;

    return 1;
}


static int
larger(ehr_str_t *s, ehr_hours_t *hours)
{
    if (hours->larger_than != -1 || !number(s, &hours->larger_than)) {
        return 0;
    }

    if (mark(s, "k")) {
        hours->larger_than *= 1024;

    } else if (mark(s, "m")) {
        hours->larger_than *= 1024 * 1024;
    }

    return 1;
}


static int
kind(ehr_str_t *s, ehr_hours_t *hours)
{
    ehr_kind_e  k = ehr_kind_of_name(*s);

    if (k == EHR_KIND_UNKNOWN) {
        return 0;
    }

    hours->kinds |= 1u << k;
    s->len = 0;

    return 1;
}


static int
times(ehr_str_t *s, ehr_hours_t *hours)
{
    return hours->from == hours->to && clock_time(s, &hours->from)
           && mark(s, "-") && clock_time(s, &hours->to);
}


static int
part(ehr_str_t s, ehr_hours_t *hours)
{
    int  is_good;

    if (mark(&s, "day:")) {
        is_good = month_days(&s, hours);

    } else if (mark(&s, "kind:")) {
        is_good = kind(&s, hours);

    } else if (mark(&s, "size>")) {
        is_good = larger(&s, hours);

    } else if (s.len != 0 && s.data[0] >= '0' && s.data[0] <= '9') {
        is_good = times(&s, hours);

    } else {
        is_good = weekdays(&s, hours);
    }

    return is_good && s.len == 0;
}


ehr_rc_t
ehr_hours_parse(ehr_str_t text, ehr_hours_t *hours)
{
    uint32_t     i;
    ehr_str_t    s;
    const char  *comma;

    memset(hours, 0, sizeof(ehr_hours_t));
    hours->larger_than = -1;

    for (i = 0; i < PARTS_MAX; i++) {

        comma = text.len != 0 ? memchr(text.data, ',', text.len) : NULL;
        s.data = text.data;
        s.len = comma != NULL ? (size_t) (comma - text.data) : text.len;

        if (!part(s, hours)) {
            return EHR_REFUSED;
        }

        if (comma == NULL) {
            return EHR_OK;
        }

        text.data += s.len + 1;
        text.len -= s.len + 1;
    }

    return EHR_REFUSED;
}


/* --- deadlines --- */

ehr_rc_t
ehr_deadline_parse(ehr_str_t text, ehr_deadline_t *deadline)
{
    static const struct {
        const char      *unit;
        ehr_deadline_e   by;
        int64_t          factor;
    } units[] = {
        { "wh", EHR_DEADLINE_WORKING, HOUR },
        { "m", EHR_DEADLINE_AFTER, 1 },
        { "h", EHR_DEADLINE_AFTER, HOUR },
        { "d", EHR_DEADLINE_DAY, 1 }
    };

    size_t  i;

    deadline->amount = 0;

    if (ehr_str_is(text, "off")) {
        deadline->by = EHR_DEADLINE_NONE;
        return EHR_OK;
    }

    if (ehr_str_is(text, "now")) {
        deadline->by = EHR_DEADLINE_AFTER;
        return EHR_OK;
    }

    if (ehr_str_is(text, "day")) {
        deadline->by = EHR_DEADLINE_DAY;
        return EHR_OK;
    }

    if (!number(&text, &deadline->amount) || deadline->amount == 0
        || deadline->amount > AMOUNT_MAX)
    {
        return EHR_REFUSED;
    }

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ehr_str_is(text, units[i].unit)) {
            deadline->by = units[i].by;
            deadline->amount *= units[i].factor;
            return EHR_OK;
        }
    }

    return EHR_REFUSED;
}


/* When so many working minutes are over.  AMOUNT_MAX hours are less than half
 * a year of them, and each week takes some off. */

static int64_t
after_working(int64_t received_ms, int64_t amount)
{
    static const uint32_t  shifts[][2] = {
        { 8 * HOUR, 12 * HOUR }, { 13 * HOUR, 17 * HOUR }
    };

    local_t   t = local_of(received_ms);
    size_t    i;
    uint32_t  from;

    for (;; t.day++, t.minute = 0) {

        for (i = 0; i < 2 && weekday_of(t.day) < 5; i++) {
            from = t.minute > shifts[i][0] ? t.minute : shifts[i][0];

            if (from >= shifts[i][1]) {
                continue;
            }

            if (amount <= shifts[i][1] - from) {
                return ms_of(t.day, from + (uint32_t) amount);
            }

            amount -= shifts[i][1] - from;
        }
    }
}


int64_t
ehr_deadline_ms(const ehr_deadline_t *deadline, int64_t received_ms)
{
    switch (deadline->by) {

    case EHR_DEADLINE_AFTER:
        return received_ms + deadline->amount * MINUTE_MS;

    case EHR_DEADLINE_WORKING:
        return after_working(received_ms, deadline->amount);

    case EHR_DEADLINE_DAY:
        return ms_of(local_of(received_ms).day + deadline->amount + 1, 0);

    default:
        return 0;
    }
}


int
ehr_deadline_is_urgent(const ehr_deadline_t *deadline)
{
    return deadline->by == EHR_DEADLINE_WORKING
           || (deadline->by == EHR_DEADLINE_AFTER
               && deadline->amount <= URGENT);
}
