/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What every nginx-facing file shares: the configuration, the request
 * context, the worker's state, and the contracts of the services.
 *
 * Lifetimes: the main configuration lives as long as the cycle; the worker
 * state (mcf->worker) is made in init_process and lives as long as the
 * worker; the context as long as its request.  Pointers go from short-lived
 * to long-lived, never back.
 */

#ifndef NGX_HTTP_EHR_H
#define NGX_HTTP_EHR_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#if !(NGX_THREADS)
#error "nginx must be built with threads: use nginx-dev's conf_flags"
#endif

#if !(NGX_HTTP_SSL)
#error "nginx must be built with SSL: use nginx-dev's conf_flags"
#endif

#if !(NGX_COMPAT)
#error "nginx must be built with --with-compat: use nginx-dev's conf_flags"
#endif

#include "ehr.h"
#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_problem.h"
#include "ehr_jose.h"
#include "ehr_token.h"
#include "ehr_document.h"
#include "ehr_checks.h"
#include "ehr_pack.h"
#include "ehr_store.h"
#include "ehr_lane.h"
#include "ehr_hours.h"
#include "ehr_plugin.h"
#include "ehr_plugin_file.h"


extern ngx_module_t  ngx_http_ehr_module;
extern ngx_module_t  ngx_http_ehr_problem_filter_module;


typedef struct ngx_http_ehr_ctx_s     ngx_http_ehr_ctx_t;
typedef struct ngx_http_ehr_worker_s  ngx_http_ehr_worker_t;
typedef struct ngx_http_ehr_shared_s  ngx_http_ehr_shared_t;

/* Worker states of the services; each is known to its own file only. */

typedef struct ngx_http_ehr_journal_s   ngx_http_ehr_journal_t;
typedef struct ngx_http_ehr_registry_s  ngx_http_ehr_registry_t;
typedef struct ngx_http_ehr_redis_s     ngx_http_ehr_redis_t;
typedef struct ngx_http_ehr_schedule_s  ngx_http_ehr_schedule_t;
typedef struct ngx_http_ehr_waiters_s   ngx_http_ehr_waiters_t;
typedef struct ngx_http_ehr_keeper_s    ngx_http_ehr_keeper_t;


/* --- counters: a metric exists only as a row here ----------------------- */

/*  id, name, labels or "", help.  Rows of one name stand together. */

