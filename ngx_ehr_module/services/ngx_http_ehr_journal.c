/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The journal's place in a worker: three handles on the store, one for the
 * writer's thread, one for the reader's, and one that tidies up.  Operations
 * that arrive while a transaction is on its way to the disk form the next one
 * (group commit without a timer).  What is stored, and how, is the store's
 * part.
 */

#include "ngx_http_ehr.h"


#define NGX_HTTP_EHR_JOURNAL_QUEUE  16384     /* operations that may wait */
#define NGX_HTTP_EHR_JOURNAL_BATCH  256       /* operations a transaction */
#define NGX_HTTP_EHR_JOURNAL_WAIT   10000     /* ms in the queue, at most */


typedef struct {
    ngx_http_ehr_journal_t     *journal;
    void                      (*run)(ehr_store_t *store, void *data);
    void                      (*done)(void *data);
    void                       *data;
    ehr_store_t                *store;
} ngx_http_ehr_access_t;


struct ngx_http_ehr_journal_s {
    ngx_http_ehr_worker_t      *worker;
    ehr_store_t                *writer;
    ehr_store_t                *reader;
    ehr_store_t                *janitor;

    /* loop: what waits for the next transaction */
    ngx_http_ehr_write_t       *first;
    ngx_http_ehr_write_t      **last;
    ngx_uint_t                  waiting;

    /* one batch is in the thread, or none */
    ngx_http_ehr_write_t       *batch;
    ehr_store_op_t             *ops;
    ehr_rc_t                    rc;
    char                        error[256];
    ngx_event_t                 failed;
    ngx_event_t                 expire;
    ngx_connection_t            dummy;
    int                         log_frames;   /* after the last batch */
    ngx_uint_t                  is_tidying;   /* flag */
    ngx_uint_t                  is_busy;      /* flag */
    ngx_uint_t                  is_healthy;   /* flag */
};


static void ngx_http_ehr_journal_start(ngx_http_ehr_journal_t *journal);
static void ngx_http_ehr_journal_failed(ngx_event_t *ev);
static void ngx_http_ehr_journal_expire(ngx_event_t *ev);


/* Which journal it is, in a word of shared memory; never 0. */

static ngx_atomic_uint_t
ngx_http_ehr_journal_name(ngx_http_ehr_worker_t *worker)
{
    ngx_str_t  *path = &worker->mcf->store_path;

    return (ngx_atomic_uint_t) ngx_crc32_short(path->data, path->len) + 1;
}


ehr_store_t *
ngx_http_ehr_journal_open(ngx_http_ehr_worker_t *worker, int is_readonly)
{
    char                  error[512];
    ngx_uint_t            level;
    ehr_store_t          *store;
    ehr_store_options_t   options;

    ngx_memzero(&options, sizeof(ehr_store_options_t));

    options.path = (char *) worker->mcf->store_path.data;
    options.is_readonly = is_readonly;
    options.is_packing = (int) worker->mcf->store_packing;
    options.keys = &worker->mcf->store_keys;

    /* A disk that is away now may be back soon; a worker that leaves for it
     * would not be started again. */
    options.is_patient = 1;

    /* An empty folder may be a disk that is not mounted. */
    options.must_exist = worker->shared->journal_made
                         == ngx_http_ehr_journal_name(worker);

    error[0] = '\0';
    store = ehr_store_open(&options, error, sizeof(error));

    if (error[0]) {
        level = store ? NGX_LOG_ERR : NGX_LOG_EMERG;

        ngx_log_error(level, worker->cycle->log, 0, "journal \"%V\": %s",
                      &worker->mcf->store_path, error);

    } else {
        worker->shared->journal_made = ngx_http_ehr_journal_name(worker);
    }

    return store;
}


