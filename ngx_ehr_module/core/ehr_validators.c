/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether a validator plugin can be trusted to run at all, and what
 * becomes of its findings: the administrator's severity, the place in full.
 * What the rules are it reads from the plugin's tables and does not know.
 */

#include <stdio.h>
#include <stdlib.h>

#include "ehr_fields.h"
#include "ehr_plugin_file.h"
#include "ehr_report.h"
#include "ehr_validators.h"


#define VALIDATOR_CHECK_CAP   (256 * 1024)   /* memory of the plugin's check */
#define VALIDATOR_RULES_MAX   1024           /* in all tables of a plugin */
#define VALIDATOR_KINDS_MAX   64
#define VALIDATOR_RULE_NAME   "rule."


struct ehr_validator_s {
    ehr_plugin_file_t      file;
    const ehr_plugin_t    *plugin;
    ehr_setting_t         *settings;   /* ascending by name: each rule asks
                                          for its own, in each document */
    size_t                 nsettings;
};


struct ehr_call_s {
    const ehr_validator_t   *validator;
    ehr_arena_t             *arena;
    int64_t                  now_ms;
    ehr_document_t          *doc;      /* NULL: during check() */
    const ehr_validation_t  *in;       /* with it */
    size_t                   ntold;    /* findings there before */
    int                      is_broken;
    int                      is_late;
};


static void *validator_alloc(ehr_call_t *call, size_t size);
static int64_t validator_now_ms(ehr_call_t *call);
static const char *validator_setting(ehr_call_t *call, const char *name);
static int validator_finding(ehr_call_t *call, const ehr_finding_t *finding);
static int validator_is_late(ehr_call_t *call);


static const ehr_host_t  validator_host = {
    sizeof(ehr_host_t), EHR_ABI_MAJOR, EHR_ABI_MINOR, 0,
    validator_alloc,
    validator_now_ms,
    validator_setting,
    validator_finding,
    validator_is_late
};


/* --- what a plugin may ask ----------------------------------------------- */


static void *
validator_alloc(ehr_call_t *call, size_t size)
{
    return ehr_arena_alloc(call->arena, size);
}


static int64_t
validator_now_ms(ehr_call_t *call)
{
    return call->now_ms;
}


static int
setting_order(const void *a, const void *b)
{
    const ehr_setting_t  *x = a, *y = b;

    return strcmp(x->name, y->name);
}


static const char *
validator_setting(ehr_call_t *call, const char *name)
{
    const ehr_validator_t  *v = call->validator;
    ehr_setting_t           wanted = { name, NULL }, *found;

    if (v->nsettings == 0) {
        return NULL;
    }

    found = bsearch(&wanted, v->settings, v->nsettings, sizeof(wanted),
                    setting_order);

    return found ? found->value : NULL;
}


/* Remembered: a validator that was stopped once has not seen everything. */

static int
validator_is_late(ehr_call_t *call)
{
    const ehr_validation_t  *in = call->in;

    if (in && in->deadline_ns != 0 && in->cpu_now_ns() > in->deadline_ns) {
        call->is_late = 1;
    }

    return call->is_late;
}


/* The administrator's word on a rule; NULL when there is none. */

static const char *
validator_word(const ehr_validator_t *v, ehr_str_t rule)
{
    static const size_t  skip = sizeof(VALIDATOR_RULE_NAME) - 1;

    for (size_t i = 0; i < v->nsettings; i++) {
        const char  *name = v->settings[i].name;

        if (strncmp(name, VALIDATOR_RULE_NAME, skip) == 0
            && ehr_str_is(rule, name + skip))
        {
            return v->settings[i].value;
        }
    }

    return NULL;
}


/* Code, path and line, where the plugin left them out. */

static int
validator_place(ehr_call_t *call, ehr_finding_t *f)
{
    const ehr_standard_t  *standard;
    ehr_place_t            place;

    standard = ehr_standard_of_name(call->doc->standard);

    if (standard == NULL) {
        return 1;
    }

    memset(&place, 0, sizeof(place));
    place.table = ehr_standard_section(standard, f->section);

    if (place.table == NULL) {
        return 1;
    }

    if (f->field.len) {
        uint32_t  i = ehr_table_find(place.table, f->field, 0);

        if (i < place.table->nfields) {
            place.field = &place.table->fields[i];
        }
    }

    place.row = f->row;
    place.line = f->line;

    return ehr_report_place(call->arena, &place, f) == EHR_OK;
}


/* A value that is wrong in itself is told once: what rules make of it would
 * only say the same again. */

static int
validator_is_told(const ehr_call_t *call, const ehr_finding_t *f)
{
    size_t                i, n;
    const ehr_finding_t  *told = call->doc->findings.items;

    n = call->ntold < call->doc->findings.n ? call->ntold
                                            : call->doc->findings.n;

    for (i = 0; i < n && f->field.len != 0; i++) {
        if (told[i].severity == EHR_SEVERITY_ERROR && told[i].row == f->row
            && ehr_str_eq(told[i].field, f->field)
            && ehr_str_eq(told[i].section, f->section))
        {
            return 1;
        }
    }

    return 0;
}


