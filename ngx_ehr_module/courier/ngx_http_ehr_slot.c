/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A courier's worker is known by the byte of the slots file it locks: the
 * kernel frees it when the worker dies, however it dies.  Opened after the
 * fork, or both sides would own it (engineering.md 12).
 *
 * Only couriers take slots: a worker that never takes deliveries back must
 * not hold the byte of one that left some.
 */

#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"

#include <fcntl.h>


/* Couriers alive at once, of all ages. */
#define NGX_HTTP_EHR_SLOTS  EHR_LANE_ROWS


static ngx_int_t
ngx_http_ehr_slots_open(ngx_http_ehr_worker_t *worker)
{
    u_char  path[NGX_MAX_PATH];

    if (ngx_snprintf(path, NGX_MAX_PATH, "%V.slots%Z",
                     &worker->mcf->store_path)
        == path + NGX_MAX_PATH)
    {
        return NGX_ERROR;
    }

    worker->slots_fd = open((char *) path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (worker->slots_fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, worker->cycle->log, ngx_errno,
                      "open(\"%s\") failed", path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_ehr_slot_taken(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t  i;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        ngx_http_ehr_lane_own(&worker->schedule->lanes[i]);
    }
}


ngx_int_t
ngx_http_ehr_slot_take(ngx_http_ehr_worker_t *worker)
{
    ngx_int_t     i;
    struct flock  fl;

    if (worker->owner.slot) {
        return NGX_OK;
    }

    if (worker->slots_fd == NGX_INVALID_FILE
        && ngx_http_ehr_slots_open(worker) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_ehr_session_init(worker) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 1; i < NGX_HTTP_EHR_SLOTS; i++) {
        ngx_memzero(&fl, sizeof(struct flock));
        fl.l_type = F_WRLCK;
        fl.l_whence = SEEK_SET;
        fl.l_start = i;
        fl.l_len = 1;

        if (fcntl(worker->slots_fd, F_OFD_SETLK, &fl) == 0) {
            worker->owner.slot = (uint32_t) i;
            ngx_http_ehr_slot_taken(worker);
            return NGX_OK;
        }
    }

    ngx_log_error(NGX_LOG_ERR, worker->cycle->log, 0,
                  "no free slot among %d for this courier",
                  NGX_HTTP_EHR_SLOTS);

    return NGX_ERROR;
}
