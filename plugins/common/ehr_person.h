/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Persons of a document: whether number, birth, sex and papers agree with
 * each other.  The rules are the same in every kind of document; a validator
 * says only in which fields its persons stand.
 */

#ifndef EHR_PERSON_H
#define EHR_PERSON_H


#include "ehr_rules.h"


/* Fields of one section, EHR_NO_FIELD where there is none; a section with
 * rows has a person a row. */

typedef struct {
    uint32_t     section;
    uint32_t     number;        /* SO_CCCD */
    uint32_t     birth;
    uint32_t     sex;
    uint32_t     nationality;
    uint32_t     name;
    uint32_t     issued;        /* of the number's paper */
    uint32_t     issuer;
    uint32_t     day;           /* for which the age counts */
    const char  *sexes;         /* the codes of male and female: "12" */
} ehr_person_t;


/* The insurance card of a visit; lists in XML1, one value in a check-in. */

typedef struct {
    uint32_t     section;
    uint32_t     card;          /* MA_THE_BHYT */
    uint32_t     facility;      /* MA_DKBD */
    uint32_t     from;          /* GT_THE_TU */
    uint32_t     until;         /* GT_THE_DEN */
    uint32_t     kind;          /* MA_DOITUONG_KCB */
    uint32_t     arrival;       /* NGAY_VAO */
    uint32_t     is_list;
} ehr_card_t;


/* A card in another paper, which is held to its form. */

typedef struct {
    uint32_t     section;
    uint32_t     card;
    uint32_t     is_list;
} ehr_paper_card_t;


/* What check->data begins with in a validator that has these tables. */

typedef struct {
    const ehr_person_t  *people;
    size_t               npeople;
    const ehr_card_t    *card;    /* NULL: no card in this kind of document */
    ehr_day_t            today;

    const ehr_paper_card_t  *papers;
    size_t                   npapers;
} ehr_subject_t;


extern const ehr_rule_t  ehr_person_rules[];
extern const ehr_rule_t  ehr_person_paper_rules[];      /* issued, issuer */
extern const ehr_rule_t  ehr_person_nation_rules[];     /* nationality */
extern const ehr_rule_t  ehr_card_rules[];


typedef enum {
    EHR_ID_NONE,
    EHR_ID_CITIZEN,       /* 12 digits */
    EHR_ID_OLD,           /* 9 digits */
    EHR_ID_PASSPORT,      /* a capital letter and 7 digits */
    EHR_ID_DUMMY,         /* 12 or 9 digits that nobody has */
    EHR_ID_SHORT,         /* 11 digits: a citizen's without its first 0 */
    EHR_ID_SPOILED,       /* one of the first three, and signs between */
    EHR_ID_OTHER
} ehr_id_form_e;

ehr_id_form_e ehr_id_form(ehr_str_t number);

/* As it stands it is none of the forms, though it may be meant for one. */
int ehr_id_is_formless(ehr_str_t number);

/* Digits and nothing else, and as many as no form has. */
int ehr_id_is_miscounted(ehr_str_t number);

/* yyyyMMdd, with HHmm or HHmmss or without, or dd/MM/yyyy.  1, or 0. */
int ehr_person_day(ehr_str_t text, ehr_day_t *day);

/* The year of these, or of four digits, or of yyyy0000; 0: none. */
uint32_t ehr_person_year(ehr_str_t text);


#endif /* EHR_PERSON_H */
