/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One call of the admin API on its way: between the file that knows HTTP
 * (ngx_http_ehr_admin.c) and those that know what is administered.
 *
 * Lifetime: request; it lives in the request's arena.  While a thread runs
 * the call, nobody else touches it.
 */

#ifndef NGX_HTTP_EHR_ADMIN_H
#define NGX_HTTP_EHR_ADMIN_H


#include "ngx_http_ehr.h"
#include "ehr_facility.h"
#include "ehr_store_decide.h"


#define NGX_HTTP_EHR_ADMIN_SEGMENTS  4


/* What a role must be allowed to do. */

typedef enum {
    NGX_HTTP_EHR_RIGHT_READ = 0,      /* every role */
    NGX_HTTP_EHR_RIGHT_OPERATE,       /* operator, admin */
    NGX_HTTP_EHR_RIGHT_CHANGE         /* admin */
} ngx_http_ehr_right_e;


typedef struct ngx_http_ehr_admin_s  ngx_http_ehr_admin_t;

typedef struct {
    ngx_uint_t               method;
    const char              *path[NGX_HTTP_EHR_ADMIN_SEGMENTS + 1];
    ngx_http_ehr_right_e     right;
    ngx_uint_t               status;  /* of success */

    /* On the event loop: reads path, query and body. */
    ngx_http_ehr_result_e  (*prepare)(ngx_http_ehr_admin_t *admin);

    /* In the reader's thread for RIGHT_READ, else in the writer's: sets
     * what became of it. */
    void                   (*run)(ehr_store_t *store, void *data);
} ngx_http_ehr_admin_call_t;


struct ngx_http_ehr_admin_s {
    ngx_http_ehr_ctx_t               *ctx;
    const ngx_http_ehr_admin_call_t  *call;
    ngx_str_t                         segments[NGX_HTTP_EHR_ADMIN_SEGMENTS];

    /* what is asked */
    ehr_change_t                      change;
    ehr_str_t                         code;
    ehr_facility_t                    fac;
    ehr_certificate_t                 cert;
    ehr_str_t                         reason;
    ehr_str_t                         after;      /* cursor; empty: first */
    uint32_t                          limit;
    ngx_uint_t                        partner;    /* index */

    /* the call's own; NULL: a change is one of the registry */
    void                             *data;

    /* of documents, deliveries and jobs */
    ehr_decided_e                     decided;
    ngx_uint_t                        is_reading; /* flag: a change that
                                                     only looks: not in the
                                                     writer's way */

    /* what became of it */
    ehr_registry_e                    result;
    int64_t                           version;    /* 0: no ETag */
    ehr_str_t                         body;
};


/* The calls of /admin/v1/facilities; the last one has no method. */
extern const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_facilities[];

/* The calls of /admin/v1/partners. */
extern const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_partners[];

/* The calls of documents, deliveries and jobs. */
extern const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_documents[];

/* The calls of /admin/v1/reports. */
extern const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_reports[];


#endif /* NGX_HTTP_EHR_ADMIN_H */