#define NGX_HTTP_EHR_COUNTERS(X)                                              \
    X(ACCEPTED, "ehr_documents_total", "result=\"accepted\"",                 \
      "Documents answered, by result")                                        \
    X(DUPLICATE, "ehr_documents_total", "result=\"duplicate\"", "")           \
    X(REFUSED, "ehr_documents_total", "result=\"refused\"", "")               \
    X(LATER, "ehr_documents_total", "result=\"later\"", "")                   \
    X(TOKENS_ISSUED, "ehr_tokens_issued_total", "",                           \
      "Access tokens issued")                                                 \
    X(TOKEN_CACHE_HIT, "ehr_token_cache_total", "result=\"hit\"",             \
      "Look-ups of verified tokens")                                          \
    X(TOKEN_CACHE_MISS, "ehr_token_cache_total", "result=\"miss\"", "")       \
    X(LIMIT_REDIS, "ehr_limit_checks_total", "by=\"redis\"",                  \
      "Rate limit checks, by who decided")                                    \
    X(LIMIT_LOCAL, "ehr_limit_checks_total", "by=\"local\"", "")              \
    X(LIMIT_FALLBACK, "ehr_limit_checks_total", "by=\"fallback\"", "")        \
    X(LIMIT_REFUSED, "ehr_limit_refused_total", "",                           \
      "Requests refused by a rate limit")                                     \
    X(REDIS_LOST, "ehr_redis_lost_total", "",                                 \
      "Times the connection to Redis was lost or too slow")                   \
    X(COMMITS, "ehr_store_commits_total", "",                                 \
      "Transactions of the journal")                                          \
    X(COMMITTED, "ehr_store_operations_total", "",                            \
      "Operations inside these transactions")                                 \
    X(STORE_FAILED, "ehr_store_failures_total", "",                           \
      "Transactions that did not happen")                                     \
    X(ATTEMPTS, "ehr_attempts_total", "", "Attempts at partners")             \
    X(LANE_TRIPS, "ehr_lane_trips_total", "",                                 \
      "Times a lane began to wait for its partner")                           \
    X(OUT_ACCEPTED, "ehr_outcomes_total", "outcome=\"accepted\"",             \
      "Attempts ended, by outcome")                                           \
    X(OUT_MESSAGE, "ehr_outcomes_total",                                      \
      "outcome=\"accepted_with_message\"", "")                                \
    X(OUT_REFUSED, "ehr_outcomes_total", "outcome=\"refused\"", "")           \
    X(OUT_RETRYING, "ehr_outcomes_total", "outcome=\"retrying\"", "")         \
    X(OUT_UNCERTAIN, "ehr_outcomes_total", "outcome=\"uncertain\"", "")       \
    X(OUT_HELD, "ehr_outcomes_total", "outcome=\"held\"", "")                 \
    X(QUERIES, "ehr_queries_total", "",                                       \
      "Questions to partners about uncertain deliveries")                     \
    X(QUERIES_ANSWERED, "ehr_queries_answered_total", "",                     \
      "Of these, those that ended the uncertainty")                           \
    X(DECIDED, "ehr_job_deliveries_total", "",                                \
      "Deliveries that jobs have held, released or replayed")                 \
    X(LOGINS, "ehr_partner_logins_total", "", "Log-ins at partners")          \
    X(RECOVERED, "ehr_deliveries_recovered_total", "",                        \
      "Deliveries taken back from workers that died")                         \
    X(QUARANTINED_DELIVERY, "ehr_quarantined_total", "what=\"delivery\"",     \
      "Kept from a plugin that they crashed twice")                           \
    X(QUARANTINED_DOCUMENT, "ehr_quarantined_total", "what=\"check\"", "")    \
    X(SWEPT_DUE, "ehr_sweep_repaired_total", "what=\"due\"",                  \
      "Rows of the journal that the sweeper mended")                          \
    X(SWEPT_PARTNER, "ehr_sweep_repaired_total", "what=\"partner\"", "")      \
    X(SWEPT_SUBMISSION, "ehr_sweep_repaired_total",                           \
      "what=\"submission\"", "")                                              \
    X(SWEPT_CONTENT, "ehr_sweep_repaired_total", "what=\"content\"", "")      \
    X(SWEPT_ATTEMPT, "ehr_sweep_repaired_total", "what=\"attempt\"", "")      \
    X(REMOVED_CONTENTS, "ehr_retention_removed_total",                        \
      "what=\"content\"", "Documents past their retention")                   \
    X(REMOVED_RECORDS, "ehr_retention_removed_total",                         \
      "what=\"record\"", "")                                                  \
    X(RESEALED, "ehr_store_resealed_total", "",                               \
      "Documents sealed anew with the first key")                         \
    X(WAIT_BEGUN, "ehr_waits_total", "event=\"begun\"",                       \
      "Clients that waited for the partners, by what happened")               \
    X(WAIT_ANSWERED, "ehr_waits_total", "event=\"answered\"", "")             \
    X(WAIT_OVER, "ehr_waits_total", "event=\"over\"", "")                     \
    X(WAKE_EVENT, "ehr_wait_wakeups_total", "by=\"event\"",                   \
      "Times a worker with waiting clients heard of others' results")         \
    X(WAKE_LOOK, "ehr_wait_wakeups_total", "by=\"look\"", "")


typedef enum {
#define X(id, name, labels, help)  NGX_HTTP_EHR_COUNT_##id,
    NGX_HTTP_EHR_COUNTERS(X)
#undef X
    NGX_HTTP_EHR_COUNT_LAST
} ngx_http_ehr_counter_e;


/* --- memory shared by workers: only what may be lost -------------------- */

#define NGX_HTTP_EHR_SESSIONS      2048
#define NGX_HTTP_EHR_SESSION_SIZE  4096
#define NGX_HTTP_EHR_RING          4096
#define NGX_HTTP_EHR_WAKE_SLOTS    64         /* a bit each */
#define NGX_HTTP_EHR_WAKE_BUCKETS  4096
#define NGX_HTTP_EHR_TOKEN_CACHE   (1024 * 1024)
#define NGX_HTTP_EHR_GCRA_TABLE    (1024 * 1024)
#define NGX_HTTP_EHR_WORKERS       256
#define NGX_HTTP_EHR_LANES         32       /* names, of all ages */

typedef struct {
    ngx_atomic_t    seq;              /* odd while it is written */
    uint64_t        key;              /* of partner and account; 0: free */
    int64_t         expires_ms;
    int64_t         blocked_by_ms;    /* log-in refused: the configuration
                                         (configured_ms) that it was refused */

    /* Fresh sessions refused, none taken since (by the steady clock): since
       when, how often, when the next log-in may be, by which configuration. */
    ngx_atomic_t    refused_ms;       /* 0: none was */
    uint32_t        refusals;
    int64_t         login_after_ms;
    int64_t         refused_by_ms;

    uint64_t        generation;
    uint32_t        len;
    u_char          bytes[NGX_HTTP_EHR_SESSION_SIZE];
} ngx_http_ehr_session_slot_t;

/* What is accepted for each partner, by its place in the configuration. */

#define NGX_HTTP_EHR_RATES  31

