/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Validator plugins in plain C: opened and doubted, asked about a document,
 * their findings added to those of the document's own reading.  A failure of
 * a plugin breaks its document and never accepts it.
 */

#ifndef EHR_VALIDATORS_H
#define EHR_VALIDATORS_H


#include "ehr_document.h"


/* "rule.M1" and "warning"; both NUL-terminated. */

typedef struct {
    const char  *name;
    const char  *value;
} ehr_setting_t;


/* Names and values are borrowed as long as the validator lives. */

typedef struct {
    const char           *path;
    const ehr_setting_t  *settings;
    size_t                nsettings;
    int64_t               now_ms;     /* for the plugin's own check */
} ehr_validator_conf_t;


typedef struct ehr_validator_s  ehr_validator_t;


/*
 * Does   opens a plugin, doubts its versions, sizes, tables and settings
 * Gives  NULL with a sentence for the administrator in doubt[size]
 */
ehr_validator_t *ehr_validator_open(const ehr_validator_conf_t *conf,
                                    char *doubt, size_t size);

/* NULL is allowed.  Findings may point into the plugin: close it when they
 * are not used any more. */
void ehr_validator_close(ehr_validator_t *validator);

/* The plugin checks documents of that kind. */
int ehr_validator_takes(const ehr_validator_t *validator, ehr_kind_e kind);

const ehr_plugin_t *ehr_validator_plugin(const ehr_validator_t *validator);


typedef struct {
    ehr_str_t      content;   /* bytes as received */
    ehr_arena_t   *arena;     /* of the document */
    int64_t        now_ms;
    int64_t        deadline_ns;   /* as in ehr_document_input_t */
    int64_t      (*cpu_now_ns)(void);
} ehr_validation_t;


/* ehr_document_read() has left something that rules can look at: it is whole,
 * whatever is wrong with its fields. */
int ehr_document_is_whole(const ehr_document_t *doc);

/*
 * Does   runs one validator over a document that is whole
 * Gives  EHR_OK, EHR_REFUSED as ehr_document_conclude(); a validator that had
 *        no time for all its rules has refused; EHR_BROKEN when the plugin
 *        failed or there is no memory
 * When   any thread; several may run one validator at once
 */
ehr_rc_t ehr_validator_run(const ehr_validator_t *validator,
                           const ehr_validation_t *in, ehr_document_t *doc);


#endif /* EHR_VALIDATORS_H */
