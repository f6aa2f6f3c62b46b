/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Directives and life of the module: what can be configured, what must be
 * there before traffic may come, and what each worker opens.  It decides
 * nothing about a request; that is ngx_http_ehr_pipeline.c.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_findings.h"
#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_partner.h"
#include "ngx_http_ehr_validators.h"
#include "ngx_http_ehr_signatures.h"
#include "ngx_http_ehr_waiters.h"
#include "ngx_http_ehr_wake.h"
#include "ngx_http_ehr_variables.h"
#include "ehr_gcra.h"
#include "ehr_token_cache.h"

#include <malloc.h>
#include <openssl/rand.h>


#define NGX_HTTP_EHR_MMAP_FROM  (1024 * 1024)
#define NGX_HTTP_EHR_KEEP_FREE  (16 * 1024 * 1024)   /* for each heap */


static void *ngx_http_ehr_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_ehr_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_ehr_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_ehr_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_ehr_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_ehr_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_ehr_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_ehr_init_zone(ngx_shm_zone_t *zone, void *data);
static ngx_int_t ngx_http_ehr_init_process(ngx_cycle_t *cycle);
static void ngx_http_ehr_exit_process(ngx_cycle_t *cycle);
static char *ngx_http_ehr_set_role(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_ehr_set_store_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_ehr_set_token_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_ehr_set_receipt_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_ehr_set_administrator(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


/* What is taken must go out: a larger one no claim would find room for. */

static ngx_conf_num_bounds_t  ngx_http_ehr_body_bounds = {
    ngx_conf_check_num_bounds, 1, EHR_STORE_MAX_CONTENT
};


static ngx_command_t  ngx_http_ehr_commands[] = {

    { ngx_string("ehr_gateway"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ehr_set_role,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_EHR_ROLE_GATEWAY,
      NULL },

    { ngx_string("ehr_admin"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ehr_set_role,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_EHR_ROLE_ADMIN,
      NULL },

    { ngx_string("ehr_ops"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ehr_set_role,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_EHR_ROLE_OPS,
      NULL },

    { ngx_string("ehr_courier"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ehr_set_role,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_EHR_ROLE_COURIER,
      NULL },

    { ngx_string("ehr_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, store_path),
      NULL },

    { ngx_string("ehr_store_packing"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, store_packing),
      NULL },

    { ngx_string("ehr_store_free"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, store_free),
      NULL },

    { ngx_string("ehr_store_max"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, store_max),
      NULL },

    { ngx_string("ehr_retention"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE23,
      ngx_http_ehr_set_retention,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_store_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_ehr_set_store_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, issuer),
      NULL },

    { ngx_string("ehr_token_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_ehr_set_token_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_token_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, token_ttl),
      NULL },

    { ngx_string("ehr_token_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, token_cache),
      NULL },

    { ngx_string("ehr_receipt_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_ehr_set_receipt_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_rate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_ehr_set_rate,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, rate),
      NULL },

    { ngx_string("ehr_cert_rate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_ehr_set_rate,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, cert_rate),
      NULL },

    { ngx_string("ehr_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_ehr_set_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_partner"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_ehr_set_partner,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_route"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_ehr_set_route,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_deadline"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_ehr_set_deadline,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_finding"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_ehr_set_finding,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_validator"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_ehr_set_validator,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_signature"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_ehr_set_signature,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_administrator"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3,
      ngx_http_ehr_set_administrator,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ehr_inflight_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ehr_main_conf_t, inflight_max),
      NULL },

    { ngx_string("ehr_body_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ehr_loc_conf_t, body_max_size),
      &ngx_http_ehr_body_bounds },

    { ngx_string("ehr_body_buffer_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ehr_loc_conf_t, body_buffer_size),
      NULL },

    { ngx_string("ehr_body_deadline"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ehr_loc_conf_t, body_deadline),
      NULL },

    { ngx_string("ehr_cpu_deadline"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ehr_loc_conf_t, cpu_deadline),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ehr_module_ctx = {
    ngx_http_ehr_add_variables,            /* preconfiguration */
    ngx_http_ehr_init,                     /* postconfiguration */

    ngx_http_ehr_create_main_conf,         /* create main configuration */
    ngx_http_ehr_init_main_conf,           /* init main configuration */

    ngx_http_ehr_create_srv_conf,          /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_ehr_create_loc_conf,          /* create location configuration */
    ngx_http_ehr_merge_loc_conf            /* merge location configuration */
};


ngx_module_t  ngx_http_ehr_module = {
    NGX_MODULE_V1,
    &ngx_http_ehr_module_ctx,              /* module context */
    ngx_http_ehr_commands,                 /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_ehr_init_process,             /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_ehr_exit_process,             /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_ehr_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_ehr_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ehr_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->token_ttl = NGX_CONF_UNSET;
    mcf->token_cache = NGX_CONF_UNSET;
    mcf->store_packing = NGX_CONF_UNSET;
    mcf->store_free = NGX_CONF_UNSET;
    mcf->store_max = NGX_CONF_UNSET;
    mcf->inflight_max = NGX_CONF_UNSET_SIZE;
    mcf->rate.rate_milli = NGX_CONF_UNSET;
    mcf->cert_rate.rate_milli = NGX_CONF_UNSET;

    if (ngx_array_init(&mcf->token_keys, cf->pool, 2, sizeof(ehr_key_t *))
            != NGX_OK
        || ngx_array_init(&mcf->partners, cf->pool, 4,
                          sizeof(ngx_http_ehr_partner_t))
               != NGX_OK
        || ngx_array_init(&mcf->validators, cf->pool, 4,
                          sizeof(ngx_http_ehr_validator_t))
               != NGX_OK
        || ngx_array_init(&mcf->retentions, cf->pool, 4,
                          sizeof(ehr_retention_t))
               != NGX_OK
        || ngx_array_init(&mcf->administrators, cf->pool, 2,
                          sizeof(ngx_http_ehr_administrator_t))
               != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static char *
ngx_http_ehr_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    if (mcf->token_ttl == NGX_CONF_UNSET) {
        mcf->token_ttl = 600;
    }

    if (mcf->token_cache == NGX_CONF_UNSET) {
        mcf->token_cache = 1;
    }

    ngx_http_ehr_init_deadlines(mcf);

    ngx_conf_init_value(mcf->store_packing, 1);
    ngx_conf_init_value(mcf->store_max, 0);
    ngx_conf_init_size_value(mcf->inflight_max, 512 * 1024 * 1024);

    if (mcf->rate.rate_milli == NGX_CONF_UNSET) {
        mcf->rate.rate_milli = 50 * 1000;
        mcf->rate.burst = 100;
    }

    if (mcf->cert_rate.rate_milli == NGX_CONF_UNSET) {
        mcf->cert_rate.rate_milli = 500 * 1000;
        mcf->cert_rate.burst = 1000;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_ehr_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_ehr_srv_conf_t));
}


static void *
ngx_http_ehr_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ehr_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ehr_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->body_max_size = NGX_CONF_UNSET_SIZE;
    lcf->body_buffer_size = NGX_CONF_UNSET_SIZE;
    lcf->body_deadline = NGX_CONF_UNSET_MSEC;
    lcf->cpu_deadline = NGX_CONF_UNSET_MSEC;

    return lcf;
}


static char *
ngx_http_ehr_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_ehr_loc_conf_t  *prev = parent;
    ngx_http_ehr_loc_conf_t  *conf = child;

    ngx_http_ehr_srv_conf_t   *scf;
    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_size_value(conf->body_max_size, prev->body_max_size,
                              32 * 1024 * 1024);
    ngx_conf_merge_size_value(conf->body_buffer_size, prev->body_buffer_size,
                              256 * 1024);
    ngx_conf_merge_msec_value(conf->body_deadline, prev->body_deadline,
                              60000);
    ngx_conf_merge_msec_value(conf->cpu_deadline, prev->cpu_deadline, 2000);

    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_ehr_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* What was taken in must go out, however large it grew as Base64. */

    if (scf->is_courier) {
        clcf->client_max_body_size = 0;
        return NGX_CONF_OK;
    }

    if (conf->role == NGX_HTTP_EHR_ROLE_NONE) {
        return NGX_CONF_OK;
    }

    /* The body is read by nginx: its own limits follow ours, merged before. */

    clcf->client_max_body_size = conf->body_max_size;
    clcf->client_body_buffer_size = conf->body_buffer_size;

    /* nginx's time-out counts from the last read and closes without a word;
     * our deadline is for the whole body, comes first, and says so. */
    clcf->client_body_timeout = conf->body_deadline + 5000;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_ehr_add_variables(ngx_conf_t *cf)
{
    return ngx_http_ehr_variables_add(cf);
}


static ngx_int_t
ngx_http_ehr_need(ngx_conf_t *cf, ngx_uint_t is_there, const char *what)
{
    if (is_there) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" is required by the roles configured", what);
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_ehr_init_policy(ngx_conf_t *cf, ngx_http_ehr_main_conf_t *mcf)
{
    ehr_str_t     jwks;
    ehr_key_t   **keys;
    ngx_uint_t    i;
    ehr_arena_t  *arena;

    mcf->policy.issuer = ngx_http_ehr_str(&mcf->issuer);
    mcf->policy.audience = mcf->policy.issuer;
    mcf->policy.keys = mcf->token_keys.elts;
    mcf->policy.nkeys = mcf->token_keys.nelts;

    /* The receipts' key is published, but verifies no token. */

    keys = ngx_palloc(cf->pool,
                      (mcf->token_keys.nelts + 1) * sizeof(ehr_key_t *));
    arena = ehr_arena_create(64 * 1024);
    if (keys == NULL || arena == NULL) {
        ehr_arena_destroy(arena);
        return NGX_ERROR;
    }

    for (i = 0; i < mcf->token_keys.nelts; i++) {
        keys[i] = ((ehr_key_t **) mcf->token_keys.elts)[i];
    }

    keys[i] = mcf->receipt_key;

    jwks = ehr_jwks_render(keys, i + 1, arena);

    mcf->jwks.len = jwks.len;
    mcf->jwks.data = jwks.data
                         ? ngx_pnalloc(cf->pool, jwks.len) : NULL;
    if (mcf->jwks.data) {
        ngx_memcpy(mcf->jwks.data, jwks.data, jwks.len);
    }

    ehr_arena_destroy(arena);

    return mcf->jwks.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_ehr_init_pools(ngx_conf_t *cf, ngx_http_ehr_main_conf_t *mcf)
{
    static ngx_str_t  work = ngx_string("ehr_work");
    static ngx_str_t  store = ngx_string("ehr_store");
    static ngx_str_t  reader = ngx_string("ehr_read");

    mcf->work_pool = ngx_thread_pool_add(cf, &work);
    mcf->store_pool = ngx_thread_pool_add(cf, &store);
    mcf->read_pool = ngx_thread_pool_add(cf, &reader);

    return mcf->work_pool && mcf->store_pool && mcf->read_pool
           ? NGX_OK : NGX_ERROR;
}


/* Before nginx can log anything of the request: its log handler writes the
 * query, ours does not (I9). */

static ngx_int_t
ngx_http_ehr_post_read(ngx_http_request_t *r)
{
    ngx_http_ehr_srv_conf_t  *scf;

    scf = ngx_http_get_module_srv_conf(r, ngx_http_ehr_module);

    if (scf->has_problems || scf->is_courier) {
        r->log_handler = ngx_http_ehr_log_handler;
    }

    return NGX_DECLINED;
}


/*
 * A partner's answer may ask nginx to go elsewhere (X-Accel-Redirect), with
 * the document and the session in hand.  No second upstream for a request.
 */

static ngx_int_t
ngx_http_ehr_preaccess(ngx_http_request_t *r)
{
    ngx_http_ehr_srv_conf_t  *scf;

    scf = ngx_http_get_module_srv_conf(r, ngx_http_ehr_module);

    if (scf->is_courier && r != r->main && r->upstream) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "a partner tried to redirect a delivery");
        return NGX_HTTP_BAD_GATEWAY;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_ehr_add_phases(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_ehr_post_read;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_ehr_preaccess;

    return NGX_OK;
}


/*
 * What loads is complete (I11): whatever traffic would trip over is refused
 * here.
 */

static ngx_int_t
ngx_http_ehr_init(ngx_conf_t *cf)
{
    ngx_str_t                  zone = ngx_string("ehr");
    ngx_str_t                  request_id = ngx_string("request_id");
    ngx_uint_t                 uses_store;
    ngx_http_ehr_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ehr_module);

    if (!mcf->has_gateway && !mcf->has_admin && !mcf->has_ops
        && !mcf->has_courier)
    {
        return NGX_OK;
    }

    uses_store = mcf->store_path.len != 0;

    if (ngx_http_ehr_need(cf, uses_store, "ehr_store") != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &mcf->store_path, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (mcf->store_keys.n == 0) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "no \"ehr_store_key\": documents lie in clear in "
                      "\"%V\"", &mcf->store_path);
    }

    if (mcf->has_gateway) {
        if (ngx_http_ehr_need(cf, mcf->issuer.len, "ehr_issuer") != NGX_OK
            || ngx_http_ehr_need(cf, mcf->token_keys.nelts, "ehr_token_key")
                   != NGX_OK
            || ngx_http_ehr_need(cf, mcf->receipt_key != NULL,
                                 "ehr_receipt_key")
                   != NGX_OK
            || ngx_http_ehr_init_policy(cf, mcf) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (mcf->has_admin
        && ngx_http_ehr_need(cf, mcf->administrators.nelts,
                             "ehr_administrator")
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->has_courier
        && ngx_http_ehr_need(cf, mcf->partners.nelts, "ehr_partner")
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_ehr_init_pools(cf, mcf) != NGX_OK
        || ngx_http_ehr_add_phases(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* Pages beyond the structure are the slab allocator's own. */

    mcf->shm_zone = ngx_shared_memory_add(cf, &zone,
                        sizeof(ngx_http_ehr_shared_t) + 64 * ngx_pagesize,
                        &ngx_http_ehr_module);
    if (mcf->shm_zone == NULL) {
        return NGX_ERROR;
    }

    mcf->shm_zone->init = ngx_http_ehr_init_zone;
    mcf->shm_zone->data = mcf;

    mcf->request_id_index = ngx_http_get_variable_index(cf, &request_id);
    if (mcf->request_id_index == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_ehr_socket_init(cf);

    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t           *shpool;
    ngx_http_ehr_main_conf_t  *omcf = data;
    ngx_http_ehr_main_conf_t  *mcf;

    mcf = zone->data;

    ngx_http_ehr_wake_open(mcf->wake_fds, omcf ? omcf->wake_fds : NULL,
                           zone->shm.log);

    if (omcf) {
        mcf->shared = omcf->shared;

        /* It numbers configurations: the clock may have been put back. */
        if (mcf->configured_ms <= omcf->configured_ms) {
            mcf->configured_ms = omcf->configured_ms + 1;
        }

        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        mcf->shared = shpool->data;
        return NGX_OK;
    }

    /* All zeroes is the empty state of every table in it. */

    mcf->shared = ngx_slab_calloc(shpool, sizeof(ngx_http_ehr_shared_t));
    if (mcf->shared == NULL) {
        return NGX_ERROR;
    }

    shpool->data = mcf->shared;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_init_worker(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_main_conf_t  *mcf = worker->mcf;

    if (RAND_bytes((u_char *) &worker->owner.incarnation, sizeof(uint64_t))
        != 1)
    {
        return NGX_ERROR;
    }

    worker->owner.incarnation &= INT64_MAX;
    worker->owner.incarnation |= 1;

    if (ngx_http_ehr_guard_init(worker) != NGX_OK
        || ngx_http_ehr_validators_load(worker) != NGX_OK
        || ngx_http_ehr_journal_init(worker) != NGX_OK
        || ngx_http_ehr_registry_init(worker) != NGX_OK
        || ngx_http_ehr_waiters_init(worker) != NGX_OK
        || ngx_http_ehr_keeper_init(worker) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->redis.is_set && ngx_http_ehr_redis_init(worker) != NGX_OK) {
        return NGX_ERROR;
    }

    if (mcf->has_courier
        && (ngx_http_ehr_partners_load(worker) != NGX_OK
            || ngx_http_ehr_schedule_init(worker) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * glibc gives memory back as soon as 128 kB are free at the end of a heap,
 * which is after each document: the next one would fault the same pages in
 * again.  Large blocks still go back at once.
 */

static void
ngx_http_ehr_keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    (void) mallopt(M_MMAP_THRESHOLD, NGX_HTTP_EHR_MMAP_FROM);
    (void) mallopt(M_TRIM_THRESHOLD, NGX_HTTP_EHR_KEEP_FREE);
#endif
}


static ngx_int_t
ngx_http_ehr_init_process(ngx_cycle_t *cycle)
{
    ngx_http_ehr_worker_t     *worker;
    ngx_http_ehr_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL) {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ehr_module);
    if (mcf == NULL || mcf->shm_zone == NULL) {
        return NGX_OK;
    }

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_http_ehr_worker_t));
    if (worker == NULL) {
        return NGX_ERROR;
    }

    worker->cycle = cycle;
    worker->mcf = mcf;
    worker->shared = mcf->shared;
    worker->slots_fd = NGX_INVALID_FILE;
    worker->dummy.fd = (ngx_socket_t) -1;
    worker->dummy.log = cycle->log;

    mcf->worker = worker;

    ngx_http_ehr_keep_memory();

    return ngx_http_ehr_init_worker(worker);
}


static void
ngx_http_ehr_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_ehr_worker_t     *worker;
    ngx_http_ehr_main_conf_t  *mcf;

    if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL) {
        return;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ehr_module);

    if (mcf == NULL || mcf->worker == NULL) {
        return;
    }

    worker = mcf->worker;

    if (worker->schedule) {
        ngx_http_ehr_schedule_exit(worker);
        ngx_http_ehr_partners_unload(worker);
    }

    ngx_http_ehr_validators_unload(worker);

    if (worker->redis) {
        ngx_http_ehr_redis_exit(worker);
    }

    if (worker->registry) {
        ngx_http_ehr_registry_exit(worker);
    }

    ngx_http_ehr_keeper_exit(worker);

    if (worker->journal) {
        ngx_http_ehr_journal_exit(worker);
    }

    if (worker->slots_fd != NGX_INVALID_FILE) {
        (void) close(worker->slots_fd);
    }
}


static char *
ngx_http_ehr_set_role(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_loc_conf_t  *lcf = conf;

    ngx_http_ehr_main_conf_t  *mcf;
    ngx_http_ehr_srv_conf_t   *scf;
    ngx_http_core_loc_conf_t  *clcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ehr_module);
    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_ehr_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (lcf->role != NGX_HTTP_EHR_ROLE_NONE) {
        return "is not the only role of this location";
    }

    lcf->role = cmd->offset;

    switch (lcf->role) {

    case NGX_HTTP_EHR_ROLE_GATEWAY:
        mcf->has_gateway = 1;
        scf->is_gateway = 1;
        break;

    case NGX_HTTP_EHR_ROLE_ADMIN:
        mcf->has_admin = 1;
        break;

    case NGX_HTTP_EHR_ROLE_OPS:
        mcf->has_ops = 1;
        break;

    default:
        mcf->has_courier = 1;
        scf->is_courier = 1;
        clcf->handler = ngx_http_ehr_courier_handler;
        return NGX_CONF_OK;
    }

    scf->has_problems = 1;
    clcf->handler = ngx_http_ehr_handler;

    return NGX_CONF_OK;
}


static void
ngx_http_ehr_key_cleanup(void *data)
{
    ehr_key_free(data);
}


static ehr_key_t *
ngx_http_ehr_load_key(ngx_conf_t *cf)
{
    ehr_key_t           *key;
    ngx_str_t           *value;
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    error = NULL;
    key = ehr_key_load((char *) value[1].data, &error);

    if (key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key \"%V\": %s", &value[1],
                           error ? error : "cannot be loaded");
        return NULL;
    }

    cln->handler = ngx_http_ehr_key_cleanup;
    cln->data = key;

    return key;
}


static void
ngx_http_ehr_store_keys_cleanup(void *data)
{
    ehr_seal_keys_clear(data);
}


static char *
ngx_http_ehr_set_store_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    ngx_str_t           *value;
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (mcf->store_keys.n == 0) {
        cln = ngx_pool_cleanup_add(cf->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        cln->handler = ngx_http_ehr_store_keys_cleanup;
        cln->data = &mcf->store_keys;
    }

    error = ehr_seal_keys_load(&mcf->store_keys, (char *) value[1].data);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key \"%V\": %s", &value[1],
                           error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_set_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    ehr_key_t  *key, **slot;

    key = ngx_http_ehr_load_key(cf);
    if (key == NULL) {
        return NGX_CONF_ERROR;
    }

    /* RSA signs too slowly for the event loop. */

    if (mcf->token_keys.nelts == 0
        && (!ehr_key_is_private(key) || ehr_key_alg(key) != EHR_ALG_ES256))
    {
        return "must name a private EC P-256 key first: it signs";
    }

    slot = ngx_array_push(&mcf->token_keys);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = key;

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_set_receipt_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    if (mcf->receipt_key) {
        return "is duplicate";
    }

    mcf->receipt_key = ngx_http_ehr_load_key(cf);
    if (mcf->receipt_key == NULL) {
        return NGX_CONF_ERROR;
    }

    if (!ehr_key_is_private(mcf->receipt_key)
        || ehr_key_alg(mcf->receipt_key) != EHR_ALG_ES256)
    {
        return "must be a private EC P-256 key (ES256)";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_set_administrator(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_ehr_administrator_t  *adm;

    static const char  *roles[] = { "viewer", "operator", "admin", "auditor" };

    value = cf->args->elts;

    for (i = 0; i < 4; i++) {
        if (ngx_strcmp(value[1].data, roles[i]) == 0) {
            break;
        }
    }

    if (i == 4) {
        return "has an unknown role: viewer, operator, admin or auditor";
    }

    adm = ngx_array_push(&mcf->administrators);
    if (adm == NULL) {
        return NGX_CONF_ERROR;
    }

    adm->role = value[1];
    adm->name = value[3];

    if (ehr_unhex(ngx_http_ehr_str(&value[2]), adm->sha256, EHR_SHA256_LEN)
        != EHR_OK)
    {
        return "needs the certificate's SHA-256 as 64 hex digits";
    }

    return NGX_CONF_OK;
}
