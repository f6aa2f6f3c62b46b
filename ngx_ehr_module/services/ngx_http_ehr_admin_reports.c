/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The calls of /admin/v1/reports.  The doctor's: what is well, what will not
 * be for long, what is broken, and what to do about it.  It looks and changes
 * nothing; what it looks at others know.
 */

#include "ngx_http_ehr_admin.h"
#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_health.h"

#include <inttypes.h>


#define NGX_HTTP_EHR_DOCTOR_TEXT  256
#define NGX_HTTP_EHR_CALL_LONG    10000    /* ms: no call takes so long */


/* What can be wrong; id, fail, what to do in Vietnamese and in English. */

#define NGX_HTTP_EHR_ILLS(X)                                                  \
    X(STORE, 1,                                                               \
      "Xem error.log và đĩa của kho; kho hỏng thì khôi phục từ bản sao lưu",  \
      "See error.log and the journal's disk; restore a damaged journal "      \
      "from its backup")                                                      \
    X(DISK_FULL, 1,                                                           \
      "Giải phóng đĩa, đặt ehr_retention, hoặc dùng đĩa lớn hơn: hồ sơ mới "  \
      "đang bị từ chối",                                                      \
      "Free space, set ehr_retention, or take a larger disk: new documents "  \
      "are refused")                                                          \
    X(DISK_UNKNOWN, 1,                                                        \
      "Kiểm tra thư mục của ehr_store còn đó và đọc được",                    \
      "See that the folder of ehr_store is there and readable")               \
    X(KEY_MISSING, 1,                                                         \
      "Thêm lại dòng ehr_store_key của khóa bị thiếu rồi reload; hồ sơ tự "   \
      "đi tiếp",                                                              \
      "Put the ehr_store_key line of the missing key back and reload; its "   \
      "documents go on by themselves")                                        \
    X(KEY_NONE, 0,                                                            \
      "Tạo khóa và đặt ehr_store_key: hồ sơ đang nằm trong kho ở dạng rõ",    \
      "Make a key and set ehr_store_key: documents lie in clear")             \
    X(KEYS, 1,                                                                \
      "Đặt ehr_token_key và ehr_receipt_key có khóa bí mật",                  \
      "Set ehr_token_key and ehr_receipt_key with private keys")              \
    X(CRL_OLD, 1,                                                             \
      "CRL đã hết hạn, mọi bệnh viện bị từ chối: tải bản mới, reload",        \
      "The CRL has expired, every hospital is refused: fetch a new one, "     \
      "reload")                                                               \
    X(CRL_SOON, 0,                                                            \
      "CRL sắp hết hạn: tải bản mới, reload",                                 \
      "The CRL expires soon: fetch a new one, reload")                        \
    X(CRL_NONE, 0,                                                            \
      "Đặt ssl_crl cho máy chủ có ehr_gateway: chứng thư số bị thu hồi vẫn "  \
      "được nhận",                                                            \
      "Set ssl_crl for the server of ehr_gateway: revoked certificates are "  \
      "taken")                                                                \
    X(LANE, 1,                                                                \
      "Nơi nhận không trả lời đúng: xem error.log, hỏi nơi nhận; hồ sơ được " \
      "giữ lại và tự gửi",                                                    \
      "The partner fails as a whole: see error.log, ask the partner; "        \
      "documents wait and go out by themselves")                              \
    X(PAUSED, 0,                                                              \
      "Đang tạm dừng: ehrctl partner resume khi xong việc",                   \
      "Paused: ehrctl partner resume when the reason is gone")                \
    X(HELD, 0,                                                                \
      "Xem ehrctl document list --state held, rồi uncertain: cần người "      \
      "quyết định",                                                           \
      "See ehrctl document list --state held, and uncertain: a person "       \
      "decides")                                                              \
    X(LATE, 0,                                                                \
      "Có hồ sơ quá hạn: xem ehrctl queue và nơi nhận",                       \
      "Documents are past their deadline: see ehrctl queue and the partner")  \
    X(GONE, 1,                                                                \
      "Còn hồ sơ chưa gửi cho nơi nhận không còn trong cấu hình: đặt lại "    \
      "ehr_partner",                                                          \
      "Documents are open for a partner that is not configured: put its "     \
      "ehr_partner back")                                                     \
    X(ROOM, 0,                                                                \
      "Chỗ trống không đủ một ngày nếu nơi nhận ngừng: đặt ehr_retention "    \
      "hoặc dùng đĩa lớn hơn",                                                \
      "Room for less than a day of this partner's outage: set "               \
      "ehr_retention or take a larger disk")                                  \
    X(ENDLESS, 1,                                                             \
      "Plugin không trả về: nếu giây vẫn tăng thì kill -9 tiến trình này, "   \
      "rồi báo cho tác giả của plugin",                                       \
      "A plugin does not come back: while the seconds grow, kill -9 this "    \
      "process, and tell the plugin's author")                                \
    X(SWEPT, 0,                                                               \
      "Kho đã được tự sửa: xem error.log để biết vì sao",                     \
      "Rows of the journal were mended: error.log says which")                \
    X(REDIS, 0,                                                               \
      "Không tới được Redis: giới hạn chỉ tính trong từng máy; xem Redis",    \
      "Redis is not reached: limits hold within each node; look at Redis")