typedef struct {
    ngx_atomic_t    at_ms;            /* when it was averaged */
    ngx_atomic_t    bytes[NGX_HTTP_EHR_RATES];      /* since then */
    double          per_hour[NGX_HTTP_EHR_RATES];   /* times weight */
    double          weight;           /* of what is known: 0 to 1 */
} ngx_http_ehr_rates_t;

/* What a thread is at, and what it was at when it crashed. */

#define NGX_HTTP_EHR_GUARDS   1024
#define NGX_HTTP_EHR_SIGNALS  5       /* that are crashes */

typedef enum {
    NGX_HTTP_EHR_CALL_NONE = 0,
    NGX_HTTP_EHR_CALL_CHECK,          /* of what a facility sent */
    NGX_HTTP_EHR_CALL_FIRST,          /* prepare(), before anything left */
    NGX_HTTP_EHR_CALL_LATER           /* the partner may have it */
} ngx_http_ehr_call_e;

typedef struct {
    ngx_atomic_t    pid;              /* 0: free */
    ngx_atomic_t    tid;
    ngx_atomic_t    crash;            /* its number; 0: it did not */
    uint32_t        call;             /* ngx_http_ehr_call_e */
    int64_t         since_ms;         /* it runs, by the monotonic clock */
    uint32_t        which;            /* partner or validator, from 1 */
    int64_t         delivery;
    int64_t         fence;
    int64_t         configured_ms;
    u_char          sha256[EHR_SHA256_LEN];
    char            document[EHR_UUID_LEN + 1];
} ngx_http_ehr_guard_t;

struct ngx_http_ehr_shared_s {
    ngx_atomic_t    registry_generation;    /* rises with each change */
    ngx_atomic_t    redis_away[NGX_HTTP_EHR_WORKERS];   /* pids of workers
                                               that lost Redis; 0: free */
    ngx_atomic_t    configured_ms;          /* of the newest workers */
    ngx_atomic_t    journal_made;           /* hash of the path of a journal
                                               that was there once */
    ngx_atomic_t    journal_corrupt;        /* the configuration
                                               (configured_ms) that met it */
    ngx_atomic_t    counters[NGX_HTTP_EHR_COUNT_LAST];

    ngx_atomic_t    crashes;          /* numbers of guards[].crash */
    ngx_http_ehr_guard_t  guards[NGX_HTTP_EHR_GUARDS];

    ngx_http_ehr_rates_t  rates;
    ngx_atomic_t    nkeys;            /* of the journal, and their documents */
    ngx_atomic_t    key_ids[EHR_STORE_MAX_KEYS_SEEN];
    ngx_atomic_t    key_counts[EHR_STORE_MAX_KEYS_SEEN];

    /* results, for workers with waiting clients: ngx_http_ehr_wake.c */
    uint64_t        ring_head;
    uint64_t        ring[NGX_HTTP_EHR_RING];    /* lap, hash */
    uint64_t        wanted[NGX_HTTP_EHR_WAKE_BUCKETS];  /* bits of slots */
    uint64_t        wake_from[NGX_HTTP_EHR_WAKE_SLOTS];
    uint64_t        wake_all[NGX_HTTP_EHR_WAKE_SLOTS];

    ngx_http_ehr_session_slot_t  sessions[NGX_HTTP_EHR_SESSIONS];

    ehr_lane_shared_t  lanes[NGX_HTTP_EHR_LANES];

    /* laid out by core/ehr_token_cache.c and core/ehr_gcra.c */
    u_char          token_cache[NGX_HTTP_EHR_TOKEN_CACHE]
                    __attribute__((aligned(64)));
    u_char          gcra_facility[NGX_HTTP_EHR_GCRA_TABLE]
                    __attribute__((aligned(64)));
    u_char          gcra_cert[NGX_HTTP_EHR_GCRA_TABLE]
                    __attribute__((aligned(64)));
};


/* --- configuration ------------------------------------------------------- */

/* Documents a 1000 seconds, so that slow rates stay whole numbers; 0: no
 * limit. */

typedef struct {
    int64_t         rate_milli;
    int64_t         burst;            /* at least 1 when there is a rate */
} ngx_http_ehr_rate_t;


typedef struct {
    ngx_str_t       username;
    ngx_str_t       password;
    ngx_str_t       facility;
} ngx_http_ehr_account_t;


typedef struct {
    ngx_str_t                name;    /* "insurance", NUL-terminated */
    ngx_str_t                plugin_path;
    ngx_str_t                location;    /* internal prefix, "/insurance" */
    ngx_str_t                accounts_path;
    ngx_array_t              accounts;    /* ngx_http_ehr_account_t */
    ngx_array_t              settings;    /* ngx_keyval_t, NUL-terminated */
    ngx_uint_t               concurrency; /* of all workers together */
    ehr_gcra_rate_t          rate;    /* the same; rate_milli 0: none */
    ngx_array_t              hours;   /* ehr_hours_t; when it takes what */
    ngx_msec_t               retry_min;
    ngx_msec_t               retry_max;
    time_t                   deadline;    /* seconds; retrying becomes held */
    ngx_msec_t               refused;     /* fresh sessions, until held */
    const ehr_plugin_t      *plugin;      /* this worker's; NULL in master */
    ehr_plugin_file_t        file;
    ngx_msec_t               query_min;   /* between questions for what is */
    ngx_msec_t               query_max;   /* uncertain */
    ngx_uint_t               queries;     /* so many at most; 0: none */
    ngx_uint_t               index;
    ngx_str_t                repeat_safe; /* kinds, read at nginx -t */
} ngx_http_ehr_partner_t;


