/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A validator for tests of its host: built several times, each time wrong in
 * one way (ODD_*), and otherwise doing what its setting "do" says.
 */

#include <string.h>

#include "ehr_fields.h"
#include "ehr_plugin.h"


#define ODD_MANY  1000


static const char *odd_check(const ehr_host_t *host, ehr_call_t *call);
static int odd_validate(const ehr_host_t *host, ehr_call_t *call,
                        const ehr_plugin_document_t *doc);
static void odd_run(ehr_check_t *check);
static int odd_prepare(const ehr_host_t *host, ehr_call_t *call,
                       const ehr_delivery_t *dlv, ehr_request_t *request);
static int odd_judge(const ehr_host_t *host, ehr_call_t *call,
                     const ehr_delivery_t *dlv, const ehr_answer_t *answer,
                     ehr_outcome_t *outcome);


static const ehr_plugin_kind_t  kinds[] = {
#if defined(ODD_KIND)
    { "poem", 0, 0 },
#elif !defined(ODD_KINDS)
    { "claim", 0, 0 },
#endif
    { NULL, 0, 0 }
};


static const ehr_plugin_rule_t  rules[] = {
    { "X1", EHR_CLASS_C, "sai", "wrong", "test", odd_run },
#if defined(ODD_TWICE)
    { "X1", EHR_CLASS_C, "sai", "wrong", "test", odd_run },
#elif defined(ODD_SENTENCE)
    { "X2", EHR_CLASS_C, NULL, "wrong", "test", odd_run },
#else
    { "X2", EHR_CLASS_W, "ngờ", "doubtful", "test", odd_run },
#endif
    { NULL, 0, NULL, NULL, NULL, NULL }
};

static const ehr_plugin_rule_t *const  tables[] = { rules, NULL };


#if !defined(ODD_SYMBOL)

EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
#if !defined(ODD_NAME)
    .name = "odd",
#endif
    .version = "1",
    .kinds = kinds,
    .check = odd_check,
#if !defined(ODD_PARTNER)
    .validate = odd_validate,
#endif
#if defined(ODD_PREPARE) || defined(ODD_PARTNER)
    .prepare = odd_prepare,
#endif
#if defined(ODD_JUDGE) || defined(ODD_PARTNER)
    .judge = odd_judge,
#endif
    .rules = tables,
#if defined(ODD_DIGEST)
    .fields_digest = EHR_FIELDS_DIGEST + 1,
#else
    .fields_digest = EHR_FIELDS_DIGEST,
#endif
#if defined(ODD_MAJOR)
    .abi_major = EHR_ABI_MAJOR + 1,
#elif defined(ODD_MINOR)
    .abi_minor = EHR_ABI_MINOR + 1,
    .size = sizeof(ehr_plugin_t) + sizeof(void *),
#elif defined(ODD_FIRST)
    .abi_minor = 0,
    .size = offsetof(ehr_plugin_t, fields_digest),
#elif defined(ODD_SHORT)
    .size = offsetof(ehr_plugin_t, query),
#elif defined(ODD_LONG)
    .size = sizeof(ehr_plugin_t) + sizeof(void *),
#elif defined(ODD_SIZE)
    .size_finding = sizeof(ehr_finding_t) - 1,
#elif defined(ODD_FLAGS)
    .flags = 1,
#endif
};

#else

EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plug;

const ehr_plugin_t  ehr_plug = {
    EHR_PLUGIN_INIT, .name = "odd", .version = "1", .kinds = kinds,
    .check = odd_check, .validate = odd_validate, .rules = tables
};

#endif


static void
odd_run(ehr_check_t *check)
{
}


static int
odd_prepare(const ehr_host_t *host, ehr_call_t *call,
            const ehr_delivery_t *dlv, ehr_request_t *request)
{
    return -1;
}


static int
odd_judge(const ehr_host_t *host, ehr_call_t *call,
          const ehr_delivery_t *dlv, const ehr_answer_t *answer,
          ehr_outcome_t *outcome)
{
    return -1;
}


static int
odd_is(const ehr_host_t *host, ehr_call_t *call, const char *what)
{
    const char  *value = host->setting(call, "do");

    return value != NULL && strcmp(value, what) == 0;
}


static const char *
odd_check(const ehr_host_t *host, ehr_call_t *call)
{
    ehr_finding_t  f;
    char          *text = host->alloc(call, 32);

    memset(&f, 0, sizeof(f));
    f.size = sizeof(f);

    if (host->finding(call, &f) == 0) {
        return "a finding without a document was taken";
    }

    if (text == NULL || !odd_is(host, call, "complain")) {
        return NULL;
    }

    return strcpy(text, "set.do is complain");
}


static int
odd_find(const ehr_host_t *host, ehr_call_t *call, const char *rule)
{
    ehr_finding_t  f;

    memset(&f, 0, sizeof(f));
    f.size = sizeof(f);
    f.severity = strcmp(rule, "X1") == 0 ? EHR_SEVERITY_ERROR
                                         : EHR_SEVERITY_WARNING;
    f.section = (ehr_str_t) ehr_string("XML2");
    f.field = (ehr_str_t) ehr_string("DON_GIA");
    f.row = 2;
    f.line = 7;
    f.rule.data = rule;
    f.rule.len = strlen(rule);
    f.message_vi = (ehr_str_t) ehr_string("sai");
    f.message_en = (ehr_str_t) ehr_string("wrong");

    return host->finding(call, &f);
}


static int
odd_validate(const ehr_host_t *host, ehr_call_t *call,
             const ehr_plugin_document_t *doc)
{
    if (odd_is(host, call, "fail")) {
        return -1;
    }

    if (odd_is(host, call, "size")) {
        ehr_finding_t  f;

        memset(&f, 0, sizeof(f));
        f.size = sizeof(f) + 8;
        (void) host->finding(call, &f);

        return 0;
    }

    if (odd_is(host, call, "wait")) {
        for (int i = 0; i < ODD_MANY && !host->is_late(call); i++) {
            /* nothing */
        }
    }

    if (odd_is(host, call, "many")) {
        for (int i = 0; i < ODD_MANY; i++) {
            (void) odd_find(host, call, "X1");
        }
    }

    if (odd_is(host, call, "one")) {
        (void) odd_find(host, call, "X1");
        (void) odd_find(host, call, "X2");
    }

    return 0;
}
