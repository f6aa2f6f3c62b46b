/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every rule of every validator against the cases beside its plugin: one that
 * passes and one that fails each, and nothing else said of that rule.  With
 * an argument: only cases whose name contains it.
 */

#include "cases.h"

#include <dirent.h>
#include <unistd.h>

#include "ehr_calendar.h"
#include "ehr_validators.h"


#define CASES_MAX     4096
#define PLUGINS_MAX   16
#define SETTINGS_MAX  16
#define TEXT_MAX      512
#define CASE_NOW      "202601081200"


typedef struct {
    char  name[TEXT_MAX];     /* "claims/M1-bad-one-row" */
    char  plugin[CASE_NAME_MAX];
    char  rule[CASE_NAME_MAX];
} case_t;


static case_t             cases[CASES_MAX];
static struct CMUnitTest  tests[CASES_MAX + 2];
static size_t             ncases;
static char               plugins[PLUGINS_MAX][CASE_NAME_MAX];
static size_t             nplugins;
static size_t             nunsound;


/* --- one case ------------------------------------------------------------ */


static int64_t
now_of(json_t *c)
{
    const char    *text = json_string_value(json_object_get(c, "now"));
    ehr_minute_t   minute;

    assert_true(ehr_minute_parse(ehr_str(text ? text : CASE_NOW), &minute));

    return (minute - ehr_minute_now(0)) * 60000;
}


static ehr_validator_t *
validator_of(const char *plugin, json_t *settings, int64_t now_ms)
{
    static ehr_setting_t  list[SETTINGS_MAX];

    char                  path[TEXT_MAX], doubt[TEXT_MAX];
    ehr_validator_t      *validator;
    ehr_validator_conf_t  conf = { path, list, 0, now_ms };
    const char           *key;
    json_t               *value;

    (void) snprintf(path, sizeof(path), EHR_OUT "/plugins/%s.so", plugin);

    json_object_foreach(settings, key, value) {
        assert_true(conf.nsettings < SETTINGS_MAX);
        list[conf.nsettings].name = key;
        list[conf.nsettings++].value = json_string_value(value);
    }

    validator = ehr_validator_open(&conf, doubt, sizeof(doubt));
    if (validator == NULL) {
        fail_msg("%s", doubt);
    }

    return validator;
}


/* "error M1 XML2.1.THANH_TIEN_BV" */

static void
finding_text(const ehr_finding_t *f, char *text)
{
    char  row[16] = "";

    if (f->row) {
        (void) snprintf(row, sizeof(row), ".%u", f->row);
    }

    (void) snprintf(text, TEXT_MAX, "%s %.*s %.*s%s%s%.*s",
                    f->severity == EHR_SEVERITY_ERROR ? "error" : "warning",
                    (int) f->rule.len, f->rule.data, (int) f->section.len,
                    f->section.data, row, f->field.len ? "." : "",
                    (int) f->field.len, f->field.data);
}


/* Takes the text out of the list; 0 when it is not there. */

static int
expected_take(json_t *expected, const char *text)
{
    size_t   i;
    json_t  *one;

    json_array_foreach(expected, i, one) {
        if (strcmp(json_string_value(one), text) == 0) {
            (void) json_array_remove(expected, i);

            return 1;
        }
    }

    return 0;
}


static int
findings_differ(const doc_read_t *r, const case_t *one, json_t *c)
{
    json_t  *expected = json_object_get(c, "findings");
    int      all = json_is_true(json_object_get(c, "all")), wrong = 0;
    size_t   i;
    json_t  *left;
    char     text[TEXT_MAX];

    assert_true(json_is_array(expected));

    for (i = 0; i < r->doc.findings.n; i++) {
        const ehr_finding_t  *f = &r->doc.findings.items[i];

        if (!all && !ehr_str_is(f->rule, one->rule)) {
            continue;
        }

        finding_text(f, text);

        if (!expected_take(expected, text)) {
            print_message("%s: not expected: %s\n", one->name, text);
            wrong = 1;
        }

        if (f->code.len == 0 || f->path.len == 0) {
            print_message("%s: no code or path: %s\n", one->name, text);
            wrong = 1;
        }
    }

    json_array_foreach(expected, i, left) {
        print_message("%s: missing: %s\n", one->name,
                      json_string_value(left));
        wrong = 1;
    }

    return wrong;
}


static json_t *
case_load(const case_t *one)
{
    char          path[2 * TEXT_MAX];
    json_error_t  error;
    json_t       *c;

    (void) snprintf(path, sizeof(path), EHR_TOP "/plugins/%s/cases/%s.json",
                    one->plugin, strchr(one->name, '/') + 1);

    c = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(c)) {
        fail_msg("%s: line %d: %s", path, error.line, error.text);
    }

    return c;
}


