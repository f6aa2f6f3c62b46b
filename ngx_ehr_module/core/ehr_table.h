/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The shape of the Ministry's field tables in memory.  The tables themselves
 * are generated from conf/standards/ (ehr_tables.h); nothing here knows a
 * field by name.
 */

#ifndef EHR_TABLE_H
#define EHR_TABLE_H


#include "ehr.h"
#include "ehr_document.h"


typedef enum {
    EHR_FIELD_TEXT = 0,
    EHR_FIELD_NUMBER,         /* digits, '-' before, one '.' inside */
    EHR_FIELD_DATE,           /* yyyyMMdd */
    EHR_FIELD_TIME,           /* yyyyMMddHHmm */
    EHR_FIELD_DATE_OR_TIME,
    EHR_FIELD_BIRTH,          /* EHR_FIELD_TIME; MMdd may be 0000 */
    EHR_FIELD_SECOND,         /* yyyyMMddHHmmss */
    EHR_FIELD_DAY,            /* yyyyMMdd, or yyyy alone */
    EHR_FIELD_DMY,            /* dd/MM/yyyy */
    EHR_FIELD_BYTES,          /* text, its length counted in bytes */
    EHR_FIELD_BASE64
} ehr_field_type_e;


typedef enum {
    EHR_REQUIRED_NO = 0,
    EHR_REQUIRED_CONDITIONAL, /* for validators that see other fields */
    EHR_REQUIRED_YES
} ehr_required_e;


/* What the document as a whole wants to know of a field. */

typedef enum {
    EHR_ROLE_NONE = 0,
    EHR_ROLE_KEY,             /* MA_LK */
    EHR_ROLE_FACILITY,        /* MA_CSKCB of the sender */
    EHR_ROLE_NUMBER           /* of one paper among several */
} ehr_role_e;


#define EHR_FIELDS_MAX  128   /* in a section; the generator checks it */


typedef struct {
    const char  *name;        /* "MA_THUOC" */
    const char  *path;        /* below the row's element, often its name */
    const char  *code;        /* "xml2.ma_thuoc", begins finding codes */
    const char  *label[2];    /* by ehr_lang_e */
    const char  *codes;       /* allowed values, a space between; or NULL */
    const char  *codes_rule;
    uint32_t     longest;     /* characters, or digits of a number; 0: any.
                                 Beyond it is an error */
    uint32_t     official;    /* beyond it is a warning; 0: none */
    uint8_t      name_len;
    uint8_t      type;        /* ehr_field_type_e */
    uint8_t      required;    /* ehr_required_e */
    uint8_t      role;        /* ehr_role_e */
    uint8_t      severity;    /* of a broken rule; ehr_severity_e */
    uint8_t      id;          /* in ehr_fields.h, the same in all standards */
    uint8_t      codes_severity;
    char         codes_list;  /* between several codes in one value; 0: one */
} ehr_field_t;


typedef struct {
    const char         *name;       /* "XML2" */
    const char         *code;       /* "xml2" */
    const char         *label[2];
    const char         *root;
    const char         *list;       /* NULL: one row; of JSON: the member */
    const char         *row;        /* NULL: its fields stand in the root */
    const char         *date_tag;   /* "<NGAY_RA>" or NULL: its date decides
                                       which standard applies */
    ehr_kind_e          kind;       /* of a document of its own, or UNKNOWN */
    uint8_t             is_inner;   /* travels inside an envelope */
    uint8_t             severity;   /* WARNING: nothing in it refuses yet */
    uint32_t            order;      /* ascending in a claim */
    const ehr_field_t  *fields;     /* in the official order */
    uint32_t            nfields;
    const uint8_t      *sorted;     /* indexes, ascending by strcmp() */
    uint32_t            id;         /* in ehr_fields.h */
    uint32_t            nids;       /* fields of all standards */
    const ehr_str_t    *names;      /* by the fields' ids */
    uint8_t             is_json;
} ehr_section_table_t;


typedef struct {
    const char                 *name;        /* "qd3176" */
    uint32_t                    valid_from;  /* yyyymmdd */
    const ehr_section_table_t  *sections;
    uint32_t                    nsections;
} ehr_standard_t;


/* Ascending by valid_from. */
extern const ehr_standard_t  ehr_standards[];
extern const uint32_t        ehr_nstandards;


/* NULL when the name is none. */
const ehr_standard_t *ehr_standard_of_name(ehr_str_t name);

/* Of those that know the kind the newest one valid on that day (yyyymmdd);
 * the oldest for a day before all; the newest for 0; NULL: none knows it. */
const ehr_standard_t *ehr_standard_of_kind(ehr_kind_e kind, uint32_t day);

/* The same for claims. */
const ehr_standard_t *ehr_standard_of_date(uint32_t day);

/* "XML2"; NULL when the standard has no such section. */
const ehr_section_table_t *ehr_standard_section(const ehr_standard_t *standard,
                                                ehr_str_t name);

/* The section whose document of its own is of that kind, or NULL. */
const ehr_section_table_t *ehr_standard_kind(const ehr_standard_t *standard,
                                             ehr_kind_e kind);

/* The section whose XML document of its own has that root, or NULL. */
const ehr_section_table_t *ehr_standard_root(const ehr_standard_t *standard,
                                             ehr_str_t root);

/* Position of a field, nfields when it is unknown; guess is tried first:
 * writers keep the official order. */
uint32_t ehr_table_find(const ehr_section_table_t *table, ehr_str_t name,
                        uint32_t guess);


#endif /* EHR_TABLE_H */