typedef struct {
    u_char                   sha256[EHR_SHA256_LEN];
    ngx_str_t                role;    /* viewer, operator, admin, auditor */
    ngx_str_t                name;
} ngx_http_ehr_administrator_t;


typedef struct {
    ngx_addr_t               addr;
    ngx_str_t                addr_text;
    ngx_str_t                user;
    ngx_str_t                password;
    ngx_int_t                db;
    ngx_msec_t               timeout; /* of one check; default 5 ms */
    ngx_flag_t               ssl;
    ngx_str_t                ssl_ca;
    ngx_str_t                ssl_name;
    ngx_ssl_t               *ssl_ctx;
    unsigned                 is_set:1;
} ngx_http_ehr_redis_conf_t;


#define NGX_HTTP_EHR_MAX_VALIDATORS  32


typedef struct {
    ngx_str_t                    store_path;
    ngx_str_t                    issuer;
    ngx_array_t                  token_keys;  /* ehr_key_t *, first signs */
    ehr_key_t                   *receipt_key;
    ehr_token_policy_t           policy;
    time_t                       token_ttl;
    ngx_str_t                    jwks;        /* rendered once */
    ngx_http_ehr_rate_t          rate;        /* of a facility */
    ngx_http_ehr_rate_t          cert_rate;   /* before the token check */
    size_t                       inflight_max;    /* bytes, of one worker */
    ngx_http_ehr_redis_conf_t    redis;
    ngx_array_t                  partners;    /* ngx_http_ehr_partner_t */
    ngx_array_t                  validators;  /* ngx_http_ehr_validator_t */
    ehr_checks_t                 checks;      /* worker: the same, opened */
    ehr_kind_validator_t         opened[NGX_HTTP_EHR_MAX_VALIDATORS];
    ehr_severities_t             severities;  /* of the field tables */
    ehr_signature_policy_t      *signatures[EHR_KIND_LAST];   /* NULL: off */
    int64_t                      configured_ms;   /* when they were read */
    uint32_t                     routes[EHR_KIND_LAST];   /* partner bits */
    ehr_deadline_t               deadlines[EHR_KIND_LAST];
    unsigned                     has_deadline[EHR_KIND_LAST];   /* flags */
    ngx_array_t                  administrators;
    ngx_flag_t                   token_cache;
    ngx_flag_t                   store_packing;
    off_t                        store_free;  /* floor; unset: by the disk */
    off_t                        store_max;   /* 0: none */
    ngx_array_t                  retentions;  /* ehr_retention_t */
    ehr_seal_keys_t              store_keys;  /* the first one seals */
    ngx_int_t                    request_id_index;

    ngx_thread_pool_t           *work_pool;   /* parse, validate, encode */
    ngx_thread_pool_t           *store_pool;  /* the journal's writer */
    ngx_thread_pool_t           *read_pool;   /* the journal's reader */

    ngx_shm_zone_t              *shm_zone;
    ngx_http_ehr_shared_t       *shared;
    ngx_fd_t                     wake_fds[NGX_HTTP_EHR_WAKE_SLOTS];
    ngx_listening_t             *courier_ls;  /* worker: where attempts go */
    ngx_http_ehr_worker_t       *worker;      /* NULL in the master */

    unsigned                     has_gateway:1;
    unsigned                     has_courier:1;
    unsigned                     has_admin:1;
    unsigned                     has_ops:1;
} ngx_http_ehr_main_conf_t;


typedef struct {
    unsigned                     is_courier:1;
    unsigned                     is_gateway:1;    /* a location of it is */
    unsigned                     has_problems:1;  /* errors are ours to word */
} ngx_http_ehr_srv_conf_t;


typedef struct {
    ngx_uint_t                   role;        /* NGX_HTTP_EHR_ROLE_* */
    size_t                       body_max_size;
    size_t                       body_buffer_size;
    ngx_msec_t                   body_deadline;
    ngx_msec_t                   cpu_deadline;    /* of one document */
} ngx_http_ehr_loc_conf_t;

#define NGX_HTTP_EHR_ROLE_NONE     0
#define NGX_HTTP_EHR_ROLE_GATEWAY  1
#define NGX_HTTP_EHR_ROLE_ADMIN    2
#define NGX_HTTP_EHR_ROLE_OPS      3
#define NGX_HTTP_EHR_ROLE_COURIER  4


