/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The kinds of document: what each is recognised by, what it is filed under,
 * and where its number names the facility that gave it.
 */

#ifndef EHR_KIND_H
#define EHR_KIND_H


#include "ehr.h"
#include "ehr_document.h"


/* By the root element of an XML document; EHR_KIND_UNKNOWN. */
ehr_kind_e ehr_kind_of_root(ehr_str_t root);

/* The facility inside a number of that kind's form (MA_GCS, MA_GBT, SO), of
 * a form that has one.  EHR_REFUSED: the number is not of that form. */
ehr_rc_t ehr_kind_facility(ehr_kind_e kind, ehr_str_t number,
                           ehr_str_t *facility);

/*
 * The business key of what was read: first the key of its first row, then,
 * where the kind wants it, what else belongs to it.  Empty when a part of it
 * is missing, data NULL also without memory.
 */
typedef struct {
    ehr_kind_e            kind;
    ehr_str_t             key;
    ehr_str_t             facility;
    const ehr_section_t  *sections;   /* by the ids of ehr_fields.h */
} ehr_kind_facts_t;

ehr_rc_t ehr_kind_key(const ehr_kind_facts_t *facts, ehr_arena_t *arena,
                      ehr_str_t *key);


#endif /* EHR_KIND_H */
