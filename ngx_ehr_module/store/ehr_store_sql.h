/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every statement the SQLite backend keeps prepared.  The texts are in
 * ehr_store_sql.c; parameters are bound in the order ?1, ?2 ...
 */

#ifndef EHR_STORE_SQL_H
#define EHR_STORE_SQL_H


typedef enum {
    EHR_SQL_BEGIN_READ = 0,
    EHR_SQL_BEGIN_WRITE,
    EHR_SQL_COMMIT,
    EHR_SQL_ROLLBACK,

    EHR_SQL_KEY_FIND,
    EHR_SQL_KEY_ADD,
    EHR_SQL_BYTES_FIND,
    EHR_SQL_ID_FIND,
    EHR_SQL_SUBMISSION_ADD,
    EHR_SQL_CONTENT_ADD,
    EHR_SQL_DELIVERY_ADD,
    EHR_SQL_HISTORY_ADD,
    EHR_SQL_OLDER_FIND,
    EHR_SQL_SUPERSEDE_OLDER,
    EHR_SQL_SUPERSEDE_SELF,

    EHR_SQL_SUBMISSION,
    EHR_SQL_DELIVERIES,
    EHR_SQL_CONTENT,

    EHR_SQL_CLAIM_PAUSED,
    EHR_SQL_CLAIM_READY,
    EHR_SQL_CLAIM_NEXT,
    EHR_SQL_CLAIM_DUE,
    EHR_SQL_CLAIM_FAR,
    EHR_SQL_CLAIM_HOLD,
    EHR_SQL_CLAIM_TAKE,
    EHR_SQL_FINISH,
    EHR_SQL_UNHOLD,
    EHR_SQL_OWNERS,
    EHR_SQL_OWNED,
    EHR_SQL_CRASHED,
    EHR_SQL_PROBE_FAR,
    EHR_SQL_PROBE_DUE,
    EHR_SQL_PROBE_NEXT,
    EHR_SQL_PROBE_TAKE,
    EHR_SQL_ASKERS,
    EHR_SQL_ASKED,
    EHR_SQL_ASKER_LOST,
    EHR_SQL_PROBE_END,

    EHR_SQL_HISTORY_NOTE,
    EHR_SQL_DECIDE_FIND,
    EHR_SQL_DECIDE,
    EHR_SQL_JOBS,
    EHR_SQL_JOB_ADD,
    EHR_SQL_JOB_SET,
    EHR_SQL_JOB_DUE,
    EHR_SQL_JOB_NEXT,
    EHR_SQL_JOB_PROGRESS,
    EHR_SQL_ATTEMPT_ADD,
    EHR_SQL_ATTEMPT_END,

    EHR_SQL_CHORE_MINE,
    EHR_SQL_CHORE_LEFT,
    EHR_SQL_CHORE_TAKE,
    EHR_SQL_CHORE_DROP,
    EHR_SQL_SWEEP_PARTNERS,
    EHR_SQL_SWEEP_PARTNER,
    EHR_SQL_SWEEP_HOLD,
    EHR_SQL_SWEEP_DUE,
    EHR_SQL_SWEEP_DUE_MEND,
    EHR_SQL_SWEEP_EARLY,
    EHR_SQL_SWEEP_SERVED,
    EHR_SQL_SWEEP_RESUME,
    EHR_SQL_SWEEP_LAST,
    EHR_SQL_SWEEP_SUBMISSION,
    EHR_SQL_SWEEP_CONTENT,
    EHR_SQL_SWEEP_ATTEMPT,
    EHR_SQL_SWEEP_ATTEMPT_MEND,
    EHR_SQL_RETAIN_OLD,
    EHR_SQL_RETAIN_AGE,
    EHR_SQL_RETAIN_NEWEST,
    EHR_SQL_RETAIN_ENTER,
    EHR_SQL_RETAIN_ATTEMPTS,
    EHR_SQL_RETAIN_DELIVERIES,
    EHR_SQL_RETAIN_HISTORY,
    EHR_SQL_RETAIN_KEYS,
    EHR_SQL_RETAIN_CONTENT,
    EHR_SQL_RETAIN_SUBMISSION,
    EHR_SQL_RETAIN_LEAVE,
    EHR_SQL_KEYS_NEXT,
    EHR_SQL_KEYS_COUNT,
    EHR_SQL_RESEAL_NEXT,
    EHR_SQL_RESEAL,

    EHR_SQL_ATTEMPTS,
    EHR_SQL_HISTORY,
    EHR_SQL_NEWEST,
    EHR_SQL_RECEIVED_FROM,
    EHR_SQL_FIRST_DELIVERY,
    EHR_SQL_DEPTHS,
    EHR_SQL_QUEUES,

    EHR_SQL_PARTNER,
    EHR_SQL_PARTNER_SET,

    EHR_SQL_FACILITY,
    EHR_SQL_FACILITIES,
    EHR_SQL_FACILITY_COUNT,
    EHR_SQL_FACILITY_ADD,
    EHR_SQL_FACILITY_SUSPEND,
    EHR_SQL_FACILITY_RESUME,
    EHR_SQL_FACILITY_TOUCH,
    EHR_SQL_CERTS,
    EHR_SQL_CERT_FIND,
    EHR_SQL_CERT_ADD,
    EHR_SQL_CERT_REMOVE,
    EHR_SQL_GENERATION,
    EHR_SQL_GENERATION_RAISE,
    EHR_SQL_AUDIT_ADD,

    EHR_SQL_LAST
} ehr_sql_e;


/* An expression on deliveries, under this name: whether newer content of the
 * same key was accepted for the same partner. */
#define EHR_SQL_HAS_NEWER(d)                                                  \
    "(" d ".business_key <> '' AND EXISTS ("                                  \
    "SELECT 1 FROM submissions AS s"                                          \
    " JOIN deliveries AS n ON n.seq = s.seq AND n.partner = " d ".partner"    \
    " WHERE s.business_key = " d ".business_key"                              \
    " AND s.facility = " d ".facility AND s.kind = " d ".kind"                \
    " AND s.seq > " d ".seq))"

/* An expression on "deliveries AS d": whether the partner has answered an
 * attempt, or perhaps got one. */
#define EHR_SQL_MAY_HAVE_LEFT                                                 \
    "EXISTS (SELECT 1 FROM attempts AS a WHERE a.delivery = d.id"             \
    " AND (a.http_status <> 0 OR a.state = 'uncertain'))"


/* The same: whether a person holds it. */
#define EHR_SQL_IS_BY_PERSON  "d.reason = 'person.held'"

/* The same: whether its bytes are there. */
#define EHR_SQL_HAS_CONTENT                                                   \
    "EXISTS (SELECT 1 FROM contents AS c WHERE c.seq = d.seq)"


extern const char *const  ehr_sql_texts[EHR_SQL_LAST];


#endif /* EHR_STORE_SQL_H */
