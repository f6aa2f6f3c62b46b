/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether an object is a plugin at all: its symbol, its version, the
 * sizes it was compiled with.  What a partner or a validator must have beyond
 * that, their own files know.
 */

#include <dlfcn.h>
#include <stdio.h>

#include "ehr_plugin_file.h"


/* What every plugin has, however old its header: the structure of 1.1. */
#define PLUGIN_SIZE_MIN  offsetof(ehr_plugin_t, query)


static const char *
plugin_doubt(const ehr_plugin_t *plugin)
{
    if (plugin == NULL) {
        return "exports no \"" EHR_PLUGIN_SYMBOL "\"";
    }

    if (plugin->size < PLUGIN_SIZE_MIN || plugin->abi_major != EHR_ABI_MAJOR) {
        return "was built for another version of ehr_plugin.h";
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

    if (plugin->name == NULL || plugin->version == NULL) {
        return "has no name or no version";
    }

    return NULL;
}


ehr_rc_t
ehr_plugin_file_open(const char *path, ehr_plugin_file_t *file, char *doubt,
                     size_t size)
{
    const char  *wrong;

    file->plugin = NULL;
    file->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (file->handle == NULL) {
        (void) snprintf(doubt, size, "%s", dlerror());

        return EHR_REFUSED;
    }

    file->plugin = dlsym(file->handle, EHR_PLUGIN_SYMBOL);
    wrong = plugin_doubt(file->plugin);

    if (wrong != NULL) {
        (void) snprintf(doubt, size, "plugin \"%s\" %s", path, wrong);
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