typedef enum {
    NGX_HTTP_EHR_ILL_NONE = 0,
#define X(id, fail, vi, en)  NGX_HTTP_EHR_ILL_##id,
    NGX_HTTP_EHR_ILLS(X)
#undef X
} ngx_http_ehr_ill_e;


static const struct {
    ngx_uint_t   is_failure;          /* flag */
    const char  *advice[2];           /* by ehr_lang_e */
} ngx_http_ehr_ills[] = {
    { 0, { "", "" } },
#define X(id, fail, vi, en)  { fail, { vi, en } },
    NGX_HTTP_EHR_ILLS(X)
#undef X
};


/* One visit; in the request's arena. */

typedef struct {
    ngx_http_ehr_admin_t  *admin;
    ehr_json_t             json;
    ngx_uint_t             nfailed;
    ngx_uint_t             nwarned;
    char                   text[NGX_HTTP_EHR_DOCTOR_TEXT];

    /* as the event loop sees it */
    ngx_http_ehr_crl_t     crl;
    ngx_uint_t             is_store_well;    /* flag */
    ngx_uint_t             is_redis_away;    /* flag */

    /* as the thread sees it */
    ngx_http_ehr_room_t    room;
    ehr_store_depth_t     *depths;
    uint32_t               ndepths;
    ehr_rc_t               rc;
} ngx_http_ehr_doctor_t;


static ngx_http_ehr_result_e ngx_http_ehr_doctor_prepare(
    ngx_http_ehr_admin_t *admin);
static void ngx_http_ehr_doctor_run(ehr_store_t *store, void *data);


