/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The journal's room and its chores, in a thread and with a handle of their
 * own.  Each worker looks at the free space every second and takes nothing
 * new while there is too little; deliveries go on.  The one worker that has
 * the store's lease sweeps, lets go what is past its retention, seals anew.
 *
 * What is accepted for each partner is averaged over hours: free room divided
 * by it is how long an outage of that partner may last.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_keeper.h"

#include <math.h>
#include <sys/stat.h>
#include <sys/statvfs.h>


#define NGX_HTTP_EHR_KEEP_EACH      1000      /* ms */
#define NGX_HTTP_EHR_KEEP_SOON      200       /* ms, while there is more */

#define NGX_HTTP_EHR_FREE_SHARE     20        /* one in: 5 % */
#define NGX_HTTP_EHR_FREE_MIN       (64 * 1024 * 1024)
#define NGX_HTTP_EHR_FREE_MAX       (1024 * 1024 * 1024)

/* Looks that may be missed before the next one tells. */
#define NGX_HTTP_EHR_LOOKS_AHEAD    2

/* What the record of a document takes beside its bytes, with indexes. */
#define NGX_HTTP_EHR_RECORD_BYTES   2048

#define NGX_HTTP_EHR_RATE_EACH      10000     /* ms */
#define NGX_HTTP_EHR_RATE_HOURS     3.0


struct ngx_http_ehr_keeper_s {
    ngx_http_ehr_worker_t      *worker;
    ehr_store_t                *store;
    ngx_event_t                 timer;
    ngx_connection_t            dummy;
    const char                **partners;
    int64_t                    *deadlines_ms;
    ngx_uint_t                  is_running;   /* flag */
    ngx_uint_t                  is_failing;   /* flag */

    /* the thread's while it runs */
    ehr_store_keep_t            keep;
    ehr_rc_t                    rc;
    char                        error[256];
    ngx_http_ehr_room_t         room;
    uint64_t                    filled_bytes; /* at the last look */
};


static void ngx_http_ehr_keeper_timer(ngx_event_t *ev);
static void ngx_http_ehr_keeper_done(void *data);


static ngx_int_t
ngx_http_ehr_keeper_partners(ngx_http_ehr_keeper_t *keeper)
{
    ngx_uint_t                 i;
    ngx_http_ehr_partner_t    *part;
    ngx_http_ehr_main_conf_t  *mcf = keeper->worker->mcf;

    part = mcf->partners.elts;

    keeper->partners = ngx_pcalloc(keeper->worker->cycle->pool,
                                   (mcf->partners.nelts + 1)
                                   * sizeof(char *));
    keeper->deadlines_ms = ngx_pcalloc(keeper->worker->cycle->pool,
                                       (mcf->partners.nelts + 1)
                                       * sizeof(int64_t));
    if (keeper->partners == NULL || keeper->deadlines_ms == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < mcf->partners.nelts; i++) {
        keeper->partners[i] = (char *) part[i].name.data;
        keeper->deadlines_ms[i] = (int64_t) part[i].deadline * 1000;
        keeper->keep.retry_max_ms = ngx_max(keeper->keep.retry_max_ms,
                                            (int64_t) part[i].retry_max);
    }

    /* A minute for what is rounded and for clocks that differ. */
    keeper->keep.retry_max_ms += 60000;
    keeper->keep.partners = keeper->partners;
    keeper->keep.deadlines_ms = keeper->deadlines_ms;
    keeper->keep.npartners = mcf->partners.nelts;

    return NGX_OK;
}


ngx_int_t
ngx_http_ehr_keeper_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_keeper_t  *keeper;

    keeper = ngx_pcalloc(worker->cycle->pool, sizeof(ngx_http_ehr_keeper_t));
    if (keeper == NULL) {
        return NGX_ERROR;
    }

    worker->keeper = keeper;
    keeper->worker = worker;

    if (ngx_http_ehr_keeper_partners(keeper) != NGX_OK) {
        return NGX_ERROR;
    }

    keeper->keep.owner = worker->owner;
    keeper->keep.configured_ms = worker->mcf->configured_ms;
    keeper->keep.is_sweeping = worker->mcf->has_courier;
    keeper->keep.retentions = worker->mcf->retentions.elts;
    keeper->keep.nretentions = worker->mcf->retentions.nelts;

    keeper->store = ngx_http_ehr_journal_open(worker, 0);
    if (keeper->store == NULL) {
        return NGX_ERROR;
    }

    keeper->dummy.fd = (ngx_socket_t) -1;
    keeper->dummy.data = keeper;
    keeper->timer.data = &keeper->dummy;
    keeper->timer.handler = ngx_http_ehr_keeper_timer;
    keeper->timer.log = worker->cycle->log;
    keeper->timer.cancelable = 1;

    ngx_add_timer(&keeper->timer, 1);

    return NGX_OK;
}