/* A route of its own: accepted and kept, delivered to nobody. */
#define NGX_HTTP_EHR_ROUTE_KEEP    0x80000000u


/* --- the worker ---------------------------------------------------------- */

struct ngx_http_ehr_worker_s {
    ngx_cycle_t                *cycle;
    ngx_http_ehr_main_conf_t   *mcf;
    ngx_http_ehr_shared_t      *shared;
    ehr_owner_t                 owner;        /* slot and incarnation */
    ngx_fd_t                    slots_fd;     /* lock file of the slots */
    ngx_http_ehr_journal_t     *journal;
    ehr_packers_t              *packers;      /* NULL: contents stay as they
                                                 are */
    ngx_http_ehr_registry_t    *registry;
    ngx_http_ehr_redis_t       *redis;
    ngx_http_ehr_schedule_t    *schedule;
    ngx_http_ehr_waiters_t     *waiters;
    ngx_http_ehr_keeper_t      *keeper;
    struct sigaction            signals[NGX_HTTP_EHR_SIGNALS];  /* before
                                                 ngx_http_ehr_guard_init() */
    ngx_uint_t                  is_full;      /* flag: nothing new is taken */

    /* What keeps a draining worker alive: a timer that is not cancelable
     * while anything is parked. */
    ngx_uint_t                  parked;
    ngx_event_t                 hold;

    /* Bytes of documents in memory or in spool files, of all requests. */
    size_t                      bytes;
    ngx_connection_t            dummy;        /* fd -1, for timers' data */
};


/* --- the request --------------------------------------------------------- */

typedef enum {
    NGX_HTTP_EHR_NEXT = 0,            /* go on with the next stage */
    NGX_HTTP_EHR_PARKED,              /* somebody will resume us */
    NGX_HTTP_EHR_REFUSED,             /* ctx->problem says why */
    NGX_HTTP_EHR_SENT,                /* the answer is on its way */
    NGX_HTTP_EHR_BROKEN               /* our fault: 500, logged already */
} ngx_http_ehr_result_e;

typedef ngx_http_ehr_result_e  (*ngx_http_ehr_stage_pt)
    (ngx_http_ehr_ctx_t *ctx);

#define NGX_HTTP_EHR_MAX_STAGES  12

typedef struct {
    const char             *name;     /* "identity", for times and logs */
    ngx_http_ehr_stage_pt   handler;
} ngx_http_ehr_stage_t;

/* One call of interface.md section 3: a method, a path, its stages. */

typedef struct {
    ngx_uint_t                   method;
    ngx_uint_t                   role;
    const char                  *path;    /* "{id}" stands for a UUID */
    uint32_t                     scope;   /* ehr_scope_e the token needs */
    size_t                       body_max;    /* 0: ehr_body_max_size */
    const ngx_http_ehr_stage_t  *stages[NGX_HTTP_EHR_MAX_STAGES];
} ngx_http_ehr_endpoint_t;


/* What the connection's certificate says; made once for a connection. */

typedef struct {
    u_char                       sha256[EHR_SHA256_LEN];
} ngx_http_ehr_identity_t;


/* What the limiter says. */

typedef struct {
    unsigned                     is_allowed:1;
    unsigned                     is_limited:1;    /* 0: there is no limit */
    int64_t                      limit;           /* burst */
    int64_t                      remaining;
    int64_t                      reset_sec;
    int64_t                      retry_after_sec; /* when refused, >= 1 */
} ngx_http_ehr_verdict_t;


struct ngx_http_ehr_ctx_s {
    ngx_http_request_t             *request;
    ngx_http_ehr_main_conf_t       *mcf;
    ngx_http_ehr_loc_conf_t        *lcf;
    ngx_http_ehr_worker_t          *worker;
    ehr_arena_t                    *arena;    /* dies with the request */

    const ngx_http_ehr_endpoint_t  *endpoint;
    ngx_uint_t                      step;     /* of endpoint->stages */
    ngx_uint_t                      parked;   /* flag */
    ehr_lang_e                      lang;
    ngx_str_t                       request_id;
    char                            path_id[EHR_UUID_LEN + 1];

    /* identity, token */
    const ngx_http_ehr_identity_t  *identity;
    const ehr_facility_t           *fac;      /* in the snapshot held */
    void                           *registry; /* the snapshot held */
    uint32_t                        scopes;
    const ngx_http_ehr_administrator_t  *admin;

    /* limit */
    ngx_http_ehr_verdict_t          verdict;
    void                           *redis_op; /* while one is under way */

