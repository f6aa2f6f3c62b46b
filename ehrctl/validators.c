/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Opens what a gateway would check with.  Decides which plugins: those of the
 * configuration's lines, or without such lines all validators of a folder;
 * and which settings each gets.  Any doubt about one of them ends the command.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "nginx_conf.h"
#include "output.h"
#include "settings.h"
#include "validators.h"


#define PLUGINS_MAX   256    /* files of the folder */
#define PLUGINS_PATH  "/usr/lib/ehr/plugins"
#define PATH_BUFFER   4096


typedef struct {
    ehrctl_t      *ctl;
    validators_t  *validators;
    settings_t     all;         /* of --set */
} opening_t;


/* --- one plugin ---------------------------------------------------------- */


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


/* NULL with the complaint printed. */

static ehr_validator_t *
plugin_open(const char *path, const settings_t *settings)
{
    char                  doubt[PATH_BUFFER];
    ehr_validator_t      *v;
    ehr_validator_conf_t  conf = { path, settings->list, settings->n,
                                   validators_now_ms() };

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (v == NULL) {
        (void) output_failure("a plugin cannot be used", doubt);
    }

    return v;
}


/* One for each kind, as the gateway has them. */

static int
plugin_bind(opening_t *o, const char *path, const settings_t *own,
            ehr_kind_e kind)
{
    validators_t          *validators = o->validators;
    ehr_kind_validator_t  *bound = &validators->list[validators->n];

    if (validators->n == VALIDATORS_MAX) {
        return output_failure("too many plugins", path);
    }

    bound->kind = kind;
    bound->validator = plugin_open(path, own);

    if (bound->validator == NULL) {
        return EHRCTL_FAILED;
    }

    validators->n++;

    return ehr_validator_takes(bound->validator, kind)
           ? EHRCTL_OK
           : output_failure("the plugin does not check such documents", path);
}


/* --- a folder of plugins ------------------------------------------------- */


static int
kinds_bind(opening_t *o, const char *path, const ehr_plugin_t *plugin)
{
    settings_t  own;
    int         status;

    memset(&own, 0, sizeof(own));
    status = settings_choose(&o->all, plugin, &own);

    for (const ehr_plugin_kind_t *row = plugin->kinds;
         row->kind && status == EHRCTL_OK; row++)
    {
        status = plugin_bind(o, path, &own,
                             ehr_kind_of_name(ehr_str(row->kind)));
    }

    return status;
}


/* What is no validator is passed by. */

static int
file_open(opening_t *o, const char *path)
{
    char                  doubt[PATH_BUFFER];
    int                   status;
    ehr_validator_t      *v;
    ehr_validator_conf_t  conf = { path, NULL, 0, validators_now_ms() };

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (v == NULL) {
        return strstr(doubt, "is not a validator")
               ? EHRCTL_OK : output_failure("a plugin cannot be used", doubt);
    }

    status = kinds_bind(o, path, ehr_validator_plugin(v));
    ehr_validator_close(v);

    return status;
}


static int
is_plugin(const struct dirent *entry)
{
    const char  *dot = strrchr(entry->d_name, '.');

    return dot && strcmp(dot, ".so") == 0;
}


static int
folder_open(opening_t *o, const char *folder)
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
            status = file_open(o, path);
        }
    }

    free(entries);

    if (status == EHRCTL_OK && o->validators->n == 0) {
        return output_failure("the folder has no validator", folder);
    }

    return status;
}


/* --- lines of the configuration ------------------------------------------ */


/* Where it is written; by its name in the folder of plugins when it is not an
 * absolute path, or when a folder is asked for. */

static const char *
line_plugin(opening_t *o, const char *path)
{
    char         full[PATH_BUFFER];
    const char  *slash = strrchr(path, '/');

    if (path[0] == '/' && o->ctl->plugins == NULL) {
        return path;
    }

    (void) snprintf(full, sizeof(full), "%s/%s", plugins_folder(o->ctl),
                    slash ? slash + 1 : path);

    return ehr_arena_dup(o->ctl->arena, full, strlen(full)).data;
}


/* --set speaks last. */

static int
line_bind(opening_t *o, const char *path, settings_t *own, ehr_kind_e kind)
{
    ehr_validator_t  *v = plugin_open(path, own);
    int               status;

    if (v == NULL) {
        return EHRCTL_FAILED;
    }

    status = settings_choose(&o->all, ehr_validator_plugin(v), own);
    ehr_validator_close(v);

    return status == EHRCTL_OK ? plugin_bind(o, path, own, kind) : status;
}


/* KIND plugin=FILE [set.NAME=VALUE ...] */

