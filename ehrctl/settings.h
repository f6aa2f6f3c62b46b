/* SPDX-License-Identifier: BSD-2-Clause */

/* The settings of --set, and those of one line of the configuration. */

#ifndef EHRCTL_SETTINGS_H
#define EHRCTL_SETTINGS_H


#include "ehr_validators.h"
#include "ehrctl.h"


#define SETTINGS_MAX  512


typedef struct {
    ehr_setting_t  list[SETTINGS_MAX];
    int            is_used[SETTINGS_MAX];
    size_t         n;
} settings_t;


/* "rule.M1=off,tolerance=1", or NULL: none. */
int settings_read(ehrctl_t *ctl, settings_t *settings, const char *text);

/* One of them; a later one of a name goes before an earlier. */
int settings_add(settings_t *settings, const char *name, const char *value);

/* Adds those of all that speak of no rule, or of one of this plugin's. */
int settings_choose(settings_t *all, const ehr_plugin_t *plugin,
                    settings_t *own);

/* Whether each of them was chosen by some plugin. */
int settings_are_used(const settings_t *settings);


#endif /* EHRCTL_SETTINGS_H */
