/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The money of a claim, read once: the rows of XML2 and XML3 as numbers, side
 * by side under the same names, and their sums.  What these numbers should be
 * is said by the rules.
 */

#ifndef EHR_CLAIMS_MONEY_H
#define EHR_CLAIMS_MONEY_H


#include "claims.h"


/* Of one row.  XML2 has one price, which is both, and no TYLE_TT_DV, which
 * is then 100. */

enum {
    LINE_SO_LUONG,
    LINE_DON_GIA_BV,
    LINE_DON_GIA_BH,
    LINE_TYLE_TT_DV,
    LINE_TYLE_TT_BH,
    LINE_MUC_HUONG,
    LINE_THANH_TIEN_BV,
    LINE_THANH_TIEN_BH,
    LINE_T_NGUONKHAC_NSNN,
    LINE_T_NGUONKHAC_VTNN,
    LINE_T_NGUONKHAC_VTTN,
    LINE_T_NGUONKHAC_CL,
    LINE_T_NGUONKHAC,
    LINE_T_BNTT,
    LINE_T_BNCCT,
    LINE_T_BHTT,
    LINE_NVALUES
};

#define LINE_BIT(value)  (1u << (value))


typedef struct {
    const ehr_section_t  *section;
    const ehr_row_t      *row;
    const uint32_t       *fields;   /* of the values, in that section */
    uint32_t              known;    /* LINE_BIT()s of values that were read */
    uint16_t              group;    /* MA_NHOM; 0: none that is a number */
    uint8_t               scope;    /* PHAM_VI, likewise */
    uint8_t               method;   /* MA_PTTT, likewise */
    ehr_decimal_t         values[LINE_NVALUES];
} line_t;


/* Over all rows, unless said. */

enum {
    SUM_DRUGS_BV,             /* XML2 */
    SUM_MATERIALS_BV,         /* XML3, MA_NHOM 10 and 11 */
    SUM_BV,
    SUM_BH,
    SUM_BNTT,
    SUM_BNCCT,
    SUM_BHTT,
    SUM_BHTT_SERVICES,        /* MA_PTTT 1 */
    SUM_NGUONKHAC,
    SUM_NSUMS
};


struct claim_money_s {
    const line_t   *xml2;     /* up to xml3 */
    const line_t   *xml3;     /* up to end */
    const line_t   *end;
    uint32_t        known;    /* bits of sums every part of which was read */
    ehr_decimal_t   sums[SUM_NSUMS];
};


/* --- rows ---------------------------------------------------------------- */


static inline int
line_knows(const line_t *line, uint32_t bits)
{
    return (line->known & bits) == bits;
}


static inline int
line_is_material(const line_t *line)
{
    return line->group == 10 || line->group == 11;
}


static inline void
line_fail(ehr_check_t *check, const line_t *line, unsigned value)
{
    ehr_fail(check, line->section, line->row, line->fields[value]);
}


/* T_TRANTT of a row of XML3; 0: it has none (some programs write 0). */

static inline int
line_ceiling(const line_t *line, ehr_decimal_t *ceiling)
{
    return ehr_number(line->row, EHR_XML3_T_TRANTT, ceiling) && *ceiling > 0;
}


/* --- the rest ------------------------------------------------------------ */


static inline const claim_money_t *
money_of(const ehr_check_t *check)
{
    return claim_of(check)->money;
}


static inline int
money_is_near(const ehr_check_t *check, ehr_decimal_t a, ehr_decimal_t b)
{
    return ehr_decimal_is_near(a, b, claim_of(check)->tolerance);
}


/* XML1 says there is no insurance (MA_DOITUONG_KCB 9). */
int money_is_uninsured(const ehr_check_t *check);

/* XML1 says the patient came the right way (1.x) or in an emergency (2). */
int money_is_right_route(const ehr_check_t *check);

/* One of the cards begins with one of these words: "CC TE". */
int money_has_card(const ehr_check_t *check, const char *words);


#endif /* EHR_CLAIMS_MONEY_H */
