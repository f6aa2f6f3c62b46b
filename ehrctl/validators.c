/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Opens the validators of a folder.  Decides which folder, and which setting
 * belongs to which plugin; what is not a validator is passed by, and any
 * doubt about one that is ends the command.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "validators.h"


#define SETTINGS_MAX      256
#define PLUGINS_MAX       256    /* files of the folder */
#define PLUGINS_PATH      "/usr/lib/ehr/plugins"
#define PATH_BUFFER       4096


typedef struct {
    ehr_setting_t  list[SETTINGS_MAX];
    int            is_used[SETTINGS_MAX];
    size_t         n;
} settings_t;


/* --plugins, EHR_PLUGINS, the folder beside the program, the system's. */

static const char *
plugins_folder(ehrctl_t *ctl)
{
    char         path[PATH_BUFFER];
    char        *slash;
    ssize_t      n;
    const char  *value = ctl->plugins ? ctl->plugins : getenv("EHR_PLUGINS");

    if (value && value[0]) {
        return value;
    }

    n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/plugins"));

    if (n > 0) {
        path[n] = '\0';
        slash = strrchr(path, '/');
        (void) strcpy(slash ? slash : path, "/plugins");

        if (access(path, R_OK) == 0) {
            return ehr_arena_dup(ctl->arena, path, strlen(path)).data;
        }
    }

    return PLUGINS_PATH;
}


/* "rule.M1=off,tolerance=1" */

static int
settings_read(ehrctl_t *ctl, settings_t *settings)
{
    char  *text, *one, *rest = NULL, *value;

    settings->n = 0;
    memset(settings->is_used, 0, sizeof(settings->is_used));

    if (ctl->set == NULL) {
        return EHRCTL_OK;
    }

    text = (char *) (uintptr_t) ehr_arena_dup(ctl->arena, ctl->set,
                                              strlen(ctl->set)).data;
    if (text == NULL) {
        return output_failure("no memory", NULL);
    }

    for (one = strtok_r(text, ",", &rest); one;
         one = strtok_r(NULL, ",", &rest))
    {
        value = strchr(one, '=');

        if (value == NULL || settings->n == SETTINGS_MAX) {
            return output_failure("--set takes NAME=VALUE,NAME=VALUE", one);
        }

        *value = '\0';
        settings->list[settings->n].name = one;
        settings->list[settings->n++].value = value + 1;
    }

    return EHRCTL_OK;
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


/* Those that speak of no rule, or of one of this plugin's. */

static void
settings_choose(settings_t *all, const ehr_plugin_t *plugin,
                ehr_validator_conf_t *conf, ehr_setting_t *own)
{
    conf->settings = own;
    conf->nsettings = 0;

    for (size_t i = 0; i < all->n; i++) {
        const char  *name = all->list[i].name;

        if (strncmp(name, "rule.", 5) == 0
            && !plugin_has_rule(plugin, name + 5))
        {
            continue;
        }

        all->is_used[i] = 1;
        own[conf->nsettings++] = all->list[i];
    }
}


/* Opened once to learn its rules, then with the settings that are its own. */

static int
validator_add(ehrctl_t *ctl, const char *path, settings_t *all,
              validators_t *validators)
{
    char                  doubt[PATH_BUFFER];
    ehr_setting_t        *own;
    ehr_validator_t      *v;
    ehr_validator_conf_t  conf = { path, NULL, 0, validators_now_ms() };

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (v == NULL) {
        return strstr(doubt, "is not a validator")
               ? EHRCTL_OK : output_failure("a plugin cannot be used", doubt);
    }

    own = ehr_arena_alloc(ctl->arena, SETTINGS_MAX * sizeof(ehr_setting_t));

    if (own == NULL || validators->n == VALIDATORS_MAX) {
        ehr_validator_close(v);

        return output_failure("too many plugins", path);
    }

    settings_choose(all, ehr_validator_plugin(v), &conf, own);
    ehr_validator_close(v);

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));
    if (v == NULL) {
        return output_failure("a plugin cannot be used", doubt);
    }

    validators->list[validators->n++] = v;

    return EHRCTL_OK;
}


static int
is_plugin(const struct dirent *entry)
{
    const char  *dot = strrchr(entry->d_name, '.');

    return dot && strcmp(dot, ".so") == 0;
}


static int
folder_open(ehrctl_t *ctl, const char *folder, settings_t *all,
            validators_t *validators)
{
    struct dirent  **entries;
    char             path[PATH_BUFFER];
    int              status = EHRCTL_OK;
    int              n = scandir(folder, &entries, is_plugin, alphasort);

    if (n < 0) {
        return output_failure("the folder of plugins cannot be read", folder);
    }

    for (int i = 0; i < n; i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", folder,
                        entries[i]->d_name);
        free(entries[i]);

        if (status == EHRCTL_OK && i < PLUGINS_MAX) {
            status = validator_add(ctl, path, all, validators);
        }
    }

    free(entries);

    if (status == EHRCTL_OK && validators->n == 0) {
        return output_failure("the folder has no validator", folder);
    }

    return status;
}


int
validators_open(ehrctl_t *ctl, validators_t *validators)
{
    settings_t  all;
    int         status;

    validators->n = 0;
    status = settings_read(ctl, &all);

    if (status == EHRCTL_OK) {
        status = folder_open(ctl, plugins_folder(ctl), &all, validators);
    }

    for (size_t i = 0; status == EHRCTL_OK && i < all.n; i++) {
        if (!all.is_used[i]) {
            status = output_failure("no validator has the rule of --set",
                                    all.list[i].name);
        }
    }

    return status;
}


void
validators_close(validators_t *validators)
{
    while (validators->n > 0) {
        ehr_validator_close(validators->list[--validators->n]);
    }
}


int64_t
validators_now_ms(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_REALTIME, &t);

    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
