/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One validator plugin over documents that the core has read: linked into
 * the program, opened like any other.  Its name is the target's.
 */

#include <stdio.h>

#include "document.h"
#include "ehr_validators.h"


#define VALIDATOR_RULES  512


extern const ehr_plugin_t  ehr_plugin;


static ehr_validator_t  *validator;
static ehr_setting_t     settings[VALIDATOR_RULES];
static char              names[VALIDATOR_RULES][32];


/* Rules that are off until somebody asks for them: here somebody does. */

static size_t
all_rules(void)
{
    size_t                           n = 0;
    const ehr_plugin_rule_t         *rule;
    const ehr_plugin_rule_t *const  *table;

    for (table = ehr_plugin.rules; table && *table; table++) {
        for (rule = *table; rule->id; rule++) {
            if ((rule->classes & EHR_CLASS_OFF) == 0) {
                continue;
            }

            fuzz_check(n < VALIDATOR_RULES);
            (void) snprintf(names[n], sizeof(names[n]), "rule.%s", rule->id);
            settings[n].name = names[n];
            settings[n].value = "warning";
            n++;
        }
    }

    return n;
}


/* A path of NULL is the program itself, which exports its plugin. */

void
fuzz_begin(void)
{
    char                  doubt[256];
    ehr_validator_conf_t  conf = { NULL, settings, 0, FUZZ_NOW_MS };

    conf.nsettings = all_rules();
    validator = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (validator == NULL) {
        fuzz_broken(doubt, __FILE__, __LINE__);
    }
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_rc_t          rc;
    ehr_document_t    doc;
    ehr_validation_t  in = { bytes, arena, FUZZ_NOW_MS, 0, NULL };

    (void) fuzz_document(bytes, fuzz_form(bytes), arena, &doc);

    if (!ehr_document_is_whole(&doc)
        || !ehr_validator_takes(validator, doc.kind))
    {
        return;
    }

    rc = ehr_validator_run(validator, &in, &doc);
    fuzz_check_document(rc, &doc, arena);
}
