/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Partners as the administrator wrote them, and their plugins.  A plugin is
 * opened, checked and closed at "nginx -t" (the master must not keep it, or a
 * reload would find the old code: engineering.md 10), and opened again by
 * each worker.  Any doubt stops the start.
 */

#include "ngx_http_ehr_partner.h"
#include "ehr_facility.h"
#include "ehr_secret.h"

#include <jansson.h>


#define NGX_HTTP_EHR_MAX_PARTNERS      EHR_STORE_MAX_PARTNERS
#define NGX_HTTP_EHR_PLUGIN_CHECK_CAP  (256 * 1024)
#define NGX_HTTP_EHR_PLUGIN_DOUBT      512


static void *ngx_http_ehr_host_alloc(ehr_call_t *call, size_t size);
static int64_t ngx_http_ehr_host_now_ms(ehr_call_t *call);
static const char *ngx_http_ehr_host_setting(ehr_call_t *call,
    const char *name);
static int ngx_http_ehr_host_finding(ehr_call_t *call,
    const ehr_finding_t *finding);


const ehr_host_t  ngx_http_ehr_host = {
    sizeof(ehr_host_t), EHR_ABI_MAJOR, EHR_ABI_MINOR, 0,
    ngx_http_ehr_host_alloc,
    ngx_http_ehr_host_now_ms,
    ngx_http_ehr_host_setting,
    ngx_http_ehr_host_finding,
    NULL
};


static void *
ngx_http_ehr_host_alloc(ehr_call_t *call, size_t size)
{
    return ehr_arena_alloc(call->arena, size);
}


static int64_t
ngx_http_ehr_host_now_ms(ehr_call_t *call)
{
    return call->now_ms;
}


static const char *
ngx_http_ehr_host_setting(ehr_call_t *call, const char *name)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv = call->part->settings.elts;

    for (i = 0; i < call->part->settings.nelts; i++) {
        if (ngx_strcmp(kv[i].key.data, name) == 0) {
            return (const char *) kv[i].value.data;
        }
    }

    return NULL;
}


/* Findings are a validator's; a partner plugin has none to make. */

static int
ngx_http_ehr_host_finding(ehr_call_t *call, const ehr_finding_t *finding)
{
    return -1;
}


static ngx_int_t
ngx_http_ehr_plugin_open(ngx_http_ehr_partner_t *part, ngx_log_t *log)
{
    char                 doubt[NGX_HTTP_EHR_PLUGIN_DOUBT];
    const ehr_plugin_t  *plugin;

    if (ehr_plugin_file_open((char *) part->plugin_path.data, &part->file,
                             doubt, sizeof(doubt))
        != EHR_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "partner \"%V\": %s",
                      &part->name, doubt);
        return NGX_ERROR;
    }

    plugin = part->file.plugin;

    if (plugin->kinds == NULL || plugin->prepare == NULL
        || plugin->judge == NULL)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "partner \"%V\": plugin \"%V\" is not a partner "
                      "plugin", &part->name, &part->plugin_path);
        ehr_plugin_file_close(&part->file);
        return NGX_ERROR;
    }

    part->plugin = plugin;

    return NGX_OK;
}


static void
ngx_http_ehr_plugin_close(ngx_http_ehr_partner_t *part)
{
    ehr_plugin_file_close(&part->file);
    part->plugin = NULL;
}


static const char *
ngx_http_ehr_plugin_check(ngx_http_ehr_partner_t *part, u_char *buf,
    size_t len)
{
    ehr_call_t   call;
    const char  *doubt;

    if (part->plugin->check == NULL) {
        return NULL;
    }

    call.part = part;
    call.now_ms = ngx_http_ehr_now_ms();
    call.arena = ehr_arena_create(NGX_HTTP_EHR_PLUGIN_CHECK_CAP);

    if (call.arena == NULL) {
        return "no memory";
    }

    doubt = part->plugin->check(&ngx_http_ehr_host, &call);

    if (doubt) {
        (void) ngx_cpystrn(buf, (u_char *) doubt, len);
        doubt = (const char *) buf;
    }

    ehr_arena_destroy(call.arena);

    return doubt;
}