ngx_int_t
ngx_http_ehr_journal_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_journal_t  *journal;

    journal = ngx_pcalloc(worker->cycle->pool,
                          sizeof(ngx_http_ehr_journal_t));
    if (journal == NULL) {
        return NGX_ERROR;
    }

    worker->journal = journal;

    journal->worker = worker;
    journal->last = &journal->first;
    journal->is_healthy = 1;
    journal->failed.data = journal;
    journal->failed.handler = ngx_http_ehr_journal_failed;
    journal->failed.log = worker->cycle->log;

    journal->dummy.fd = (ngx_socket_t) -1;
    journal->dummy.data = journal;
    journal->expire.data = &journal->dummy;
    journal->expire.handler = ngx_http_ehr_journal_expire;
    journal->expire.log = worker->cycle->log;
    journal->expire.cancelable = 1;

    if (worker->mcf->store_packing) {
        worker->packers = ehr_packers_create();

        if (worker->packers == NULL) {
            return NGX_ERROR;
        }
    }

    journal->writer = ngx_http_ehr_journal_open(worker, 0);
    if (journal->writer == NULL) {
        return NGX_ERROR;
    }

    journal->reader = ngx_http_ehr_journal_open(worker, 1);
    if (journal->reader == NULL) {
        return NGX_ERROR;
    }

    journal->janitor = ngx_http_ehr_journal_open(worker, 0);
    if (journal->janitor == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The threads are gone by now: their pools left before us. */

void
ngx_http_ehr_journal_exit(ngx_http_ehr_worker_t *worker)
{
    ehr_store_close(worker->journal->janitor);
    ehr_store_close(worker->journal->reader);
    ehr_store_close(worker->journal->writer);
    ehr_packers_destroy(worker->packers);
}


/* On the loop, after a thread has used a handle. */

static void
ngx_http_ehr_journal_looked(ngx_http_ehr_journal_t *journal,
    ehr_store_t *store)
{
    ngx_http_ehr_worker_t  *worker = journal->worker;

    if (!ehr_store_is_corrupt(store)
        || (int64_t) worker->shared->journal_corrupt
           >= worker->mcf->configured_ms)
    {
        return;
    }

    worker->shared->journal_corrupt =
                            (ngx_atomic_uint_t) worker->mcf->configured_ms;

    ngx_log_error(NGX_LOG_ERR, worker->cycle->log, 0,
                  "journal \"%V\" is damaged, nothing new is accepted until "
                  "it is mended and nginx reloaded: %s",
                  &worker->mcf->store_path, ehr_store_error(store));
}


static void
ngx_http_ehr_journal_run(void *data)
{
    ngx_http_ehr_journal_t  *journal = data;

    journal->rc = ehr_store_write(journal->writer, journal->ops);
    journal->log_frames = ehr_store_log_frames(journal->writer);

    if (journal->rc != EHR_OK) {
        (void) ngx_cpystrn((u_char *) journal->error,
                           (u_char *) ehr_store_error(journal->writer),
                           sizeof(journal->error));
    }
}


/*
 * The log is moved into the database by a handle and a thread of their own:
 * neither a commit nor a reader waits for it.
 */

static void
ngx_http_ehr_journal_tidy_run(void *data)
{
    int                      frames;
    ngx_http_ehr_journal_t  *journal = data;

    (void) ehr_store_checkpoint(journal->janitor, &frames);
}


static void
ngx_http_ehr_journal_tidy_done(void *data)
{
    ngx_http_ehr_journal_t  *journal = data;

    journal->is_tidying = 0;
    ngx_http_ehr_journal_looked(journal, journal->janitor);
}


static void
ngx_http_ehr_journal_tidy(ngx_http_ehr_journal_t *journal)
{
    if (journal->is_tidying
        || journal->log_frames < EHR_STORE_CHECKPOINT_FRAMES)
    {
        return;
    }

    if (ngx_http_ehr_thread_post(journal->worker,
                                 journal->worker->mcf->work_pool,
                                 ngx_http_ehr_journal_tidy_run,
                                 ngx_http_ehr_journal_tidy_done, journal)
        == NGX_OK)
    {
        journal->is_tidying = 1;
    }
}


static void
ngx_http_ehr_journal_done(void *data)
{
    ngx_uint_t               n;
    ngx_http_ehr_write_t    *write, *next;
    ngx_http_ehr_journal_t  *journal = data;

    write = journal->batch;
    journal->batch = NULL;
    journal->is_busy = 0;

    if (journal->rc != EHR_OK) {
        ngx_http_ehr_count(journal->worker, STORE_FAILED);
        ngx_log_error(NGX_LOG_ERR, journal->worker->cycle->log, 0,
                      "journal transaction failed: %s", journal->error);
    }

    journal->is_healthy = (journal->rc == EHR_OK);

    ngx_http_ehr_journal_looked(journal, journal->writer);
    ngx_http_ehr_journal_tidy(journal);

    /* The next batch goes to the disk while this one's owners are told. */
    ngx_http_ehr_journal_start(journal);

    for (n = 0; write; write = next, n++) {
        next = write->next;
        write->next = NULL;
        write->done(write);
    }

    ngx_http_ehr_count(journal->worker, COMMITS);
    (void) ngx_atomic_fetch_add(
               &journal->worker->shared->counters[
                                          NGX_HTTP_EHR_COUNT_COMMITTED], n);
}


/*
 * A disk that hangs keeps one batch; what waits behind it has not been
 * touched, and is told so after a while: certainly not stored.
 */

static void
ngx_http_ehr_journal_expire(ngx_event_t *ev)
{
    ngx_msec_t               now = ngx_current_msec;
    ngx_connection_t        *c = ev->data;
    ngx_http_ehr_write_t    *write;
    ngx_http_ehr_journal_t  *journal = c->data;

    while (journal->first
           && (ngx_msec_int_t) (now - journal->first->queued)
              >= NGX_HTTP_EHR_JOURNAL_WAIT)
    {
        write = journal->first;
        journal->first = write->next;
        journal->waiting--;

        if (journal->first == NULL) {
            journal->last = &journal->first;
        }

        journal->is_healthy = 0;
        write->next = NULL;
        write->op->rc = EHR_LATER;
        write->done(write);
    }

    if (journal->first) {
        ngx_add_timer(ev, NGX_HTTP_EHR_JOURNAL_WAIT / 4);
    }
}


static void
ngx_http_ehr_journal_failed(ngx_event_t *ev)
{
    ngx_http_ehr_journal_done(ev->data);
}


static void
ngx_http_ehr_journal_take(ngx_http_ehr_journal_t *journal)
{
    ngx_uint_t             n;
    ehr_store_op_t       **link;
    ngx_http_ehr_write_t  *write;

    link = &journal->ops;
    journal->batch = journal->first;

    for (n = 0, write = journal->first; write; write = write->next) {
        *link = write->op;
        link = &write->op->next;

        if (++n == NGX_HTTP_EHR_JOURNAL_BATCH) {
            break;
        }
    }

    *link = NULL;
    journal->waiting -= n;

    if (write == NULL || write->next == NULL) {
        journal->first = NULL;
        journal->last = &journal->first;
        return;
    }

    journal->first = write->next;
    write->next = NULL;
}


static void
ngx_http_ehr_journal_start(ngx_http_ehr_journal_t *journal)
{
    if (journal->is_busy || journal->first == NULL) {
        return;
    }

    ngx_http_ehr_journal_take(journal);
    journal->is_busy = 1;

    if (ngx_http_ehr_thread_post(journal->worker,
                                 journal->worker->mcf->store_pool,
                                 ngx_http_ehr_journal_run,
                                 ngx_http_ehr_journal_done, journal)
        != NGX_OK)
    {
        journal->rc = EHR_LATER;
        (void) ngx_cpystrn((u_char *) journal->error,
                           (u_char *) "thread pool ehr_store is full",
                           sizeof(journal->error));

        /* not from here: callers do not expect their answer yet */
        ngx_post_event(&journal->failed, &ngx_posted_events);
    }
}


ngx_int_t
ngx_http_ehr_journal_write(ngx_http_ehr_worker_t *worker,
    ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_journal_t  *journal = worker->journal;

    if (journal->waiting >= NGX_HTTP_EHR_JOURNAL_QUEUE) {
        return NGX_ERROR;
    }

    write->next = NULL;
    write->queued = ngx_current_msec;
    write->op->rc = EHR_LATER;

    if (!journal->expire.timer_set) {
        ngx_add_timer(&journal->expire, NGX_HTTP_EHR_JOURNAL_WAIT);
    }

    *journal->last = write;
    journal->last = &write->next;
    journal->waiting++;

    ngx_http_ehr_journal_start(journal);

    return NGX_OK;
}


static void
ngx_http_ehr_access_run(void *data)
{
    ngx_http_ehr_access_t  *access = data;

    access->run(access->store, access->data);
}


static void
ngx_http_ehr_access_done(void *data)
{
    ngx_http_ehr_access_t  *access = data;

    ngx_http_ehr_journal_looked(access->journal, access->store);
    access->done(access->data);
    ngx_free(access);
}


static ngx_int_t
ngx_http_ehr_access(ngx_http_ehr_access_t *access, ngx_thread_pool_t *pool)
{
    if (access == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_ehr_thread_post(access->journal->worker, pool,
                                 ngx_http_ehr_access_run,
                                 ngx_http_ehr_access_done, access)
        != NGX_OK)
    {
        ngx_free(access);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_ehr_access_t *
ngx_http_ehr_access_create(ngx_http_ehr_worker_t *worker,
    void (*run)(ehr_store_t *store, void *data), void (*done)(void *data),
    void *data)
{
    ngx_http_ehr_access_t  *access;

    access = ngx_alloc(sizeof(ngx_http_ehr_access_t), worker->cycle->log);
    if (access == NULL) {
        return NULL;
    }

    access->journal = worker->journal;
    access->run = run;
    access->done = done;
    access->data = data;
    access->store = worker->journal->reader;

    return access;
}


ngx_int_t
ngx_http_ehr_journal_read(ngx_http_ehr_worker_t *worker,
    void (*run)(ehr_store_t *store, void *data), void (*done)(void *data),
    void *data)
{
    ngx_http_ehr_access_t  *access;

    access = ngx_http_ehr_access_create(worker, run, done, data);

    return ngx_http_ehr_access(access, worker->mcf->read_pool);
}


ngx_int_t
ngx_http_ehr_journal_change(ngx_http_ehr_worker_t *worker,
    void (*run)(ehr_store_t *store, void *data), void (*done)(void *data),
    void *data)
{
    ngx_http_ehr_access_t  *access;

    access = ngx_http_ehr_access_create(worker, run, done, data);

    if (access) {
        access->store = worker->journal->writer;
    }

    return ngx_http_ehr_access(access, worker->mcf->store_pool);
}


ngx_int_t
ngx_http_ehr_journal_look(ngx_http_ehr_worker_t *worker,
    void (*run)(ehr_store_t *store, void *data), void (*done)(void *data),
    void *data)
{
    ngx_http_ehr_access_t  *access;

    access = ngx_http_ehr_access_create(worker, run, done, data);

    if (access) {
        access->store = worker->journal->janitor;
    }

    return ngx_http_ehr_access(access, worker->mcf->work_pool);
}


ngx_uint_t
ngx_http_ehr_journal_is_corrupt(ngx_http_ehr_worker_t *worker)
{
    return (int64_t) worker->shared->journal_corrupt
           == worker->mcf->configured_ms;
}


ngx_uint_t
ngx_http_ehr_journal_is_healthy(ngx_http_ehr_worker_t *worker)
{
    return worker->journal->is_healthy;
}


ngx_uint_t
ngx_http_ehr_journal_waiting(ngx_http_ehr_worker_t *worker)
{
    return worker->journal->waiting;
}