    /* read, validate, journal */
    ehr_str_t                       content;
    void                           *content_map;  /* munmap at the end */
    int                             content_form;
    ngx_str_t                       content_type;
    ngx_event_t                     body_timer;
    size_t                          bytes;    /* of the worker's budget */
    unsigned                        body_is_inline:1; /* read at once */
    unsigned                        body_is_read:1;
    ehr_document_t                  doc;
    int64_t                         validated_ms;   /* the validators' now */
    ehr_rc_t                        rc;       /* of the last thread task */
    ehr_store_submit_t              submit;
    ngx_uint_t                      is_validate_only;
    ngx_int_t                       wait_sec;     /* Prefer: wait */
    uint64_t                        wait_mark;    /* of the ring, before the
                                                     commit */
    void                           *waiter;
    ehr_submission_t               *sub;      /* what is answered */

    /* the refusal, or the answer's code for logs */
    ehr_problem_e                   problem;
    ehr_str_t                       detail;
    const ehr_findings_t           *findings;
    ngx_uint_t                      retry_after;  /* seconds; 0: none */
    const char                     *code;     /* "accepted", problem code */
    ngx_uint_t                      is_answered;  /* flag */
    ngx_str_t                       allow;    /* of 405 */

    uint64_t                        stage_ns[NGX_HTTP_EHR_MAX_STAGES];
    uint64_t                        stage_start_ns;
};


/* --- pipeline (ngx_http_ehr_pipeline.c) ---------------------------------- */

/* Content handler of gateway, admin, ops. */
ngx_int_t ngx_http_ehr_handler(ngx_http_request_t *r);

/* Whoever parked a request calls this, on the event loop, once: runs the
 * parked stage's successor (NEXT), or answers. */
void ngx_http_ehr_resume(ngx_http_ehr_ctx_t *ctx,
                         ngx_http_ehr_result_e result);

/* The same stage again: what it waited for is there now. */
void ngx_http_ehr_rerun(ngx_http_ehr_ctx_t *ctx);

/* Sets the refusal; for "return ngx_http_ehr_refuse(...)".  detail may be
 * NULL; must live as long as the request. */
ngx_http_ehr_result_e ngx_http_ehr_refuse(ngx_http_ehr_ctx_t *ctx,
                                          ehr_problem_e problem,
                                          const char *detail_vi,
                                          const char *detail_en);


/* --- answers (services/ngx_http_ehr_answer.c) ---------------------------- */

#define NGX_HTTP_EHR_ARENA_CAP  (256 * 1024 * 1024)
#define NGX_HTTP_EHR_RETRY_AFTER  5   /* seconds, of a 503 that knows no
                                         better */

/* Gives back what the context holds: arena, snapshot, mapping, timers. */
void ngx_http_ehr_ctx_release(ngx_http_ehr_ctx_t *ctx);

ehr_lang_e ngx_http_ehr_language(ngx_http_request_t *r);

/* nginx's own $request_id: 32 hexadecimal digits, also in its logs. */
ngx_int_t ngx_http_ehr_request_id(ngx_http_request_t *r, ngx_str_t *id);

/* What error.log adds for a request: never a query string (I9). */
u_char *ngx_http_ehr_log_handler(ngx_http_request_t *r,
                                 ngx_http_request_t *sr, u_char *buf,
                                 size_t len);

uint64_t ngx_http_ehr_now_ns(void);

/* The code of a problem that nginx's own refusal became, for the log. */
void ngx_http_ehr_set_code(ngx_http_request_t *r, const char *code);
const char *ngx_http_ehr_get_code(ngx_http_request_t *r);

/* All lines of a header that is a list, as one (RFC 9110 section 5.3). */
ehr_str_t ngx_http_ehr_header_list(ngx_http_request_t *r, const char *name);

/* A header the client sent, by its lower case name; NULL when it is not
 * there.  When it came twice the first is given and *twice is set. */
ngx_str_t *ngx_http_ehr_header(ngx_http_request_t *r, const char *name,
                               ngx_uint_t *twice);

/* Where the next line is looked for; begins as zeros. */

typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_http_ehr_header_place_t;

/* Its lines one after another in their order; NULL behind the last. */
ngx_str_t *ngx_http_ehr_header_line(ngx_http_request_t *r, const char *name,
                                    ngx_http_ehr_header_place_t *place);

/* A parameter of the query, percent-decoded into the request's pool; NULL
 * when it is not there. */
ngx_str_t *ngx_http_ehr_argument(ngx_http_request_t *r, const char *name);

ngx_int_t ngx_http_ehr_add_header(ngx_http_request_t *r, const char *name,
                                  ngx_str_t *value);

/* Header and body in one; finalizes nothing.  type: literal. */
ngx_http_ehr_result_e ngx_http_ehr_send(ngx_http_ehr_ctx_t *ctx,
                                        ngx_uint_t status, const char *type,
                                        ehr_str_t body);

ngx_http_ehr_result_e ngx_http_ehr_send_problem(ngx_http_ehr_ctx_t *ctx);


/* --- bytes in flight (services/ngx_http_ehr_bytes.c) --------------------- */

