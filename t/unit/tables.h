/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests that are driven by the tables: good values for any field.
 */

#ifndef EHR_TEST_TABLES_H
#define EHR_TEST_TABLES_H


#include "documents.h"
#include "ehr_tables.h"


#define TABLE_CODE_MAX  128


static inline const char *
table_number(const ehr_section_table_t *table)
{
    if (strcmp(table->name, "HSDLGCS") == 0) {
        return "00001.GCS." DOC_FACILITY ".26";
    }

    if (strcmp(table->name, "HSDLGBT") == 0) {
        return "00001.GBT." DOC_FACILITY ".26";
    }

    if (strcmp(table->name, "DRIVER_EXAM") == 0
        || strcmp(table->name, "SIGNDATA") == 0)
    {
        return "00001/GKSKLX/" DOC_FACILITY "/26";
    }

    return "1";
}


/* A value that its row has nothing to say about. */

static inline const char *
table_good(const ehr_section_table_t *table, const ehr_field_t *field)
{
    static char  code[TABLE_CODE_MAX];

    static const char *const  by_type[] = {
        [EHR_FIELD_TEXT] = "x",
        [EHR_FIELD_NUMBER] = "1",
        [EHR_FIELD_DATE] = "20260101",
        [EHR_FIELD_TIME] = "202601011200",
        [EHR_FIELD_DATE_OR_TIME] = "20260101",
        [EHR_FIELD_BIRTH] = "199000000000",
        [EHR_FIELD_SECOND] = "20260101120059",
        [EHR_FIELD_DAY] = "1990",
        [EHR_FIELD_DMY] = "29/02/2024",
        [EHR_FIELD_BYTES] = "x",
        [EHR_FIELD_BASE64] = ""
    };

    if (field->role == EHR_ROLE_FACILITY) {
        return DOC_FACILITY;
    }

    if (field->role == EHR_ROLE_KEY) {
        return table_number(table);
    }

    if (field->codes) {
        (void) snprintf(code, sizeof(code), "%.*s",
                        (int) strcspn(field->codes, " "), field->codes);

        return code;
    }

    return by_type[field->type];
}


#endif /* EHR_TEST_TABLES_H */
