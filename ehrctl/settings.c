/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Settings of validators.  Decides which plugin a setting of the command line
 * is meant for; what it means the plugin knows.
 */

#include <stdio.h>

#include "output.h"
#include "settings.h"


int
settings_add(settings_t *settings, const char *name, const char *value)
{
    size_t  i;

    for (i = 0; i < settings->n; i++) {
        if (strcmp(settings->list[i].name, name) == 0) {
            break;
        }
    }

    if (i == SETTINGS_MAX) {
        return output_failure("too many settings", name);
    }

    settings->list[i].name = name;
    settings->list[i].value = value;
    settings->n += (i == settings->n);

    return EHRCTL_OK;
}


int
settings_read(ehrctl_t *ctl, settings_t *settings, const char *list)
{
    char  *text, *one, *rest = NULL, *value;
    int    status = EHRCTL_OK;

    if (list == NULL) {
        return EHRCTL_OK;
    }

    text = (char *) (uintptr_t) ehr_arena_dup(ctl->arena, list,
                                              strlen(list)).data;
    if (text == NULL) {
        return output_failure("no memory", NULL);
    }

    for (one = strtok_r(text, ",", &rest); one && status == EHRCTL_OK;
         one = strtok_r(NULL, ",", &rest))
    {
        value = strchr(one, '=');

        if (value == NULL) {
            return output_failure("--set takes NAME=VALUE,NAME=VALUE", one);
        }

        *value = '\0';
        status = settings_add(settings, one, value + 1);
    }

    return status;
}


static int
plugin_has_rule(const ehr_plugin_t *plugin, const char *id)
{
    const ehr_plugin_rule_t *const  *table = plugin->rules;

    for (/* void */; table && *table; table++) {
        for (const ehr_plugin_rule_t *rule = *table; rule->id; rule++) {
            if (strcmp(rule->id, id) == 0) {
                return 1;
            }
        }
    }

    return 0;
}


int
settings_choose(settings_t *all, const ehr_plugin_t *plugin, settings_t *own)
{
    int  status = EHRCTL_OK;

    for (size_t i = 0; i < all->n && status == EHRCTL_OK; i++) {
        const char  *name = all->list[i].name;

        if (strncmp(name, "rule.", 5) == 0
            && !plugin_has_rule(plugin, name + 5))
        {
            continue;
        }

        all->is_used[i] = 1;
        status = settings_add(own, name, all->list[i].value);
    }

    return status;
}


int
settings_are_used(const settings_t *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        if (!settings->is_used[i]) {
            return output_failure("no validator has the rule of --set",
                                  settings->list[i].name);
        }
    }

    return EHRCTL_OK;
}
