/* SPDX-License-Identifier: BSD-2-Clause */

/* The journal's room and its chores. */

#ifndef NGX_HTTP_EHR_KEEPER_H
#define NGX_HTTP_EHR_KEEPER_H


#include "ngx_http_ehr.h"


typedef struct {
    ngx_uint_t   is_known;            /* flag: the disk could be asked */
    ngx_uint_t   is_full;             /* flag: nothing new is accepted */
    uint64_t     free_bytes;          /* on the disk */
    uint64_t     used_bytes;          /* by the journal and its log */
    uint64_t     owed_bytes;          /* of the log, not in the journal yet */
    uint64_t     filled_bytes;        /* by the journal, and what it is owed */
    uint64_t     left_bytes;          /* until nothing new is accepted */
} ngx_http_ehr_room_t;


/* Asks the disk: in a thread. */
void ngx_http_ehr_room_look(ngx_http_ehr_main_conf_t *mcf,
    ehr_store_t *store, ngx_http_ehr_room_t *room);

/* How long an outage of this partner may last; -1: nothing comes for it. */
int64_t ngx_http_ehr_room_seconds(ngx_http_ehr_worker_t *worker,
    ngx_uint_t partner, const ngx_http_ehr_room_t *room);


#endif /* NGX_HTTP_EHR_KEEPER_H */
