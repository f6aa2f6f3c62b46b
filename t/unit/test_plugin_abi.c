/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every plugin that was built, held against the contract it was built with:
 * one symbol, its sizes and versions, either a partner or a validator.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <dirent.h>
#include <dlfcn.h>

#include <cmocka.h>

#include "ehr_fields.h"
#include "ehr_plugin.h"


#define MAX_KINDS  64


/* NULL, or what is wrong. */

static const char *
fault_of(const ehr_plugin_t *plugin)
{
    size_t  i;

    if (plugin->size != sizeof(ehr_plugin_t)
        || plugin->size_document != sizeof(ehr_plugin_document_t)
        || plugin->size_delivery != sizeof(ehr_delivery_t)
        || plugin->size_request != sizeof(ehr_request_t)
        || plugin->size_answer != sizeof(ehr_answer_t)
        || plugin->size_outcome != sizeof(ehr_outcome_t)
        || plugin->size_finding != sizeof(ehr_finding_t))
    {
        return "a size";
    }

    if (plugin->abi_major != EHR_ABI_MAJOR
        || plugin->abi_minor > EHR_ABI_MINOR || plugin->flags != 0)
    {
        return "the version";
    }

    if (plugin->version == NULL || plugin->version[0] == '\0') {
        return "no version of its own";
    }

    if (plugin->validate == NULL
        && (plugin->prepare == NULL || plugin->judge == NULL))
    {
        return "neither a validator nor a partner with both functions";
    }

    if (plugin->fields_digest != 0
        && plugin->fields_digest != EHR_FIELDS_DIGEST)
    {
        return "other tables of fields";
    }

    if (plugin->kinds == NULL) {
        return "no kinds";
    }

    for (i = 0; i < MAX_KINDS && plugin->kinds[i].kind != NULL; i++) {
        if (plugin->kinds[i].is_repeat_safe > 1) {
            return "is_repeat_safe is no truth value";
        }
    }

    return i > 0 && i < MAX_KINDS ? NULL : "the list of kinds";
}


static void
check_file(const char *name)
{
    char                 path[4096];
    void                *object;
    const char          *fault;
    const ehr_plugin_t  *plugin;

    snprintf(path, sizeof(path), EHR_OUT "/plugins/%s", name);

    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        fail_msg("%s", dlerror());
    }

    plugin = dlsym(object, EHR_PLUGIN_SYMBOL);
    assert_non_null(plugin);

    fault = fault_of(plugin);
    if (fault != NULL) {
        fail_msg("%s: %s", name, fault);
    }

    assert_int_equal(strlen(plugin->name), strlen(name) - strlen(".so"));
    assert_memory_equal(plugin->name, name, strlen(plugin->name));

    dlclose(object);
}


static void
every_plugin_that_was_built_keeps_the_contract(void **state)
{
    int             n;
    DIR            *dir;
    const char     *dot;
    struct dirent  *entry;

    dir = opendir(EHR_OUT "/plugins");
    assert_non_null(dir);

    for (n = 0; (entry = readdir(dir)) != NULL; /* void */) {
        dot = strrchr(entry->d_name, '.');
        if (dot != NULL && strcmp(dot, ".so") == 0) {
            check_file(entry->d_name);
            n++;
        }
    }

    closedir(dir);
    assert_true(n > 0);
}


static int
nothing_prepared(const ehr_host_t *host, ehr_call_t *call,
                 const ehr_delivery_t *dlv, ehr_request_t *request)
{
    return -1;
}


static int
nothing_judged(const ehr_host_t *host, ehr_call_t *call,
               const ehr_delivery_t *dlv, const ehr_answer_t *answer,
               ehr_outcome_t *outcome)
{
    return -1;
}


static void
a_plugin_that_breaks_the_contract_is_seen(void **state)
{
    static const ehr_plugin_kind_t  some[] = { { "claim", 0, 0 },
                                               { NULL, 0, 0 } };
    static const ehr_plugin_kind_t  none[] = { { NULL, 0, 0 } };

    ehr_plugin_t        bad;
    const ehr_plugin_t  good = {
        EHR_PLUGIN_INIT, "good", "1", some, NULL, NULL, nothing_prepared,
        nothing_judged, 0, NULL, NULL
    };

    assert_null(fault_of(&good));

#define assert_fault(change)                                                  \
    bad = good;                                                               \
    bad.change;                                                               \
    assert_non_null(fault_of(&bad))

    assert_fault(size--);
    assert_fault(size_answer++);
    assert_fault(abi_major++);
    assert_fault(abi_minor++);
    assert_fault(flags = 1);
    assert_fault(version = "");
    assert_fault(kinds = none);
    assert_fault(kinds = NULL);
    assert_fault(judge = NULL);
    assert_fault(prepare = NULL);
    assert_fault(fields_digest = EHR_FIELDS_DIGEST + 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_plugin_that_was_built_keeps_the_contract),
        cmocka_unit_test(a_plugin_that_breaks_the_contract_is_seen)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
