/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The rules of the validators in a folder, as their own tables have them:
 * docs/rules.md is made from this.
 */

#include "output.h"
#include "validators.h"


static const label_t  labels[] = {
    { { "Quy tắc", "Rule" } },
    { { "Plugin", "Plugin" } },
    { { "Mức", "Severity" } },
    { { "Nội dung", "Says" } }
};


static const char *
rule_severity(const ehr_plugin_rule_t *rule)
{
    if (rule->classes & EHR_CLASS_OFF) {
        return "off";
    }

    return rule->classes & (EHR_CLASS_W | EHR_CLASS_UNSURE) ? "warning"
                                                            : "error";
}


static const char *
rule_class(const ehr_plugin_rule_t *rule)
{
    return rule->classes & EHR_CLASS_S ? "S"
           : rule->classes & EHR_CLASS_C ? "C" : "W";
}


static json_t *
rule_json(ehrctl_t *ctl, const ehr_plugin_t *plugin,
          const ehr_plugin_rule_t *rule)
{
    if (ctl->output == EHRCTL_TABLE) {
        return json_pack("[s, s, s, s]", rule->id, plugin->name,
                         rule_severity(rule),
                         ctl->lang == EHR_LANG_VI ? rule->message_vi
                                                  : rule->message_en);
    }

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", rule->id,
                     "plugin", plugin->name, "class", rule_class(rule),
                     "severity", rule_severity(rule), "message_vi",
                     rule->message_vi, "message_en", rule->message_en,
                     "source", rule->source);
}


static void
rules_add(ehrctl_t *ctl, const ehr_plugin_t *plugin, json_t *rows)
{
    const ehr_plugin_rule_t *const  *table = plugin->rules;

    for (/* void */; table && *table; table++) {
        for (const ehr_plugin_rule_t *rule = *table; rule->id; rule++) {
            (void) json_array_append_new(rows, rule_json(ctl, plugin, rule));
        }
    }
}


/* One plugin may be there for several kinds. */

static int
is_new(const validators_t *validators, size_t i)
{
    const ehr_plugin_t  *plugin;

    plugin = ehr_validator_plugin(validators->list[i].validator);

    return i == 0
           || plugin != ehr_validator_plugin(validators->list[i - 1]
                                             .validator);
}


int
ehrctl_rules(ehrctl_t *ctl)
{
    validators_t  validators;
    json_t       *rows = json_array();
    int           status = validators_open(ctl, &validators);

    for (size_t i = 0; status == EHRCTL_OK && i < validators.n; i++) {
        if (is_new(&validators, i)) {
            rules_add(ctl, ehr_validator_plugin(validators.list[i].validator),
                      rows);
        }
    }

    if (status == EHRCTL_OK) {
        status = ctl->output == EHRCTL_JSON
                 ? output_json(rows)
                 : output_table(ctl, labels,
                                sizeof(labels) / sizeof(labels[0]), rows);
    }

    validators_close(&validators);
    json_decref(rows);

    return status;
}