/* The threads are gone by now. */

void
ngx_http_ehr_keeper_exit(ngx_http_ehr_worker_t *worker)
{
    if (worker->keeper) {
        (void) ehr_store_keep_end(worker->keeper->store,
                                  &worker->keeper->keep);
        ehr_store_close(worker->keeper->store);
    }
}


/* --- in the thread --- */

static uint64_t
ngx_http_ehr_file_bytes(ngx_str_t *path, const char *suffix)
{
    u_char       name[NGX_MAX_PATH];
    struct stat  st;

    if (ngx_snprintf(name, NGX_MAX_PATH, "%V%s%Z", path, suffix)
            == name + NGX_MAX_PATH
        || stat((char *) name, &st) == -1)
    {
        return 0;
    }

    return (uint64_t) st.st_size;
}


static uint64_t
ngx_http_ehr_less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}


void
ngx_http_ehr_room_look(ngx_http_ehr_main_conf_t *mcf, ehr_store_t *store,
    ngx_http_ehr_room_t *room)
{
    uint64_t        floor, most, database;
    struct statvfs  fs;

    ngx_memzero(room, sizeof(ngx_http_ehr_room_t));

    database = ngx_http_ehr_file_bytes(&mcf->store_path, "");
    room->owed_bytes = ehr_store_log_owes(store);
    room->filled_bytes = database + room->owed_bytes;
    room->used_bytes = database
                       + ngx_http_ehr_file_bytes(&mcf->store_path, "-wal");

    /* What cannot be asked refuses nobody: the store itself will say. */

    if (statvfs((char *) mcf->store_path.data, &fs) == -1) {
        return;
    }

    room->is_known = 1;
    room->free_bytes = (uint64_t) fs.f_bavail * fs.f_frsize;

    if (mcf->store_free != NGX_CONF_UNSET) {
        floor = (uint64_t) mcf->store_free;

    } else {
        floor = (uint64_t) fs.f_blocks * fs.f_frsize
                / NGX_HTTP_EHR_FREE_SHARE;
        floor = ngx_max(floor, NGX_HTTP_EHR_FREE_MIN);
        floor = ngx_min(floor, NGX_HTTP_EHR_FREE_MAX);
    }

    /* The log is written over and over again, and then asks for its room in
     * the database all at once. */

    room->left_bytes = ngx_http_ehr_less(room->free_bytes,
                                         floor + room->owed_bytes);

    if (mcf->store_max > 0) {
        most = ngx_http_ehr_less((uint64_t) mcf->store_max,
                                 room->used_bytes);
        room->left_bytes = ngx_min(room->left_bytes, most);
    }

    room->is_full = (room->left_bytes == 0);
}


/* Who looks once a second must see what will be there until the next look. */

static void
ngx_http_ehr_keeper_look(ngx_http_ehr_keeper_t *keeper)
{
    uint64_t              soon;
    ngx_http_ehr_room_t  *room = &keeper->room;

    ngx_http_ehr_room_look(keeper->worker->mcf, keeper->store, room);

    if (keeper->filled_bytes && room->is_known) {
        soon = NGX_HTTP_EHR_LOOKS_AHEAD
               * ngx_http_ehr_less(room->filled_bytes, keeper->filled_bytes);

        room->is_full |= (room->left_bytes <= soon);
    }

    keeper->filled_bytes = room->filled_bytes;
}


static void
ngx_http_ehr_keeper_run(void *data)
{
    ngx_http_ehr_keeper_t  *keeper = data;

    ngx_http_ehr_keeper_look(keeper);

    keeper->rc = ehr_store_keep(keeper->store, &keeper->keep);

    if (keeper->rc != EHR_OK) {
        (void) ngx_cpystrn((u_char *) keeper->error,
                           (u_char *) ehr_store_error(keeper->store),
                           sizeof(keeper->error));
    }
}


/* --- on the loop --- */

static void
ngx_http_ehr_keeper_timer(ngx_event_t *ev)
{
    ngx_connection_t       *c = ev->data;
    ngx_http_ehr_keeper_t  *keeper = c->data;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    /* Again, whatever becomes of this one (I6). */
    ngx_add_timer(ev, NGX_HTTP_EHR_KEEP_EACH);

    if (keeper->is_running) {
        return;
    }

    keeper->keep.now_ms = ngx_http_ehr_now_ms();

    if (ngx_http_ehr_thread_post(keeper->worker,
                                 keeper->worker->mcf->work_pool,
                                 ngx_http_ehr_keeper_run,
                                 ngx_http_ehr_keeper_done, keeper)
        == NGX_OK)
    {
        keeper->is_running = 1;
    }
}


