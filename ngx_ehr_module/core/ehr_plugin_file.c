/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether an object is a plugin at all: its symbol, its version, the
 * sizes it was compiled with.  What a partner or a validator must have beyond
 * that, their own files know.
 */

#include <dlfcn.h>
#include <stdio.h>

#include "ehr_plugin_file.h"


/* The size of ehr_plugin_t in each minor version; 1.0 is not taken, for the
 * document has grown since.  A new version is a new row. */

static const size_t  plugin_sizes[] = {
    [1] = offsetof(ehr_plugin_t, query),
    [2] = sizeof(ehr_plugin_t)
};

#define MINOR_MIN  1

_Static_assert(sizeof(plugin_sizes) / sizeof(plugin_sizes[0])
               == EHR_ABI_MINOR + 1, "a row for each minor version");


/* Where version and size stand is the same in all versions to come; nothing
 * else of a plugin is read before they are known. */

static int
plugin_is_ours(const ehr_plugin_t *plugin)
{
    return plugin->abi_major == EHR_ABI_MAJOR
           && plugin->abi_minor >= MINOR_MIN
           && plugin->abi_minor <= EHR_ABI_MINOR;
}


static const char *
plugin_doubt(const ehr_plugin_t *plugin)
{
    if (plugin->size != plugin_sizes[plugin->abi_minor]) {
        return "has not the size of its version";
    }

    if (plugin->size_document != sizeof(ehr_plugin_document_t)
        || plugin->size_delivery != sizeof(ehr_delivery_t)
        || plugin->size_request != sizeof(ehr_request_t)
        || plugin->size_answer != sizeof(ehr_answer_t)
        || plugin->size_outcome != sizeof(ehr_outcome_t)
        || plugin->size_finding != sizeof(ehr_finding_t))
    {
        return "was built with structures of other sizes";
    }

    if (plugin->flags != 0) {
        return "has flags that nobody knows";
    }

    if (plugin->name == NULL || plugin->version == NULL) {
        return "has no name or no version";
    }

    return NULL;
}


static int
plugin_fits(const ehr_plugin_t *plugin, const char *path, char *doubt,
            size_t size)
{
    const char  *wrong;

    if (plugin != NULL && !plugin_is_ours(plugin)) {
        (void) snprintf(doubt, size, "plugin \"%s\" was built with version "
                        "%u.%u of ehr_plugin.h: %u.%u to %u.%u fit", path,
                        plugin->abi_major, plugin->abi_minor, EHR_ABI_MAJOR,
                        MINOR_MIN, EHR_ABI_MAJOR, EHR_ABI_MINOR);

        return 0;
    }

    wrong = plugin != NULL ? plugin_doubt(plugin)
                           : "exports no \"" EHR_PLUGIN_SYMBOL "\"";

    if (wrong != NULL) {
        (void) snprintf(doubt, size, "plugin \"%s\" %s", path, wrong);
    }

    return wrong == NULL;
}


ehr_rc_t
ehr_plugin_file_open(const char *path, ehr_plugin_file_t *file, char *doubt,
                     size_t size)
{
    file->plugin = NULL;
    file->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (file->handle == NULL) {
        (void) snprintf(doubt, size, "%s", dlerror());

        return EHR_REFUSED;
    }

    file->plugin = dlsym(file->handle, EHR_PLUGIN_SYMBOL);

    if (!plugin_fits(file->plugin, path, doubt, size)) {
        ehr_plugin_file_close(file);

        return EHR_REFUSED;
    }

    return EHR_OK;
}


void
ehr_plugin_file_close(ehr_plugin_file_t *file)
{
    if (file->handle != NULL) {
        (void) dlclose(file->handle);
    }

    file->handle = NULL;
    file->plugin = NULL;
}
