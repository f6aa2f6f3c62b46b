/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides which members a decision has, their types and bounds, and what may
 * never be asked for by a selection.  Whether it is possible for a delivery
 * as it is now, the store says.
 */

#include <jansson.h>

#include "ehr_decision.h"
#include "ehr_document.h"
#include "ehr_facility.h"
#include "ehr_id.h"


static const ehr_decision_fault_t  fault_json = {
    "Nội dung không phải là một đối tượng JSON hợp lệ",
    "The body is not a valid JSON object"
};

static const ehr_decision_fault_t  fault_member = {
    "Có trường không được định nghĩa hoặc sai kiểu, sai giá trị",
    "A member is not defined, or its type or value is wrong"
};

static const ehr_decision_fault_t  fault_reason = {
    "Phải có reason: 1 đến 500 byte, không có ký tự điều khiển",
    "reason is required: 1 to 500 bytes, no control characters"
};

static const ehr_decision_fault_t  fault_which = {
    "Phải có đúng một trong hai: id hoặc filter",
    "Exactly one of id and filter is required"
};

static const ehr_decision_fault_t  fault_one = {
    "force, as, partner và partner_ref chỉ dùng cho từng hồ sơ (id)",
    "force, as, partner and partner_ref are for one document (id) only"
};

static const ehr_decision_fault_t  fault_filter = {
    "filter sai hoặc quá rộng: cần ít nhất một điều kiện, gửi lại (replay)"
    " cần cả partner và state",
    "filter is wrong or too wide: it needs one condition at least, replay"
    " needs both partner and state"
};

static const ehr_decision_fault_t  fault_as = {
    "as là accepted hoặc refused, chỉ dùng cho release; partner_ref chỉ đi"
    " cùng accepted",
    "as is accepted or refused, of release only; partner_ref goes with"
    " accepted only"
};

static const ehr_decision_fault_t  fault_rate = {
    "rate phải từ 1 đến 1000 và chỉ đi cùng filter",
    "rate must be from 1 to 1000 and goes with filter only"
};


static ehr_rc_t
refused(ehr_decision_fault_t *fault, const ehr_decision_fault_t *why)
{
    *fault = *why;

    return EHR_REFUSED;
}