static int
line_validator(opening_t *o, const char *const *words, size_t nwords)
{
    ehr_kind_e   kind = ehr_kind_of_name(ehr_str(words[1]));
    settings_t   own;
    const char  *path = NULL, *eq;
    int          status = EHRCTL_OK;

    memset(&own, 0, sizeof(own));

    for (size_t i = 2; i < nwords && status == EHRCTL_OK; i++) {
        eq = strchr(words[i], '=');

        if (strncmp(words[i], "plugin=", 7) == 0) {
            path = line_plugin(o, eq + 1);

        } else if (eq && strncmp(words[i], "set.", 4) == 0) {
            status = settings_add(&own, ehr_arena_dup(o->ctl->arena,
                                      words[i] + 4,
                                      (size_t) (eq - words[i]) - 4).data,
                                  eq + 1);

        } else {
            status = output_failure("ehr_validator: unknown setting",
                                    words[i]);
        }
    }

    if (status == EHRCTL_OK && (path == NULL || kind == EHR_KIND_UNKNOWN)) {
        status = output_failure("ehr_validator: unknown kind, or no plugin=",
                                words[1]);
    }

    return status == EHRCTL_OK ? line_bind(o, path, &own, kind) : status;
}


/* NAME error|warning|off */

static int
line_finding(opening_t *o, const char *const *words, size_t nwords)
{
    uint32_t  level = nwords == 3 ? ehr_severity_level(ehr_str(words[2])) : 0;

    if (level == 0 || !ehr_severity_is_name(ehr_str(words[1]))
        || ehr_severities_add(&o->validators->severities, ehr_str(words[1]),
                              level) != EHR_OK)
    {
        return output_failure("ehr_finding cannot be used", words[1]);
    }

    return EHRCTL_OK;
}


/* KIND off|when-present|required [ca=FILE] [pins=FILE] [sha1=on|off] */

static int
line_signature(opening_t *o, const char *const *words, size_t nwords)
{
    char                       error[EHR_SIGNATURE_ERROR_MAX];
    ehrctl_t                  *ctl = o->ctl;
    const char                *wrong = NULL;
    ehr_signature_settings_t   s;
    ehr_signature_policy_t   **policy;

    memset(&s, 0, sizeof(s));
    s.kind = ehr_kind_of_name(ehr_str(words[1]));
    policy = &o->validators->policies[s.kind];

    if (s.kind == EHR_KIND_UNKNOWN || *policy || nwords < 3
        || ehr_signature_mode_of_name(ehr_str(words[2]), &s.mode) != EHR_OK)
    {
        return output_failure("ehr_signature cannot be used", words[1]);
    }

    for (size_t i = 3; i < nwords && wrong == NULL; i++) {
        wrong = ehr_signature_setting(&s, words[i]);
    }

    if (wrong) {
        return output_failure("ehr_signature", wrong);
    }

    s.ca_path = s.ca_path ? conf_beside(ctl, ctl->config, s.ca_path) : NULL;
    s.pins_path = s.pins_path ? conf_beside(ctl, ctl->config, s.pins_path)
                              : NULL;
    *policy = ehr_signature_policy_load(&s, error);

    return *policy ? EHRCTL_OK : output_failure("ehr_signature", error);
}


static int
line_take(void *data, const char *const *words, size_t nwords)
{
    static const struct {
        const char  *name;
        int        (*take)(opening_t *o, const char *const *words,
                           size_t nwords);
    } rows[] = {
        { "ehr_validator", line_validator },
        { "ehr_finding", line_finding },
        { "ehr_signature", line_signature }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(words[0], rows[i].name) != 0) {
            continue;
        }

        return nwords > 1 ? rows[i].take(data, words, nwords)
                          : output_failure(words[0], "has no words");
    }

    return EHRCTL_OK;
}


/* --- all of it ----------------------------------------------------------- */


int
validators_open(ehrctl_t *ctl, validators_t *validators)
{
    opening_t  o;
    int        status;

    memset(validators, 0, sizeof(*validators));
    memset(&o, 0, sizeof(o));
    o.ctl = ctl;
    o.validators = validators;

    status = settings_read(ctl, &o.all, ctl->set);

    if (status == EHRCTL_OK && ctl->config) {
        status = conf_read(ctl, ctl->config, line_take, &o);
    }

    if (status == EHRCTL_OK && validators->n == 0
        && (ctl->config == NULL || ctl->plugins))
    {
        status = folder_open(&o, plugins_folder(ctl));
    }

    return status == EHRCTL_OK ? settings_are_used(&o.all) : status;
}


void
validators_close(validators_t *validators)
{
    while (validators->n > 0) {
        ehr_validator_close(validators->list[--validators->n].validator);
    }

    for (int i = 0; i < EHR_KIND_LAST; i++) {
        ehr_signature_policy_free(validators->policies[i]);
        validators->policies[i] = NULL;
    }

    ehr_severities_free(&validators->severities);
}


int64_t
validators_now_ms(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_REALTIME, &t);

    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
