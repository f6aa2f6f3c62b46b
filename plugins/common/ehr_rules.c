/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Runs rules and words their findings.  Decides which rules run; which place
 * is wrong is said by the rule, how severe it is by the administrator.
 */

#include "ehr_rules.h"


#define RULES_NAME_MAX  64    /* of a setting: "rule." and an id */


/* "off" in the configuration, or off and not asked for. */

static int
rule_is_off(const ehr_check_t *check, const ehr_rule_t *rule)
{
    static const char  prefix[] = "rule.";

    char         name[RULES_NAME_MAX];
    size_t       len = strlen(rule->id);
    const char  *value;

    if (len >= sizeof(name) - sizeof(prefix)) {
        return 0;
    }

    memcpy(name, prefix, sizeof(prefix) - 1);
    memcpy(name + sizeof(prefix) - 1, rule->id, len + 1);

    value = check->host->setting(check->call, name);

    if (value == NULL) {
        return (rule->classes & EHR_CLASS_OFF) != 0;
    }

    return strcmp(value, "off") == 0;
}


/* An older host has no word on it. */

static int
rules_are_late(const ehr_check_t *check)
{
    const ehr_host_t  *host = check->host;

    return host->size >= offsetof(ehr_host_t, is_late) + sizeof(host->is_late)
           && host->is_late && host->is_late(check->call);
}


int
ehr_rules_run(ehr_check_t *check, const ehr_rule_t *const *tables)
{
    for (/* void */; *tables; tables++) {
        for (const ehr_rule_t *rule = *tables; rule->id; rule++) {
            if (rule_is_off(check, rule)) {
                continue;
            }

            if (rules_are_late(check)) {
                return 0;
            }

            check->rule = rule;
            rule->run(check);
        }
    }

    return check->is_broken ? -1 : 0;
}


static uint32_t
rule_severity(const ehr_rule_t *rule)
{
    if (rule->classes & (EHR_CLASS_W | EHR_CLASS_UNSURE)) {
        return EHR_SEVERITY_WARNING;
    }

    return EHR_SEVERITY_ERROR;
}


static ehr_str_t
rule_text(const char *text)
{
    ehr_str_t  s = { text, strlen(text) };

    return s;
}


void
ehr_fail(ehr_check_t *check, const ehr_section_t *section,
         const ehr_row_t *row, uint32_t field)
{
    ehr_finding_t  f;

    memset(&f, 0, sizeof(f));
    f.size = sizeof(f);
    f.severity = rule_severity(check->rule);
    f.section = section->name;
    f.rule = rule_text(check->rule->id);
    f.message_vi = rule_text(check->rule->message_vi);
    f.message_en = rule_text(check->rule->message_en);

    if (row) {
        f.row = row->number;
        f.line = row->line;
    }

    if (field < section->nfields) {
        f.field = section->fields[field];
    }

    if (check->host->finding(check->call, &f) != 0) {
        check->is_broken = 1;
    }
}


/* --- texts --------------------------------------------------------------- */


int
ehr_text_in(ehr_str_t text, const char *words)
{
    ehr_str_t  rest = rule_text(words);

    return text.len > 0 && ehr_list_has(rest, ' ', text);
}


int
ehr_text_is_digits(ehr_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
    }

    return text.len > 0;
}


int
ehr_list_next(ehr_list_t *list, ehr_str_t *part)
{
    const char  *end;

    *part = list->rest;

    if (list->is_done) {
        return 0;
    }

    end = part->len ? memchr(part->data, list->separator, part->len) : NULL;

    if (end == NULL) {
        list->is_done = 1;

        return 1;
    }

    part->len = (size_t) (end - part->data);
    list->rest.data = end + 1;
    list->rest.len -= part->len + 1;

    return 1;
}


size_t
ehr_list_count(ehr_str_t value, char separator)
{
    size_t  n = value.len > 0;

    for (size_t i = 0; i < value.len; i++) {
        n += (value.data[i] == separator);
    }

    return n;
}


int
ehr_list_has(ehr_str_t value, char separator, ehr_str_t part)
{
    ehr_list_t  list = ehr_list(value, separator);
    ehr_str_t   one;

    while (ehr_list_next(&list, &one)) {
        if (ehr_text_eq(one, part)) {
            return 1;
        }
    }

    return 0;
}


/* --- codes --------------------------------------------------------------- */


static int
code_order(ehr_str_t text, const char *code)
{
    size_t  len = strlen(code), shorter = text.len < len ? text.len : len;
    int     order = shorter ? memcmp(text.data, code, shorter) : 0;

    if (order == 0 && text.len != len) {
        order = text.len < len ? -1 : 1;
    }

    return order;
}


/* The first row that is not before text. */

static uint32_t
code_first(const ehr_codes_t *codes, ehr_str_t text)
{
    uint32_t  low = 0, high = codes->n;

    while (low < high) {
        uint32_t  middle = low + (high - low) / 2;

        if (code_order(text, codes->codes[middle].code) > 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


const ehr_code_t *
ehr_code_find(const ehr_codes_t *codes, ehr_str_t code, uint32_t day)
{
    for (uint32_t i = code_first(codes, code); i < codes->n; i++) {
        const ehr_code_t  *row = &codes->codes[i];

        if (code_order(code, row->code) != 0) {
            break;
        }

        if (day == 0 || ((row->from == 0 || day >= row->from)
                         && (row->until == 0 || day <= row->until)))
        {
            return row;
        }
    }

    return NULL;
}