static int
text_valid(ehr_str_t text, size_t max)
{
    size_t  i;

    if (text.len == 0 || text.len > max) {
        return 0;
    }

    for (i = 0; i < text.len; i++) {
        if ((unsigned char) text.data[i] < ' ' || text.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* Letters, digits, "_", "-" and ".": names of partners and reasons. */

static int
name_valid(ehr_str_t name, size_t max)
{
    size_t  i;
    char    c;

    for (i = 0; i < name.len; i++) {
        c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
        {
            return 0;
        }
    }

    return name.len > 0 && name.len <= max;
}


ehr_rc_t
ehr_selection_set(ehr_selection_t *sel, const char *name, ehr_str_t value,
                  ehr_decision_fault_t *fault)
{
    int  is_good = 0;

    if (strcmp(name, "facility") == 0) {
        sel->facility = value;
        is_good = ehr_facility_code_valid(value);

    } else if (strcmp(name, "partner") == 0) {
        sel->partner = value;
        is_good = name_valid(value, 31);

    } else if (strcmp(name, "kind") == 0) {
        sel->kind = value;
        is_good = ehr_kind_of_name(value) != EHR_KIND_UNKNOWN;

    } else if (strcmp(name, "state") == 0) {
        sel->state = ehr_state_of_name(value);
        is_good = sel->state != 0;

    } else if (strcmp(name, "reason") == 0) {
        sel->reason = value;
        is_good = name_valid(value, 64);

    } else if (strcmp(name, "since") == 0) {
        is_good = ehr_time_parse(value, &sel->since_ms) == EHR_OK;

    } else if (strcmp(name, "until") == 0) {
        is_good = ehr_time_parse(value, &sel->until_ms) == EHR_OK;
    }

    return is_good ? EHR_OK : refused(fault, &fault_filter);
}


static ehr_str_t
text_of(json_t *value, ehr_arena_t *arena)
{
    return json_is_string(value)
           ? ehr_arena_dup(arena, json_string_value(value),
                           json_string_length(value))
           : (ehr_str_t) ehr_null_string;
}


static ehr_rc_t
read_filter(json_t *filter, ehr_arena_t *arena, ehr_decision_t *decision,
            ehr_decision_fault_t *fault)
{
    json_t      *value;
    ehr_rc_t     rc = EHR_OK;
    const char  *name;

    if (!json_is_object(filter) || json_object_size(filter) == 0) {
        return refused(fault, &fault_filter);
    }

    json_object_foreach(filter, name, value) {
        if (rc == EHR_OK) {
            rc = ehr_selection_set(&decision->sel, name,
                                   text_of(value, arena), fault);
        }
    }

    if (rc == EHR_OK && decision->action == EHR_ACTION_REPLAY
        && (decision->sel.partner.len == 0 || decision->sel.state == 0))
    {
        return refused(fault, &fault_filter);
    }

    return rc;
}


/* "as": the person's word in place of the partner's. */

static ehr_rc_t
read_as(ehr_str_t as, ehr_decision_t *decision, ehr_decision_fault_t *fault)
{
    if (as.len != 0 && decision->action != EHR_ACTION_RELEASE) {
        return refused(fault, &fault_as);
    }

    if (ehr_str_is(as, "accepted")) {
        decision->action = EHR_ACTION_ACCEPT;

    } else if (ehr_str_is(as, "refused")) {
        decision->action = EHR_ACTION_REFUSE;

    } else if (as.len != 0) {
        return refused(fault, &fault_as);
    }

    return decision->partner_ref.len == 0
           || decision->action == EHR_ACTION_ACCEPT
           ? EHR_OK : refused(fault, &fault_as);
}


typedef struct {
    ehr_arena_t     *arena;
    ehr_decision_t  *decision;
    json_t          *filter;
    ehr_str_t        as;
    int              n_of_one;        /* members that only one may have */
    int              has_rate;
} body_t;


/* 1: a member that there is, of its type. */

static int
read_member(body_t *body, const char *name, json_t *value)
{
    ehr_decision_t  *decision = body->decision;

    if (strcmp(name, "filter") == 0) {
        body->filter = value;
        return 1;
    }

    if (strcmp(name, "rate") == 0) {
        decision->rate = (int64_t) json_integer_value(value);
        body->has_rate = 1;
        return json_is_integer(value);
    }

    if (strcmp(name, "reason") == 0) {
        decision->note = text_of(value, body->arena);
        return json_is_string(value);
    }

    if (strcmp(name, "id") == 0) {
        decision->id = text_of(value, body->arena);
        return ehr_uuid_valid(decision->id);
    }

    body->n_of_one++;

    if (strcmp(name, "force") == 0) {
        decision->is_forced = json_is_true(value);
        return json_is_boolean(value);
    }

    if (strcmp(name, "partner") == 0) {
        decision->partner = text_of(value, body->arena);
        return name_valid(decision->partner, 31);
    }

    if (strcmp(name, "partner_ref") == 0) {
        decision->partner_ref = text_of(value, body->arena);
        return text_valid(decision->partner_ref, EHR_DECISION_REF_MAX);
    }

    if (strcmp(name, "as") == 0) {
        body->as = text_of(value, body->arena);
        return body->as.len > 0;
    }

    return 0;
}


static ehr_rc_t
check(body_t *body, ehr_decision_fault_t *fault)
{
    ehr_decision_t  *decision = body->decision;

    if (!text_valid(decision->note, EHR_DECISION_NOTE_MAX)) {
        return refused(fault, &fault_reason);
    }

    if ((decision->id.len != 0) == (body->filter != NULL)) {
        return refused(fault, &fault_which);
    }

    if (decision->id.len != 0) {
        return body->has_rate ? refused(fault, &fault_rate)
                              : read_as(body->as, decision, fault);
    }

    if (body->n_of_one > 0) {
        return refused(fault, &fault_one);
    }

    if (decision->rate < 1 || decision->rate > EHR_JOB_RATE_MAX) {
        return refused(fault, &fault_rate);
    }

    return read_filter(body->filter, body->arena, decision, fault);
}


ehr_rc_t
ehr_decision_read(ehr_str_t json, ehr_arena_t *arena,
                  ehr_decision_t *decision, ehr_decision_fault_t *fault)
{
    json_t      *root, *value;
    body_t       body = { arena, decision, NULL, ehr_null_string, 0, 0 };
    ehr_rc_t     rc = EHR_OK;
    const char  *name;

    decision->rate = EHR_DECISION_RATE;

    root = json_loadb(json.len ? json.data : "", json.len,
                      JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(root)) {
        json_decref(root);
        return refused(fault, &fault_json);
    }

    json_object_foreach(root, name, value) {
        if (rc == EHR_OK && !read_member(&body, name, value)) {
            rc = refused(fault, &fault_member);
        }
    }

    if (rc == EHR_OK) {
        rc = check(&body, fault);
    }

    json_decref(root);

    return rc;
}


/* --- a job --- */

static void
write_time(ehr_json_t *json, const char *name, int64_t ms)
{
    char  text[EHR_TIME_LEN + 1];

    if (ms != 0) {
        ehr_time_render(ms, text);
        ehr_json_text(json, name, text);
    }
}


static void
write_string(ehr_json_t *json, const char *name, ehr_str_t value)
{
    if (value.len != 0) {
        ehr_json_string(json, name, value);
    }
}


void
ehr_job_write(ehr_json_t *json, const char *name, const ehr_job_t *job)
{
    const ehr_selection_t  *sel = &job->sel;

    ehr_json_open(json, name, '{');
    ehr_json_int(json, "id", job->id);
    ehr_json_text(json, "action", ehr_action_name(job->action));
    ehr_json_text(json, "state", ehr_job_state_name(job->state));

    ehr_json_open(json, "filter", '{');
    write_string(json, "facility", sel->facility);
    write_string(json, "partner", sel->partner);
    write_string(json, "kind", sel->kind);
    write_string(json, "reason", sel->reason);

    if (sel->state != 0) {
        ehr_json_text(json, "state", ehr_state_name(sel->state));
    }

    write_time(json, "since", sel->since_ms);
    write_time(json, "until", sel->until_ms);
    ehr_json_close(json, '}');

    ehr_json_int(json, "rate", job->rate);
    ehr_json_string(json, "reason", job->note);
    ehr_json_string(json, "actor", job->actor);
    ehr_json_int(json, "looked_at", job->after);
    ehr_json_int(json, "up_to", job->upto);
    ehr_json_int(json, "changed", job->changed);
    ehr_json_int(json, "skipped", job->skipped);
    ehr_json_int(json, "version", job->version);
    write_time(json, "created_at", job->created_ms);
    write_time(json, "changed_at", job->changed_ms);
    ehr_json_close(json, '}');
}