static int
validator_finding(ehr_call_t *call, const ehr_finding_t *finding)
{
    ehr_finding_t    f;
    const char      *word;
    ehr_findings_t  *findings;

    if (call->doc == NULL) {
        return -1;
    }

    /* one that cannot be read is a fault of the plugin, which may not look at
     * what this returns: the document must not pass for want of it */
    if (finding->size != sizeof(f)) {
        call->is_broken = 1;

        return -1;
    }

    f = *finding;
    findings = &call->doc->findings;
    word = validator_word(call->validator, f.rule);

    if ((word && strcmp(word, "off") == 0) || validator_is_told(call, &f)) {
        return 0;
    }

    if (word) {
        f.severity = strcmp(word, "error") == 0 ? EHR_SEVERITY_ERROR
                                                : EHR_SEVERITY_WARNING;
    }

    /* what will only be counted needs no words */
    if ((findings->n < EHR_FINDINGS_MAX
         || findings->nerrors < EHR_FINDINGS_MAX)
        && !validator_place(call, &f))
    {
        call->is_broken = 1;

        return -1;
    }

    if (ehr_findings_add(findings, &f) == EHR_BROKEN) {
        call->is_broken = 1;

        return -1;
    }

    return 0;
}


/* --- doubts -------------------------------------------------------------- */


static const char *
validator_doubt_functions(const ehr_plugin_t *plugin)
{
    if (plugin->validate == NULL || plugin->kinds == NULL) {
        return "is not a validator";
    }

    if (plugin->fields_digest != 0
        && plugin->fields_digest != EHR_FIELDS_DIGEST)
    {
        return "was built for other tables of fields";
    }

    return NULL;
}


static const char *
validator_doubt_kinds(const ehr_plugin_t *plugin)
{
    size_t  i;

    for (i = 0; i < VALIDATOR_KINDS_MAX && plugin->kinds[i].kind; i++) {
        if (ehr_kind_of_name(ehr_str(plugin->kinds[i].kind))
            == EHR_KIND_UNKNOWN)
        {
            return "checks an unknown kind of document";
        }
    }

    return i > 0 && i < VALIDATOR_KINDS_MAX ? NULL
                                            : "checks no kind of document";
}


/* The rule of that id among the first of the tables, or NULL. */

static const ehr_plugin_rule_t *
validator_rule(const ehr_plugin_t *plugin, const char *id)
{
    const ehr_plugin_rule_t *const  *table;
    const ehr_plugin_rule_t         *rule;

    for (table = plugin->rules; table && *table; table++) {
        for (rule = *table; rule->id; rule++) {
            if (strcmp(rule->id, id) == 0) {
                return rule;
            }
        }
    }

    return NULL;
}


static const char *
validator_doubt_rules(const ehr_plugin_t *plugin)
{
    const ehr_plugin_rule_t *const  *table;
    const ehr_plugin_rule_t         *rule;
    size_t                           n = 0;

    for (table = plugin->rules; table && *table; table++) {
        for (rule = *table; rule->id; rule++) {
            if (rule->message_vi == NULL || rule->message_en == NULL
                || rule->source == NULL || rule->classes == 0)
            {
                return "has a rule without class, sentences or source";
            }

            if (validator_rule(plugin, rule->id) != rule) {
                return "has two rules of one id";
            }

            if (++n > VALIDATOR_RULES_MAX) {
                return "has too many rules";
            }
        }
    }

    return NULL;
}


static const char *
validator_doubt_settings(const ehr_validator_t *v)
{
    static const size_t  skip = sizeof(VALIDATOR_RULE_NAME) - 1;

    for (size_t i = 0; i < v->nsettings; i++) {
        const ehr_setting_t  *setting = &v->settings[i];

        if (i > 0 && strcmp(setting->name, v->settings[i - 1].name) == 0) {
            return "is given one setting twice";
        }

        if (strncmp(setting->name, VALIDATOR_RULE_NAME, skip) != 0) {
            continue;
        }

        if (validator_rule(v->plugin, setting->name + skip) == NULL) {
            return "has no rule that a setting names";
        }

        if (strcmp(setting->value, "error") != 0
            && strcmp(setting->value, "warning") != 0
            && strcmp(setting->value, "off") != 0)
        {
            return "takes error, warning or off for a rule";
        }
    }

    return NULL;
}


static const char *
validator_doubt(const ehr_validator_t *v)
{
    const char  *doubt = validator_doubt_functions(v->plugin);

    doubt = doubt ? doubt : validator_doubt_kinds(v->plugin);
    doubt = doubt ? doubt : validator_doubt_rules(v->plugin);

    return doubt ? doubt : validator_doubt_settings(v);
}


/* The plugin's own check; its sentence may live in the call's memory. */