static ngx_int_t
ngx_http_ehr_plugin_test(ngx_conf_t *cf, ngx_http_ehr_partner_t *part)
{
    u_char       buf[256];
    const char  *doubt;

    if (ngx_http_ehr_plugin_open(part, cf->log) != NGX_OK) {
        return NGX_ERROR;
    }

    doubt = ngx_http_ehr_plugin_check(part, buf, sizeof(buf));

    ngx_http_ehr_plugin_close(part);

    if (doubt) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "partner \"%V\": %s",
                           &part->name, doubt);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ehr_partners_load(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *part = worker->mcf->partners.elts;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        if (ngx_http_ehr_plugin_open(&part[i], worker->cycle->log)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_ehr_partners_unload(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *part = worker->mcf->partners.elts;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        ngx_http_ehr_plugin_close(&part[i]);
    }
}


const ngx_http_ehr_account_t *
ngx_http_ehr_partner_account(const ngx_http_ehr_partner_t *part,
    ehr_str_t facility)
{
    ngx_uint_t               i;
    ngx_http_ehr_account_t  *account = part->accounts.elts;

    for (i = 0; i < part->accounts.nelts; i++) {
        if (ehr_str_eq(ngx_http_ehr_str(&account[i].facility), facility)) {
            return &account[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_ehr_partner_is_repeat_safe(const ngx_http_ehr_partner_t *part,
    const char *kind)
{
    const ehr_plugin_kind_t  *row;

    if (part->plugin == NULL) {
        return 0;
    }

    for (row = part->plugin->kinds; row->kind; row++) {
        if (ngx_strcmp(row->kind, kind) == 0) {
            return row->is_repeat_safe;
        }
    }

    return 0;
}


int
ngx_http_ehr_repeat_is_safe(void *data, const char *partner, const char *kind)
{
    ngx_http_ehr_main_conf_t  *mcf = data;

    ngx_uint_t                 i;
    ngx_http_ehr_partner_t    *part = mcf->partners.elts;

    for (i = 0; i < mcf->partners.nelts; i++) {
        if (ngx_strcmp(part[i].name.data, partner) == 0) {
            return (int) ngx_http_ehr_partner_is_repeat_safe(&part[i], kind);
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_ehr_partner_has_query(const ngx_http_ehr_partner_t *part)
{
    return part->plugin && EHR_PLUGIN_HAS(part->plugin, query)
           && part->queries > 0;
}


static ngx_int_t
ngx_http_ehr_copy_str(ngx_conf_t *cf, ngx_str_t *to, const char *from)
{
    to->len = from ? ngx_strlen(from) : 0;
    to->data = ngx_pnalloc(cf->pool, to->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(to->data, (u_char *) (from ? from : ""), to->len + 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_accounts_read(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    json_t *root)
{
    json_t                  *value;
    const char              *facility, *username, *password;
    ngx_http_ehr_account_t  *account;

    json_object_foreach(root, facility, value) {

        username = json_string_value(json_object_get(value, "username"));
        password = json_string_value(json_object_get(value, "password"));

        if (username == NULL || password == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "account of facility \"%s\" in \"%V\" needs "
                               "\"username\" and \"password\"", facility,
                               &part->accounts_path);
            return NGX_ERROR;
        }

        account = ngx_array_push(&part->accounts);

        if (account == NULL
            || ngx_http_ehr_copy_str(cf, &account->facility, facility)
                   != NGX_OK
            || ngx_http_ehr_copy_str(cf, &account->username, username)
                   != NGX_OK
            || ngx_http_ehr_copy_str(cf, &account->password, password)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static json_t *
ngx_http_ehr_accounts_parse(ngx_conf_t *cf, ngx_http_ehr_partner_t *part)
{
    json_t        *root;
    ngx_fd_t       fd;
    const char    *reason;
    json_error_t   error;

    fd = ehr_secret_open((char *) part->accounts_path.data, &reason);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "accounts file \"%V\": %s",
                           &part->accounts_path, reason);
        return NULL;
    }

    root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed",
                           &part->accounts_path);
    }

    if (!json_is_object(root)) {
        /* jansson's own text may quote the file, which holds passwords */
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "accounts file \"%V\" is not a readable JSON "
                           "object (line %d)", &part->accounts_path,
                           error.line);
        json_decref(root);
        return NULL;
    }

    return root;
}


static ngx_int_t
ngx_http_ehr_accounts_load(ngx_conf_t *cf, ngx_http_ehr_partner_t *part)
{
    json_t     *root;
    ngx_int_t   rc;

    if (ngx_array_init(&part->accounts, cf->pool, 16,
                       sizeof(ngx_http_ehr_account_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (part->accounts_path.len == 0) {
        return NGX_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &part->accounts_path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    root = ngx_http_ehr_accounts_parse(cf, part);
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_ehr_accounts_read(cf, part, root);

    json_decref(root);

    return rc;
}


char *
ngx_http_ehr_set_partner(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    char                    *wrong;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *part;

    value = cf->args->elts;
    part = mcf->partners.elts;

    for (i = 0; i < mcf->partners.nelts; i++) {
        if (ngx_strcmp(part[i].name.data, value[1].data) == 0) {
            return "names a partner twice";
        }
    }

    if (i == NGX_HTTP_EHR_MAX_PARTNERS) {
        return "names too many partners";
    }

    part = ngx_array_push(&mcf->partners);
    if (part == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(part, sizeof(ngx_http_ehr_partner_t));

    mcf->configured_ms = ngx_http_ehr_now_ms();

    part->index = i;
    part->name = value[1];
    part->concurrency = 8;
    part->retry_min = 1000;
    part->retry_max = 300000;
    part->query_min = 10000;
    part->query_max = 3600000;
    part->queries = 16;
    part->deadline = 3 * 24 * 3600;
    part->refused = 60000;

    if (part->name.len >= sizeof(((ehr_store_delivery_t *) 0)->partner)) {
        return "has too long a partner name";
    }

    if (ngx_array_init(&part->settings, cf->pool, 4, sizeof(ngx_keyval_t))
            != NGX_OK
        || ngx_array_init(&part->hours, cf->pool, 4, sizeof(ehr_hours_t))
               != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        wrong = ngx_http_ehr_partner_setting(cf, part, &value[i]);
        if (wrong) {
            return wrong;
        }
    }

    if (part->plugin_path.len == 0 || part->location.len == 0) {
        return "needs plugin= and location=";
    }

    if (part->rate.burst && part->rate.rate_milli == 0) {
        return "takes burst= only with rate=";
    }

    if (part->rate.burst == 0) {
        part->rate.burst = 1;
    }

    if (ngx_http_ehr_accounts_load(cf, part) != NGX_OK
        || ngx_http_ehr_plugin_test(cf, part) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ehr_set_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    ngx_str_t               *value;
    ehr_kind_e               kind;
    ngx_uint_t               i, j;
    ngx_http_ehr_partner_t  *part;

    value = cf->args->elts;
    part = mcf->partners.elts;

    kind = ehr_kind_of_name(ngx_http_ehr_str(&value[1]));
    if (kind == EHR_KIND_UNKNOWN) {
        return "names an unknown kind of document";
    }

    if (mcf->routes[kind]) {
        return "is duplicate for this kind";
    }

    if (cf->args->nelts == 3 && ngx_strcmp(value[2].data, "off") == 0) {
        mcf->routes[kind] = NGX_HTTP_EHR_ROUTE_KEEP;
        return NGX_CONF_OK;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        for (j = 0; j < mcf->partners.nelts; j++) {
            if (ngx_strcmp(part[j].name.data, value[i].data) == 0) {
                mcf->routes[kind] |= 1u << j;
                break;
            }
        }

        if (j == mcf->partners.nelts) {
            return "names a partner that no \"ehr_partner\" above defines";
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ehr_set_deadline(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    ngx_str_t   *value;
    ehr_kind_e   kind;

    value = cf->args->elts;

    kind = ehr_kind_of_name(ngx_http_ehr_str(&value[1]));
    if (kind == EHR_KIND_UNKNOWN) {
        return "names an unknown kind of document";
    }

    if (mcf->has_deadline[kind]) {
        return "is duplicate for this kind";
    }

    if (ehr_deadline_parse(ngx_http_ehr_str(&value[2]), &mcf->deadlines[kind])
        != EHR_OK)
    {
        return "takes now, 30m, 4h, 4wh (working hours), day, 3d or off";
    }

    mcf->has_deadline[kind] = 1;

    return NGX_CONF_OK;
}


/* What the law or the partner asks of a hospital; a check-in is of use while
 * the patient is there. */

void
ngx_http_ehr_init_deadlines(ngx_http_ehr_main_conf_t *mcf)
{
    static const struct {
        ehr_kind_e   kind;
        const char  *text;
    } defaults[] = {
        { EHR_KIND_CHECKIN, "now" },
        { EHR_KIND_PRESCRIPTION, "now" },
        { EHR_KIND_BIRTH_NOTICE, "4wh" },
        { EHR_KIND_DEATH_NOTICE, "4wh" },
        { EHR_KIND_DRIVER_EXAM, "4h" },
        { EHR_KIND_CLAIM, "day" },
        { EHR_KIND_VOUCHER, "day" },
        { EHR_KIND_MEDICAL_ASSESSMENT, "3d" }
    };

    ngx_uint_t  i;

    for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (!mcf->has_deadline[defaults[i].kind]) {
            (void) ehr_deadline_parse(ehr_str(defaults[i].text),
                                      &mcf->deadlines[defaults[i].kind]);
        }
    }
}