static void
a_case_holds(void **state)
{
    const case_t      *one = *state;
    json_t            *c = case_load(one);
    const char        *standard = json_string_value(
                                      json_object_get(c, "standard"));
    int64_t            now_ms = now_of(c);
    ehr_str_t          content = case_build(c);
    ehr_validator_t   *validator;
    ehr_validation_t   in;
    doc_read_t         r;
    int                differ;

    validator = validator_of(one->plugin, json_object_get(c, "settings"),
                             now_ms);
    r = doc_read_as(content, DOC_FACILITY, standard ? standard : "");

    if (!ehr_document_is_whole(&r.doc)) {
        doc_print(&r);
        fail_msg("%s: the document cannot be read", one->name);
    }

    in.content = content;
    in.arena = r.arena;
    in.now_ms = now_ms;
    in.deadline_ns = 0;

    assert_true(ehr_validator_takes(validator, r.doc.kind));
    assert_int_not_equal(ehr_validator_run(validator, &in, &r.doc),
                         EHR_BROKEN);

    differ = findings_differ(&r, one, c);

    doc_done(&r);
    ehr_validator_close(validator);
    doc_free(content);
    json_decref(c);

    assert_false(differ);
}


/* --- the set of cases ---------------------------------------------------- */


static int
has_case(const char *plugin, const char *rule, const char *what)
{
    char  begin[TEXT_MAX];

    (void) snprintf(begin, sizeof(begin), "%s/%s-%s-", plugin, rule, what);

    for (size_t i = 0; i < ncases; i++) {
        if (strncmp(cases[i].name, begin, strlen(begin)) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
rules_without_cases(const char *plugin)
{
    ehr_validator_t                 *v = validator_of(plugin, NULL, 0);
    const ehr_plugin_rule_t *const  *table = ehr_validator_plugin(v)->rules;
    int                              lacking = 0;

    for (/* void */; table && *table; table++) {
        for (const ehr_plugin_rule_t *rule = *table; rule->id; rule++) {
            if (!has_case(plugin, rule->id, "ok")
                || !has_case(plugin, rule->id, "bad"))
            {
                print_message("%s: %s lacks a case\n", plugin, rule->id);
                lacking = 1;
            }
        }
    }

    ehr_validator_close(v);

    return lacking;
}


static void
every_rule_has_a_case_that_passes_and_one_that_fails(void **state)
{
    int  lacking = nunsound > 0;

    for (size_t i = 0; i < nplugins; i++) {
        lacking |= rules_without_cases(plugins[i]);
    }

    assert_false(lacking);
}


/* "M1-bad-one-row.json": the rule is what stands before the word. */

static int
case_read_name(case_t *one, const char *plugin, const char *file)
{
    const char  *end = strstr(file, "-bad-"), *dot = strrchr(file, '.');

    end = end ? end : strstr(file, "-ok-");

    if (dot == NULL || strcmp(dot, ".json") != 0 || end == NULL
        || (size_t) (end - file) >= sizeof(one->rule))
    {
        return 0;
    }

    memcpy(one->rule, file, (size_t) (end - file));
    one->rule[end - file] = '\0';
    (void) snprintf(one->plugin, sizeof(one->plugin), "%s", plugin);
    (void) snprintf(one->name, sizeof(one->name), "%s/%.*s", plugin,
                    (int) (dot - file), file);

    return 1;
}


static int
is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}


static void
cases_of(const char *plugin)
{
    char             path[TEXT_MAX];
    struct dirent  **entries;
    int              n;

    (void) snprintf(path, sizeof(path), EHR_TOP "/plugins/%s/cases", plugin);
    n = scandir(path, &entries, is_wanted, alphasort);

    for (int i = 0; i < n; i++) {
        if (ncases < CASES_MAX
            && case_read_name(&cases[ncases], plugin, entries[i]->d_name))
        {
            ncases++;
        }

        free(entries[i]);
    }

    if (n >= 0) {
        free(entries);
    }
}


/* A plugin that was built and exports rules; one that is neither a partner
 * nor a sound validator is remembered. */

static int
has_rules(const char *plugin)
{
    char                  path[TEXT_MAX], doubt[TEXT_MAX];
    ehr_validator_conf_t  conf = { path, NULL, 0, 0 };
    ehr_validator_t      *v;
    int                   has;

    (void) snprintf(path, sizeof(path), EHR_OUT "/plugins/%s.so", plugin);

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));
    has = v && ehr_validator_plugin(v)->rules != NULL;

    if (v == NULL && access(path, F_OK) == 0
        && strstr(doubt, "is not a validator") == NULL)
    {
        print_message("%s\n", doubt);
        nunsound++;
    }

    ehr_validator_close(v);

    return has;
}


static void
find_cases(void)
{
    struct dirent  **entries;
    int              n = scandir(EHR_TOP "/plugins", &entries, is_wanted,
                                 alphasort);

    for (int i = 0; i < n; i++) {
        const char  *name = entries[i]->d_name;

        if (nplugins < PLUGINS_MAX && strlen(name) < CASE_NAME_MAX
            && has_rules(name))
        {
            (void) stpcpy(plugins[nplugins++], name);
            cases_of(name);
        }

        free(entries[i]);
    }

    if (n >= 0) {
        free(entries);
    }
}


int
main(int argc, char **argv)
{
    size_t  n = 0;

    find_cases();

    for (size_t i = 0; i < ncases; i++) {
        if (argc < 2 || strstr(cases[i].name, argv[1])) {
            tests[n].name = cases[i].name;
            tests[n].test_func = a_case_holds;
            tests[n++].initial_state = &cases[i];
        }
    }

    if (argc < 2) {
        tests[n].name = "every_rule_has_a_case_that_passes_and_one_that_fails";
        tests[n++].test_func =
            every_rule_has_a_case_that_passes_and_one_that_fails;
    }

    return _cmocka_run_group_tests("rules", tests, n, NULL, NULL);
}