static void
ngx_http_ehr_keeper_count(ngx_http_ehr_worker_t *worker,
    ngx_http_ehr_counter_e first, const uint32_t *n, ngx_uint_t len)
{
    ngx_uint_t  i;

    for (i = 0; i < len; i++) {
        if (n[i]) {
            (void) ngx_atomic_fetch_add(&worker->shared->counters[first + i],
                                        n[i]);
        }
    }
}


static void
ngx_http_ehr_keeper_tell(ngx_http_ehr_keeper_t *keeper)
{
    ngx_log_t         *log = keeper->timer.log;
    ngx_uint_t         i, n;
    ehr_store_keep_t  *keep = &keeper->keep;

    for (i = 0, n = 0; i < EHR_SWEEP_LAST; i++) {
        n += keep->nrepaired[i];
    }

    if (n) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "journal swept, mended: due=%uD partner=%uD "
                      "submission=%uD content=%uD attempt=%uD",
                      keep->nrepaired[EHR_SWEEP_DUE],
                      keep->nrepaired[EHR_SWEEP_PARTNER],
                      keep->nrepaired[EHR_SWEEP_SUBMISSION],
                      keep->nrepaired[EHR_SWEEP_CONTENT],
                      keep->nrepaired[EHR_SWEEP_ATTEMPT]);
    }

    if (keep->ncontents + keep->nrecords) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "past their retention, removed: contents=%uD "
                      "records=%uD", keep->ncontents, keep->nrecords);
    }
}


static void
ngx_http_ehr_keeper_share(ngx_http_ehr_keeper_t *keeper)
{
    uint32_t                n[3];
    ngx_uint_t              i;
    ehr_store_keep_t       *keep = &keeper->keep;
    ngx_http_ehr_shared_t  *shared = keeper->worker->shared;

    n[0] = keep->ncontents;
    n[1] = keep->nrecords;
    n[2] = keep->nresealed;

    ngx_http_ehr_keeper_count(keeper->worker, NGX_HTTP_EHR_COUNT_SWEPT_DUE,
                              keep->nrepaired, EHR_SWEEP_LAST);
    ngx_http_ehr_keeper_count(keeper->worker,
                              NGX_HTTP_EHR_COUNT_REMOVED_CONTENTS, n, 3);

    for (i = 0; i < EHR_STORE_MAX_KEYS_SEEN; i++) {
        shared->key_ids[i] = (ngx_atomic_uint_t) keep->keys[i].id;
        shared->key_counts[i] = i < keep->nkeys
                                ? (ngx_atomic_uint_t) keep->keys[i].n : 0;
    }

    shared->nkeys = keep->nkeys;
}


static void
ngx_http_ehr_keeper_full(ngx_http_ehr_keeper_t *keeper)
{
    ngx_http_ehr_worker_t  *worker = keeper->worker;

    if (worker->is_full == keeper->room.is_full) {
        return;
    }

    worker->is_full = keeper->room.is_full;

    if (worker->is_full) {
        ngx_log_error(NGX_LOG_ERR, keeper->timer.log, 0,
                      "too little room for the journal, nothing new is "
                      "accepted: free=%uL used=%uL",
                      keeper->room.free_bytes, keeper->room.used_bytes);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, keeper->timer.log, 0,
                      "there is room for the journal again: free=%uL",
                      keeper->room.free_bytes);
    }
}


/* One worker each time, for all: an average that forgets over hours, and
 * does not begin at zero. */

static void
ngx_http_ehr_keeper_rates(ngx_http_ehr_worker_t *worker)
{
    double                  hours, share;
    int64_t                 now_ms, last_ms;
    ngx_uint_t              i;
    ngx_atomic_uint_t       bytes;
    ngx_http_ehr_rates_t   *rates = &worker->shared->rates;

    now_ms = ngx_http_ehr_now_ms();
    last_ms = (int64_t) rates->at_ms;

    if (last_ms != 0 && now_ms - last_ms < NGX_HTTP_EHR_RATE_EACH
        && now_ms >= last_ms)
    {
        return;
    }

    if (!ngx_atomic_cmp_set(&rates->at_ms, (ngx_atomic_uint_t) last_ms,
                            (ngx_atomic_uint_t) now_ms)
        || last_ms == 0 || now_ms <= last_ms)
    {
        return;
    }

    hours = (double) (now_ms - last_ms) / 3600000;
    share = 1 - exp(-hours / NGX_HTTP_EHR_RATE_HOURS);

    rates->weight += (1 - rates->weight) * share;

    for (i = 0; i < NGX_HTTP_EHR_RATES; i++) {
        bytes = rates->bytes[i];
        (void) ngx_atomic_fetch_add(&rates->bytes[i],
                                    -(ngx_atomic_int_t) bytes);

        rates->per_hour[i] += share * ((double) bytes / hours
                                       - rates->per_hour[i]);
    }
}