static int
validator_check(const ehr_validator_t *v, const ehr_validator_conf_t *conf,
                char *doubt, size_t size)
{
    ehr_call_t   call = { v, NULL, conf->now_ms, NULL, NULL, 0, 0, 0 };
    const char  *wrong;

    if (v->plugin->check == NULL) {
        return 1;
    }

    call.arena = ehr_arena_create(VALIDATOR_CHECK_CAP);
    wrong = call.arena ? v->plugin->check(&validator_host, &call)
                       : "no memory";

    if (wrong) {
        (void) snprintf(doubt, size, "validator \"%s\": %s", v->plugin->name,
                        wrong);
    }

    ehr_arena_destroy(call.arena);

    return wrong == NULL;
}


/* --- life ---------------------------------------------------------------- */


static int
validator_load(ehr_validator_t *v, const ehr_validator_conf_t *conf,
               char *doubt, size_t size)
{
    const char  *wrong;

    if (ehr_plugin_file_open(conf->path, &v->file, doubt, size) != EHR_OK) {
        return 0;
    }

    v->plugin = v->file.plugin;
    wrong = validator_doubt(v);

    if (wrong) {
        (void) snprintf(doubt, size, "plugin \"%s\" %s", conf->path, wrong);

        return 0;
    }

    return validator_check(v, conf, doubt, size);
}


static int
validator_settings(ehr_validator_t *v, const ehr_validator_conf_t *conf)
{
    if (conf->nsettings == 0) {
        return 1;
    }

    v->settings = calloc(conf->nsettings, sizeof(ehr_setting_t));
    if (v->settings == NULL) {
        return 0;
    }

    v->nsettings = conf->nsettings;
    memcpy(v->settings, conf->settings,
           conf->nsettings * sizeof(ehr_setting_t));
    qsort(v->settings, v->nsettings, sizeof(ehr_setting_t), setting_order);

    return 1;
}


ehr_validator_t *
ehr_validator_open(const ehr_validator_conf_t *conf, char *doubt, size_t size)
{
    ehr_validator_t  *v = calloc(1, sizeof(ehr_validator_t));

    if (v == NULL || !validator_settings(v, conf)) {
        (void) snprintf(doubt, size, "no memory");
        free(v);

        return NULL;
    }

    if (!validator_load(v, conf, doubt, size)) {
        ehr_validator_close(v);

        return NULL;
    }

    return v;
}


void
ehr_validator_close(ehr_validator_t *validator)
{
    if (validator == NULL) {
        return;
    }

    ehr_plugin_file_close(&validator->file);
    free(validator->settings);
    free(validator);
}


int
ehr_validator_takes(const ehr_validator_t *validator, ehr_kind_e kind)
{
    const ehr_plugin_kind_t  *row;

    for (row = validator->plugin->kinds; row->kind; row++) {
        if (strcmp(row->kind, ehr_kind_name(kind)) == 0) {
            return 1;
        }
    }

    return 0;
}


const ehr_plugin_t *
ehr_validator_plugin(const ehr_validator_t *validator)
{
    return validator->plugin;
}


/* --- one document -------------------------------------------------------- */


int
ehr_document_is_whole(const ehr_document_t *doc)
{
    return doc->sections != NULL
           && (doc->problem == EHR_PROBLEM_NONE
               || doc->problem == EHR_PROBLEM_DOCUMENT_INVALID);
}


/* What was not looked at is not accepted. */

static ehr_rc_t
validator_tell_late(const ehr_call_t *call)
{
    ehr_reading_t  reading;

    memset(&reading, 0, sizeof(reading));
    reading.arena = call->arena;
    reading.findings = &call->doc->findings;
    reading.kind = call->doc->kind;
    ehr_report_document(&reading, EHR_FAULT_XML + EHR_SCAN_CPU, 0);

    return reading.is_broken ? EHR_BROKEN : ehr_document_conclude(call->doc);
}


ehr_rc_t
ehr_validator_run(const ehr_validator_t *validator, const ehr_validation_t *in,
                  ehr_document_t *doc)
{
    ehr_plugin_document_t  view;
    ehr_call_t             call = { validator, in->arena, in->now_ms, doc, in,
                                    doc->findings.n, 0, 0 };

    /* it says enough, and its rows were not all kept */
    if (doc->findings.nerrors >= EHR_FINDINGS_MAX) {
        return ehr_document_conclude(doc);
    }

    memset(&view, 0, sizeof(view));

    view.size = sizeof(view);
    view.nsections = EHR_SECTION_LAST;
    view.kind = ehr_str(ehr_kind_name(doc->kind));
    view.standard = doc->standard;
    view.facility = doc->facility;
    view.business_key = doc->business_key;
    view.content = in->content;
    view.sections = doc->sections;

    if (validator->plugin->validate(&validator_host, &call, &view) != 0
        || call.is_broken)
    {
        return EHR_BROKEN;
    }

    return call.is_late ? validator_tell_late(&call)
                        : ehr_document_conclude(doc);
}
