/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The administrator's word on findings: what a table or a rule says is an
 * error may be a warning here, the other way round, or nothing at all.  What
 * protects the partner or another facility is not for sale: a document that
 * cannot be read, or is somebody else's, stays refused.
 */

#ifndef EHR_SEVERITIES_H
#define EHR_SEVERITIES_H


#include "ehr.h"


#define EHR_SEVERITY_OFF     3      /* beside ehr_severity_e */
#define EHR_SEVERITIES_MAX   1024


/* name: a finding's code ("hsdlgcs.ma_bn.too_long"), a field or a section of
 * a table ("hsdlgcs.ma_bn", "hsdlgcs"), or a rule ("T.nfc"). */

typedef struct {
    ehr_str_t  name;
    uint32_t   level;         /* ehr_severity_e or EHR_SEVERITY_OFF */
} ehr_severity_t;


typedef struct {
    ehr_severity_t  *items;
    uint32_t         n;
    uint32_t         nallocated;
} ehr_severities_t;


/* What a finding is called, from the narrowest name to the widest. */

typedef struct {
    ehr_str_t  code;
    ehr_str_t  field;         /* may be empty */
    ehr_str_t  section;
    ehr_str_t  rule;
} ehr_severity_names_t;


/* "error", "warning", "off"; 0: none of them. */
uint32_t ehr_severity_level(ehr_str_t word);

/* Whether a name begins with a section that some table has, or is a rule:
 * for "nginx -t", so that a slip of the keyboard is not a silent one. */
int ehr_severity_is_name(ehr_str_t name);

/*
 * Does   remembers a setting; a later one of the same name replaces it
 * Takes  name for as long as the set lives
 * Gives  EHR_OK, EHR_REFUSED when there are too many, EHR_BROKEN
 * When   while the configuration is read, by one thread
 */
ehr_rc_t ehr_severities_add(ehr_severities_t *set, ehr_str_t name,
                            uint32_t level);
void ehr_severities_free(ehr_severities_t *set);

/* The level of a finding that would have fallback; the narrowest name that is
 * set decides.  set may be NULL. */
uint32_t ehr_severity_of(const ehr_severities_t *set,
                         const ehr_severity_names_t *names,
                         uint32_t fallback);


#endif /* EHR_SEVERITIES_H */