/* Charges the request's bytes to the worker's budget; NGX_BUSY: there is no
 * room, nothing is charged.  Given back with the context. */
ngx_int_t ngx_http_ehr_bytes_take(ngx_http_ehr_ctx_t *ctx, size_t bytes);
void ngx_http_ehr_bytes_release(ngx_http_ehr_ctx_t *ctx);


/* --- parking and threads (services/ngx_http_ehr_threads.c) --------------- */

/* A request that waits is counted (r->main->blocked) and keeps the draining
 * worker alive; ngx_http_ehr_resume() gives both back. */
void ngx_http_ehr_park(ngx_http_ehr_ctx_t *ctx);

/* The same for work without a request. */
void ngx_http_ehr_hold(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_unhold(ngx_http_ehr_worker_t *worker);

/*
 * run() in a thread of the pool, then done() on the event loop; data lives
 * until done() returns.  Holds the worker meanwhile.  NGX_ERROR when the
 * queue is full: neither is called.
 */
ngx_int_t ngx_http_ehr_thread_post(ngx_http_ehr_worker_t *worker,
                                   ngx_thread_pool_t *pool,
                                   void (*run)(void *data),
                                   void (*done)(void *data), void *data);


/* --- journal (services/ngx_http_ehr_journal.c) --------------------------- */

typedef struct ngx_http_ehr_write_s  ngx_http_ehr_write_t;

/* One operation on its way to the disk; embedded in what waits for it. */

struct ngx_http_ehr_write_s {
    ehr_store_op_t              *op;
    void                       (*done)(ngx_http_ehr_write_t *write);
    void                        *data;
    ngx_msec_t                   queued;
    ngx_http_ehr_write_t        *next;
};

/* When the configuration is read: removes a courier's socket that nobody
 * listens on. */
void ngx_http_ehr_socket_init(ngx_conf_t *cf);

ngx_int_t ngx_http_ehr_journal_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_journal_exit(ngx_http_ehr_worker_t *worker);

/* Joins the next transaction; done() on the event loop after it, with
 * write->op->rc set.  NGX_ERROR: too much is waiting, nothing was taken. */
ngx_int_t ngx_http_ehr_journal_write(ngx_http_ehr_worker_t *worker,
                                     ngx_http_ehr_write_t *write);

/* run(store, data) in the reader's or, for changes of the registry, the
 * writer's thread; then done(data) on the event loop. */
ngx_int_t ngx_http_ehr_journal_read(ngx_http_ehr_worker_t *worker,
                                    void (*run)(ehr_store_t *store,
                                                void *data),
                                    void (*done)(void *data), void *data);
ngx_int_t ngx_http_ehr_journal_change(ngx_http_ehr_worker_t *worker,
                                      void (*run)(ehr_store_t *store,
                                                  void *data),
                                      void (*done)(void *data), void *data);

/* The same beside both: for what must wait for neither. */
ngx_int_t ngx_http_ehr_journal_look(ngx_http_ehr_worker_t *worker,
                                    void (*run)(ehr_store_t *store,
                                                void *data),
                                    void (*done)(void *data), void *data);

/* One more handle; NULL and a line in the log. */
ehr_store_t *ngx_http_ehr_journal_open(ngx_http_ehr_worker_t *worker,
                                       int is_readonly);

/* For readiness: the last transaction succeeded, and how many wait. */
/* A page made no sense: nothing new is stored until a reload. */
ngx_uint_t ngx_http_ehr_journal_is_corrupt(ngx_http_ehr_worker_t *worker);
ngx_uint_t ngx_http_ehr_journal_is_healthy(ngx_http_ehr_worker_t *worker);
ngx_uint_t ngx_http_ehr_journal_waiting(ngx_http_ehr_worker_t *worker);


/* --- room and chores (services/ngx_http_ehr_keeper.c) -------------------- */

ngx_int_t ngx_http_ehr_keeper_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_keeper_exit(ngx_http_ehr_worker_t *worker);

/* So many bytes were stored for these partners (bits). */
void ngx_http_ehr_keeper_accepted(ngx_http_ehr_worker_t *worker,
                                  uint32_t partners, size_t bytes);

char *ngx_http_ehr_set_retention(ngx_conf_t *cf, ngx_command_t *cmd,
                                 void *conf);


/* --- registry (services/ngx_http_ehr_registry.c) ------------------------- */

ngx_int_t ngx_http_ehr_registry_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_registry_exit(ngx_http_ehr_worker_t *worker);

/* After a change is committed: every worker loads anew before its next
 * request. */
void ngx_http_ehr_registry_changed(ngx_http_ehr_worker_t *worker);

/* NGX_OK: ctx->registry is the present snapshot, held for the request;
 * NGX_AGAIN: parked until it is loaded, then the same stage runs again;
 * NGX_ERROR: it could not be loaded. */
ngx_int_t ngx_http_ehr_registry_hold(ngx_http_ehr_ctx_t *ctx);

void ngx_http_ehr_registry_release(ngx_http_ehr_ctx_t *ctx);

/* NULL: not enrolled. */
const ehr_facility_t *ngx_http_ehr_registry_by_cert(ngx_http_ehr_ctx_t *ctx,
    const u_char sha256[EHR_SHA256_LEN]);


/* --- limiter (services/ngx_http_ehr_limiter.c, ngx_http_ehr_redis.c) ----- */

ngx_int_t ngx_http_ehr_redis_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_redis_exit(ngx_http_ehr_worker_t *worker);
ngx_uint_t ngx_http_ehr_redis_is_away(ngx_http_ehr_worker_t *worker);

/* This worker limits without Redis, or with it again; how many do not. */
void ngx_http_ehr_redis_mark(ngx_http_ehr_worker_t *worker,
                             ngx_uint_t is_away);
ngx_uint_t ngx_http_ehr_redis_away(ngx_http_ehr_worker_t *worker);

char *ngx_http_ehr_set_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ehr_set_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* --- schedule and waiters (courier/) ------------------------------------- */

ngx_int_t ngx_http_ehr_schedule_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_schedule_exit(ngx_http_ehr_worker_t *worker);

/* There is something due for these partners (bits). */
void ngx_http_ehr_schedule_kick(ngx_http_ehr_worker_t *worker,
                                uint32_t partners);

/* A partner's lane as it is now, over all workers. */

typedef struct {
    const char                  *name;        /* "open", "slow", "waiting",
                                                 "probing" */
    uint32_t                     window;
    uint32_t                     window_max;
    uint32_t                     in_flight;
    uint32_t                     trips;
    int64_t                      wait_ms;
    int                          is_well;     /* open or slow */
} ngx_http_ehr_lane_look_t;

/* NGX_DECLINED: this worker has no lanes. */
ngx_int_t ngx_http_ehr_lane_look(ngx_http_ehr_worker_t *worker,
                                 ngx_uint_t index,
                                 ngx_http_ehr_lane_look_t *look);

/* A lane that waits looks now; any thread. */
void ngx_http_ehr_lane_probe(ngx_http_ehr_worker_t *worker, ngx_uint_t index);

/* When a delivery that is due may leave, as its partner's lane is now. */
int64_t ngx_http_ehr_lane_next_ms(ngx_http_ehr_worker_t *worker,
                                  ehr_str_t partner);

char *ngx_http_ehr_set_partner(ngx_conf_t *cf, ngx_command_t *cmd,
                               void *conf);
char *ngx_http_ehr_set_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ehr_set_deadline(ngx_conf_t *cf, ngx_command_t *cmd,
                                void *conf);

/* Deadlines of kinds that no directive names. */
void ngx_http_ehr_init_deadlines(ngx_http_ehr_main_conf_t *mcf);


/* --- identity (stages/ngx_http_ehr_stage_identity.c) --------------------- */

/* What the connection's verified certificate says, made once a connection;
 * NULL without one. */
const ngx_http_ehr_identity_t *ngx_http_ehr_identity(ngx_http_request_t *r);

/* Why nginx refused a TLS connection's certificate. */
ehr_problem_e ngx_http_ehr_certificate_problem(ngx_connection_t *c);


/* --- stages -------------------------------------------------------------- */

extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_identity;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_cert_limit;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_token;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_limit;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_headers;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_read;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_validate;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_route;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_journal;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_wait;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_receipt;

extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_grant;      /* token */
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_metadata;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_jwks;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_document;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_documents;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_document_receipt;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_content;

extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_administrator;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_admin;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_livez;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_readyz;
extern const ngx_http_ehr_stage_t  ngx_http_ehr_stage_metrics;

/* A document was refused, and ctx says why: the refusal, unless the facility
 * has these very bytes in the journal.  Then the answer is that of a
 * duplicate.  From the stages between read and journal, parked or not. */
ngx_http_ehr_result_e ngx_http_ehr_unless_stored(ngx_http_ehr_ctx_t *ctx);


/* --- small --------------------------------------------------------------- */

#define ngx_http_ehr_count(worker, id)                                        \
    (void) ngx_atomic_fetch_add(                                              \
        &(worker)->shared->counters[NGX_HTTP_EHR_COUNT_##id], 1)

/* Unix time in milliseconds, as nginx last read it. */
static ngx_inline int64_t
ngx_http_ehr_now_ms(void)
{
    ngx_time_t  *tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + tp->msec;
}


static ngx_inline ehr_str_t
ngx_http_ehr_str(ngx_str_t *s)
{
    ehr_str_t  e;

    e.data = (const char *) s->data;
    e.len = s->len;

    return e;
}


#endif /* NGX_HTTP_EHR_H */
