/* SPDX-License-Identifier: BSD-2-Clause */

/* What the files of ehrctl share: the options, and what a command is. */

#ifndef EHRCTL_H
#define EHRCTL_H


#include "ehr.h"
#include "ehr_problem.h"


#define EHRCTL_VERSION   "1.0.0"

#define EHRCTL_OK        0
#define EHRCTL_FAILED    1
#define EHRCTL_USAGE     2

#define EHRCTL_OPERANDS  2
#define EHRCTL_FILE_MAX  65536


typedef enum {
    EHRCTL_TABLE = 0,
    EHRCTL_JSON
} ehrctl_output_e;


/* One run; strings are those of the command line or live in the arena. */

typedef struct {
    ehr_arena_t      *arena;
    ehr_lang_e        lang;

    const char       *server;
    const char       *cert;
    const char       *key;
    const char       *ca;

    const char       *output_name;
    ehrctl_output_e   output;
    int               is_dry_run;
    const char       *if_match;

    const char       *name;
    const char       *standard;
    const char       *kinds;
    const char       *rate;
    const char       *burst;
    const char       *reason;
    const char       *jwks;

    const char       *partner;
    const char       *kind;
    const char       *state;
    const char       *why;            /* reason a delivery has */
    const char       *since;
    const char       *until;
    const char       *as;
    const char       *partner_ref;
    int               is_forced;
    int               is_no_wait;

    const char       *facility;
    const char       *plugins;
    const char       *config;
    const char       *set;
    const char      **paths;          /* files and folders */
    int               npaths;

    const char       *operands[EHRCTL_OPERANDS];
    int               noperands;
} ehrctl_t;


/* Gives an exit status. */
typedef int  (*ehrctl_run_pt)(ehrctl_t *ctl);


int ehrctl_facility_add(ehrctl_t *ctl);
int ehrctl_facility_list(ehrctl_t *ctl);
int ehrctl_facility_show(ehrctl_t *ctl);
int ehrctl_facility_suspend(ehrctl_t *ctl);
int ehrctl_facility_resume(ehrctl_t *ctl);
int ehrctl_facility_cert_add(ehrctl_t *ctl);
int ehrctl_facility_cert_remove(ehrctl_t *ctl);
int ehrctl_partner_list(ehrctl_t *ctl);
int ehrctl_partner_show(ehrctl_t *ctl);
int ehrctl_partner_pause(ehrctl_t *ctl);
int ehrctl_partner_resume(ehrctl_t *ctl);
int ehrctl_partner_probe(ehrctl_t *ctl);
int ehrctl_queue(ehrctl_t *ctl);
int ehrctl_document_list(ehrctl_t *ctl);
int ehrctl_document_show(ehrctl_t *ctl);
int ehrctl_document_timeline(ehrctl_t *ctl);
int ehrctl_document_hold(ehrctl_t *ctl);
int ehrctl_document_release(ehrctl_t *ctl);
int ehrctl_document_replay(ehrctl_t *ctl);
int ehrctl_job_list(ehrctl_t *ctl);
int ehrctl_job_pause(ehrctl_t *ctl);
int ehrctl_job_resume(ehrctl_t *ctl);
int ehrctl_job_cancel(ehrctl_t *ctl);
int ehrctl_doctor(ehrctl_t *ctl);
int ehrctl_receipt_verify(ehrctl_t *ctl);
int ehrctl_validate(ehrctl_t *ctl);
int ehrctl_rules(ehrctl_t *ctl);


#endif /* EHRCTL_H */