const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_reports[] = {

    { NGX_HTTP_GET, { "reports", "doctor", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_doctor_prepare,
      ngx_http_ehr_doctor_run },

    { 0, { NULL }, 0, 0, NULL, NULL }
};


/* --- on the event loop --------------------------------------------------- */


static ngx_http_ehr_result_e
ngx_http_ehr_doctor_prepare(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_ctx_t     *ctx = admin->ctx;
    ngx_http_ehr_doctor_t  *doc;

    doc = ehr_arena_calloc(ctx->arena, sizeof(ngx_http_ehr_doctor_t));
    if (doc == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    doc->admin = admin;
    admin->data = doc;

    doc->is_store_well = ngx_http_ehr_journal_is_healthy(ctx->worker)
                         && !ngx_http_ehr_journal_is_corrupt(ctx->worker);
    doc->is_redis_away = ctx->mcf->redis.is_set
                         && ngx_http_ehr_redis_is_away(ctx->worker);

    ngx_http_ehr_health_crl(ctx->request, &doc->crl);

    return NGX_HTTP_EHR_NEXT;
}


/* --- in a thread of the journal ------------------------------------------ */


/* With the text as its detail: name=value, for people and scripts of any
 * language. */

static void
ngx_http_ehr_doctor_say(ngx_http_ehr_doctor_t *doc, const char *check,
    const char *partner, ngx_http_ehr_ill_e ill)
{
    char  name[64];

    (void) snprintf(name, sizeof(name), "%s%s%s", check,
                    partner ? "." : "", partner ? partner : "");

    if (ill != NGX_HTTP_EHR_ILL_NONE) {
        if (ngx_http_ehr_ills[ill].is_failure) {
            doc->nfailed++;

        } else {
            doc->nwarned++;
        }
    }

    ehr_json_open(&doc->json, NULL, '{');
    ehr_json_text(&doc->json, "name", name);
    ehr_json_text(&doc->json, "state",
                  ill == NGX_HTTP_EHR_ILL_NONE ? "ok"
                  : ngx_http_ehr_ills[ill].is_failure ? "fail" : "warn");
    ehr_json_text(&doc->json, "detail", doc->text);
    ehr_json_text(&doc->json, "advice",
                  ngx_http_ehr_ills[ill].advice[doc->admin->ctx->lang]);
    ehr_json_close(&doc->json, '}');

    doc->text[0] = '\0';
}


static void
ngx_http_ehr_doctor_room(ngx_http_ehr_doctor_t *doc)
{
    ngx_http_ehr_ill_e  ill;

    ill = !doc->room.is_known ? NGX_HTTP_EHR_ILL_DISK_UNKNOWN
          : doc->room.is_full ? NGX_HTTP_EHR_ILL_DISK_FULL
                              : NGX_HTTP_EHR_ILL_NONE;

    (void) snprintf(doc->text, sizeof(doc->text),
                    "free_bytes=%" PRIu64 " used_bytes=%" PRIu64
                    " left_bytes=%" PRIu64, doc->room.free_bytes,
                    doc->room.used_bytes, doc->room.left_bytes);

    ngx_http_ehr_doctor_say(doc, "disk", NULL, ill);
}


static void
ngx_http_ehr_doctor_keys(ngx_http_ehr_doctor_t *doc)
{
    uint64_t                   missing;
    ngx_http_ehr_ill_e         ill;
    ngx_http_ehr_main_conf_t  *mcf = doc->admin->ctx->mcf;

    missing = ngx_http_ehr_health_missing(doc->admin->ctx->worker);

    ill = missing != 0 ? NGX_HTTP_EHR_ILL_KEY_MISSING
          : mcf->store_keys.n == 0 ? NGX_HTTP_EHR_ILL_KEY_NONE
                                   : NGX_HTTP_EHR_ILL_NONE;

    (void) snprintf(doc->text, sizeof(doc->text),
                    "keys=%" PRIu64 " documents_without_key=%" PRIu64,
                    (uint64_t) mcf->store_keys.n, missing);

    ngx_http_ehr_doctor_say(doc, "store_keys", NULL, ill);

    ngx_http_ehr_doctor_say(doc, "keys", NULL,
                            ngx_http_ehr_health_keys(mcf)
                            ? NGX_HTTP_EHR_ILL_NONE : NGX_HTTP_EHR_ILL_KEYS);
}


static void
ngx_http_ehr_doctor_crl(ngx_http_ehr_doctor_t *doc)
{
    ngx_http_ehr_ill_e   ill;
    ngx_http_ehr_crl_t  *crl = &doc->crl;

    if (!doc->admin->ctx->mcf->has_gateway) {
        return;
    }

    ill = crl->n == 0 ? NGX_HTTP_EHR_ILL_CRL_NONE
          : crl->left_sec <= 0 ? NGX_HTTP_EHR_ILL_CRL_OLD
          : crl->left_sec < NGX_HTTP_EHR_CRL_SOON ? NGX_HTTP_EHR_ILL_CRL_SOON
                                                  : NGX_HTTP_EHR_ILL_NONE;

    if (crl->n != 0) {
        (void) snprintf(doc->text, sizeof(doc->text),
                        "hours_left=%" PRId64, crl->left_sec / 3600);
    }

    ngx_http_ehr_doctor_say(doc, "crl", NULL, ill);
}


static void
ngx_http_ehr_doctor_lane(ngx_http_ehr_doctor_t *doc, ngx_uint_t index,
    ngx_uint_t is_paused)
{
    ngx_http_ehr_ill_e         ill;
    ngx_http_ehr_partner_t    *part = doc->admin->ctx->mcf->partners.elts;
    ngx_http_ehr_lane_look_t   look;

    ill = is_paused ? NGX_HTTP_EHR_ILL_PAUSED : NGX_HTTP_EHR_ILL_NONE;

    if (ngx_http_ehr_lane_look(doc->admin->ctx->worker, index, &look)
        == NGX_OK)
    {
        if (!look.is_well && !is_paused) {
            ill = NGX_HTTP_EHR_ILL_LANE;
        }

        (void) snprintf(doc->text, sizeof(doc->text),
                        "lane=%s wait_ms=%" PRId64 " failures=%" PRIu32,
                        look.name, look.wait_ms, look.trips);
    }

    ngx_http_ehr_doctor_say(doc, "lane", (char *) part[index].name.data, ill);
}


/* All that is open for a partner. */

static ngx_http_ehr_ill_e
ngx_http_ehr_doctor_count(ngx_http_ehr_doctor_t *doc, const char *partner)
{
    int64_t             n, held, late, oldest_ms, now_ms;
    uint32_t            i;
    ehr_store_depth_t  *depth;

    n = held = late = 0;
    now_ms = oldest_ms = ngx_http_ehr_now_ms();

    for (i = 0; i < doc->ndepths; i++) {
        depth = &doc->depths[i];

        if (ngx_strcmp(depth->partner, partner) != 0) {
            continue;
        }

        n += depth->count;
        late += depth->late;
        oldest_ms = ngx_min(oldest_ms, depth->oldest_ms);

        if (depth->state == EHR_STATE_HELD
            || depth->state == EHR_STATE_UNCERTAIN)
        {
            held += depth->count;
        }
    }

    (void) snprintf(doc->text, sizeof(doc->text),
                    "open=%" PRId64 " held=%" PRId64 " late=%" PRId64
                    " oldest_seconds=%" PRId64, n, held, late,
                    (now_ms - oldest_ms) / 1000);

    return held ? NGX_HTTP_EHR_ILL_HELD
           : late ? NGX_HTTP_EHR_ILL_LATE : NGX_HTTP_EHR_ILL_NONE;
}


static void
ngx_http_ehr_doctor_forecast(ngx_http_ehr_doctor_t *doc, ngx_uint_t index)
{
    int64_t                  seconds;
    ngx_http_ehr_ill_e       ill = NGX_HTTP_EHR_ILL_NONE;
    ngx_http_ehr_partner_t  *part = doc->admin->ctx->mcf->partners.elts;

    seconds = -1;

    if (index < NGX_HTTP_EHR_RATES && doc->room.is_known) {
        seconds = ngx_http_ehr_room_seconds(doc->admin->ctx->worker, index,
                                            &doc->room);
    }

    if (seconds >= 0) {
        (void) snprintf(doc->text, sizeof(doc->text), "hours=%" PRId64,
                        seconds / 3600);

        if (seconds < NGX_HTTP_EHR_ROOM_SHORT) {
            ill = NGX_HTTP_EHR_ILL_ROOM;
        }
    }

    ngx_http_ehr_doctor_say(doc, "room", (char *) part[index].name.data, ill);
}


static void
ngx_http_ehr_doctor_partners(ngx_http_ehr_doctor_t *doc, ehr_store_t *store)
{
    ehr_rc_t                 rc;
    ngx_uint_t               i;
    const char              *name;
    ehr_partner_t            said;
    ngx_http_ehr_ctx_t      *ctx = doc->admin->ctx;
    ngx_http_ehr_partner_t  *part = ctx->mcf->partners.elts;

    for (i = 0; i < ctx->mcf->partners.nelts; i++) {
        name = (char *) part[i].name.data;

        rc = ehr_partner_load(store, ngx_http_ehr_str(&part[i].name),
                              ctx->arena, &said);
        if (rc != EHR_OK) {
            doc->rc = rc;
        }

        ngx_http_ehr_doctor_lane(doc, i, rc == EHR_OK && said.is_paused);

        if (doc->rc == EHR_OK) {
            ngx_http_ehr_doctor_say(doc, "queue", name,
                                    ngx_http_ehr_doctor_count(doc, name));
        }

        ngx_http_ehr_doctor_forecast(doc, i);
    }
}


static ngx_uint_t
ngx_http_ehr_doctor_knows(ngx_http_ehr_doctor_t *doc, const char *partner)
{
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *part = doc->admin->ctx->mcf->partners.elts;

    for (i = 0; i < doc->admin->ctx->mcf->partners.nelts; i++) {
        if (ngx_strcmp(part[i].name.data, partner) == 0) {
            return 1;
        }
    }

    return 0;
}


/* A partner has a row for each state. */

static ngx_uint_t
ngx_http_ehr_doctor_is_first(ngx_http_ehr_doctor_t *doc, uint32_t row)
{
    uint32_t  i;

    for (i = 0; i < row; i++) {
        if (ngx_strcmp(doc->depths[i].partner, doc->depths[row].partner)
            == 0)
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_ehr_doctor_gone(ngx_http_ehr_doctor_t *doc)
{
    uint32_t     i;
    const char  *name;

    for (i = 0; i < doc->ndepths; i++) {
        name = doc->depths[i].partner;

        if (!ngx_http_ehr_doctor_is_first(doc, i)
            || ngx_http_ehr_doctor_knows(doc, name))
        {
            continue;
        }

        (void) ngx_http_ehr_doctor_count(doc, name);
        ngx_http_ehr_doctor_say(doc, "queue", name, NGX_HTTP_EHR_ILL_GONE);
    }
}


/* Which is told from the delivery; a check has a document of no number yet. */

static void
ngx_http_ehr_doctor_plugins(ngx_http_ehr_doctor_t *doc)
{
    int64_t                      ms;
    ngx_http_ehr_ctx_t          *ctx = doc->admin->ctx;
    ngx_http_ehr_partner_t      *part = ctx->mcf->partners.elts;
    const ngx_http_ehr_guard_t  *guard;

    guard = ngx_http_ehr_guard_longest(ctx->worker, &ms);

    if (guard == NULL || ms < NGX_HTTP_EHR_CALL_LONG) {
        (void) snprintf(doc->text, sizeof(doc->text), "endless=0");
        ngx_http_ehr_doctor_say(doc, "plugins", NULL, NGX_HTTP_EHR_ILL_NONE);
        return;
    }

    (void) snprintf(doc->text, sizeof(doc->text),
                    "in=%s seconds=%" PRId64 " pid=%lu document=%.36s",
                    guard->call == NGX_HTTP_EHR_CALL_CHECK
                    || guard->which == 0
                    || guard->which > ctx->mcf->partners.nelts
                    ? "check" : (char *) part[guard->which - 1].name.data,
                    ms / 1000, (unsigned long) guard->pid,
                    guard->call == NGX_HTTP_EHR_CALL_CHECK
                    ? "" : guard->document);

    ngx_http_ehr_doctor_say(doc, "plugins", NULL, NGX_HTTP_EHR_ILL_ENDLESS);
}


static void
ngx_http_ehr_doctor_rest(ngx_http_ehr_doctor_t *doc)
{
    uint64_t             n;
    ngx_uint_t           i;
    ngx_http_ehr_ctx_t  *ctx = doc->admin->ctx;

    for (i = 0, n = 0; i < EHR_SWEEP_LAST; i++) {
        n += ctx->worker->shared->counters[NGX_HTTP_EHR_COUNT_SWEPT_DUE + i];
    }

    (void) snprintf(doc->text, sizeof(doc->text), "mended=%" PRIu64, n);
    ngx_http_ehr_doctor_say(doc, "sweeper", NULL,
                            n ? NGX_HTTP_EHR_ILL_SWEPT
                              : NGX_HTTP_EHR_ILL_NONE);

    (void) snprintf(doc->text, sizeof(doc->text), "redis=%s",
                    !ctx->mcf->redis.is_set ? "off"
                    : doc->is_redis_away ? "away" : "here");
    ngx_http_ehr_doctor_say(doc, "redis", NULL,
                            doc->is_redis_away ? NGX_HTTP_EHR_ILL_REDIS
                                               : NGX_HTTP_EHR_ILL_NONE);
}


static void
ngx_http_ehr_doctor_checks(ngx_http_ehr_doctor_t *doc, ehr_store_t *store)
{
    ehr_json_open(&doc->json, "checks", '[');

    ngx_http_ehr_doctor_room(doc);
    ngx_http_ehr_doctor_keys(doc);
    ngx_http_ehr_doctor_crl(doc);
    ngx_http_ehr_doctor_partners(doc, store);
    ngx_http_ehr_doctor_gone(doc);
    ngx_http_ehr_doctor_plugins(doc);
    ngx_http_ehr_doctor_rest(doc);

    /* Last, for all of the above have read it. */

    ngx_http_ehr_doctor_say(doc, "store", NULL,
                            doc->rc == EHR_OK && doc->is_store_well
                            ? NGX_HTTP_EHR_ILL_NONE
                            : NGX_HTTP_EHR_ILL_STORE);

    ehr_json_close(&doc->json, ']');
}


/* A store that cannot be read is a finding, not a failure to answer. */

static void
ngx_http_ehr_doctor_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t   *admin = data;
    ngx_http_ehr_doctor_t  *doc = admin->data;

    doc->rc = ehr_store_depths(store, ngx_http_ehr_now_ms(),
                               admin->ctx->arena, &doc->depths,
                               &doc->ndepths);
    if (doc->rc != EHR_OK) {
        doc->ndepths = 0;
    }

    ngx_http_ehr_room_look(admin->ctx->mcf, store, &doc->room);

    ehr_json_begin(&doc->json, admin->ctx->arena);
    ehr_json_open(&doc->json, NULL, '{');
    ngx_http_ehr_doctor_checks(doc, store);
    ehr_json_text(&doc->json, "state", doc->nfailed ? "fail"
                                       : doc->nwarned ? "warn" : "ok");
    ehr_json_close(&doc->json, '}');

    admin->body = ehr_json_end(&doc->json);
    admin->result = EHR_REGISTRY_OK;
}
