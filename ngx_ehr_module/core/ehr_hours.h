/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Hours of a partner and deadlines of a kind, in Vietnamese time (UTC+7, no
 * summer time).  Arithmetic alone: the present is an argument, holidays are
 * not known: they make a deadline earlier than the law's, never later.
 */

#ifndef EHR_HOURS_H
#define EHR_HOURS_H


#include "ehr.h"
#include "ehr_document.h"


/* How far ahead a window's opening is looked for; a "next time" is never
 * farther than EHR_HOURS_LONGEST_MS. */
#define EHR_HOURS_DAYS_AHEAD  62
#define EHR_HOURS_LONGEST_MS  (EHR_HOURS_DAYS_AHEAD * INT64_C(86400000))


/* One rule: what it is about, and when. */

typedef struct {
    int       is_closed;              /* not then; else: only then */
    uint32_t  kinds;                  /* bits (1 << ehr_kind_e); 0: all */
    int64_t   larger_than;            /* bytes; -1: all */
    uint32_t  weekdays;               /* bit 0: Monday; 0: all */
    uint32_t  first_day, last_day;    /* of the month; 0: all */
    uint32_t  from, to;               /* minutes of the day; equal: all day;
                                         to below from: over midnight, of the
                                         day on which it begins */
} ehr_hours_t;

/*
 * "20:00-06:00", "mon-fri", "sat", "day:1-5", "kind:claim", "size>20m", joined
 * by commas, each at most once (kind: as often as it likes).  EHR_REFUSED:
 * not of that form.
 */
ehr_rc_t ehr_hours_parse(ehr_str_t text, ehr_hours_t *hours);


typedef struct {
    ehr_kind_e  kind;
    int64_t     size;
    int64_t     now_ms;
} ehr_hours_query_t;

/*
 * 0: now.  Else when the next time is that no "closed" rule is about and,
 * where "only then" rules are about such a document, one of them covers;
 * after two months without one, tomorrow: to look again.
 */
int64_t ehr_hours_next_ms(const ehr_hours_t *rules, uint32_t nrules,
                          const ehr_hours_query_t *query);


/* --- deadlines of a kind --- */

typedef enum {
    EHR_DEADLINE_NONE = 0,
    EHR_DEADLINE_AFTER,               /* so many minutes; 0: at once */
    EHR_DEADLINE_WORKING,             /* so many minutes of working hours:
                                         Monday to Friday, 8 to 12, 13 to 17 */
    EHR_DEADLINE_DAY                  /* the end of the day, and so many days
                                         more */
} ehr_deadline_e;

typedef struct {
    ehr_deadline_e  by;
    int64_t         amount;
} ehr_deadline_t;

/* "now", "30m", "4h", "4wh", "day", "3d" (the end of the third day after),
 * "off".  EHR_REFUSED: none of these. */
ehr_rc_t ehr_deadline_parse(ehr_str_t text, ehr_deadline_t *deadline);

/* 0: none. */
int64_t ehr_deadline_ms(const ehr_deadline_t *deadline, int64_t received_ms);

/* Not behind what has time: within half a day, or in working hours. */
int ehr_deadline_is_urgent(const ehr_deadline_t *deadline);


#endif /* EHR_HOURS_H */