void
ngx_http_ehr_keeper_accepted(ngx_http_ehr_worker_t *worker,
    uint32_t partners, size_t bytes)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_EHR_RATES; i++) {
        if (partners & ~NGX_HTTP_EHR_ROUTE_KEEP & (1u << i)) {
            (void) ngx_atomic_fetch_add(&worker->shared->rates.bytes[i],
                                        bytes + NGX_HTTP_EHR_RECORD_BYTES);
        }
    }
}


int64_t
ngx_http_ehr_room_seconds(ngx_http_ehr_worker_t *worker, ngx_uint_t partner,
    const ngx_http_ehr_room_t *room)
{
    double                 per_hour, seconds;
    ngx_http_ehr_rates_t  *rates = &worker->shared->rates;

    if (rates->weight <= 0) {
        return -1;
    }

    per_hour = rates->per_hour[partner] / rates->weight;

    if (per_hour < 1) {
        return -1;
    }

    seconds = (double) room->left_bytes / per_hour * 3600;

    return (int64_t) ngx_min(seconds, (double) NGX_MAX_INT32_VALUE);
}


static void
ngx_http_ehr_keeper_done(void *data)
{
    ngx_http_ehr_keeper_t  *keeper = data;

    keeper->is_running = 0;

    ngx_http_ehr_keeper_full(keeper);
    ngx_http_ehr_keeper_rates(keeper->worker);

    if (keeper->keep.is_mine) {
        ngx_http_ehr_keeper_share(keeper);
    }

    ngx_http_ehr_keeper_tell(keeper);

    if (keeper->rc != EHR_OK) {

        /* Once, not each second. */
        if (!keeper->is_failing) {
            ngx_log_error(NGX_LOG_ERR, keeper->timer.log, 0,
                          "chores of the journal failed: %s", keeper->error);
        }

        keeper->is_failing = 1;
        return;
    }

    keeper->is_failing = 0;

    if (keeper->keep.has_more && !ngx_exiting && keeper->timer.timer_set) {
        ngx_del_timer(&keeper->timer);
        ngx_add_timer(&keeper->timer, NGX_HTTP_EHR_KEEP_SOON);
    }
}


/* --- configuration --- */

static char *
ngx_http_ehr_retention_value(ngx_str_t *value, ehr_retention_t *rule)
{
    time_t      sec;
    int64_t    *ms;
    ngx_str_t   time;

    if (ngx_strncmp(value->data, "content=", 8) == 0) {
        ms = &rule->content_ms;
        time.data = value->data + 8;

    } else if (ngx_strncmp(value->data, "record=", 7) == 0) {
        ms = &rule->record_ms;
        time.data = value->data + 7;

    } else {
        return "has an unknown word: content=TIME or record=TIME";
    }

    time.len = value->len - (time.data - value->data);
    sec = ngx_parse_time(&time, 1);

    if (sec == (time_t) NGX_ERROR || sec == 0) {
        return "has no time of at least a second";
    }

    *ms = (int64_t) sec * 1000;

    return NGX_CONF_OK;
}


char *
ngx_http_ehr_set_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    char             *rv;
    ngx_str_t        *value = cf->args->elts;
    ngx_uint_t        i;
    ehr_kind_e        kind;
    const char       *name;
    ehr_retention_t  *rule;

    kind = ehr_kind_of_name(ngx_http_ehr_str(&value[1]));
    name = kind == EHR_KIND_UNKNOWN ? NULL : ehr_kind_name(kind);

    if (name == NULL && ngx_strcmp(value[1].data, "default") != 0) {
        return "has an unknown kind";
    }

    rule = mcf->retentions.elts;

    for (i = 0; i < mcf->retentions.nelts; i++) {
        if (rule[i].kind == name) {
            return "is duplicate";
        }
    }

    rule = ngx_array_push(&mcf->retentions);
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(rule, sizeof(ehr_retention_t));
    rule->kind = name;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_ehr_retention_value(&value[i], rule);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (rule->record_ms && rule->record_ms < rule->content_ms) {
        return "keeps the record for less time than the content";
    }

    return NGX_CONF_OK;
}
