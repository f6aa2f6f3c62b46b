/* SPDX-License-Identifier: BSD-2-Clause */

/* Opening a plugin's object, the same for partners and validators. */

#ifndef EHR_PLUGIN_FILE_H
#define EHR_PLUGIN_FILE_H


#include "ehr.h"
#include "ehr_plugin.h"


typedef struct {
    void                *handle;      /* NULL: not open */
    const ehr_plugin_t  *plugin;
} ehr_plugin_file_t;


/*
 * Does   opens the object and looks whether it was built with a contract that
 *        this program keeps; calls nothing in it
 * Gives  EHR_OK; EHR_REFUSED with a sentence in doubt, and nothing is open
 */
ehr_rc_t ehr_plugin_file_open(const char *path, ehr_plugin_file_t *file,
                              char *doubt, size_t size);

/* After it nothing of the plugin may be used.  Twice does no harm. */
void ehr_plugin_file_close(ehr_plugin_file_t *file);


#endif /* EHR_PLUGIN_FILE_H */
