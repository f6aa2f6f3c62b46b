/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads the rows of XML2 and XML3 as numbers, once for all rules, and adds
 * them up.  A number that cannot be read makes the sums it belongs to
 * unknown; whether it had to be there is said by others.  So are the sums of
 * a section that could not be read, and those that only repeat that one is
 * missing.
 */

#include "money.h"


static const uint32_t  xml2_fields[LINE_NVALUES] = {
    [LINE_SO_LUONG] = EHR_XML2_SO_LUONG,
    [LINE_DON_GIA_BV] = EHR_XML2_DON_GIA,
    [LINE_DON_GIA_BH] = EHR_XML2_DON_GIA,
    [LINE_TYLE_TT_DV] = EHR_NO_FIELD,
    [LINE_TYLE_TT_BH] = EHR_XML2_TYLE_TT_BH,
    [LINE_MUC_HUONG] = EHR_XML2_MUC_HUONG,
    [LINE_THANH_TIEN_BV] = EHR_XML2_THANH_TIEN_BV,
    [LINE_THANH_TIEN_BH] = EHR_XML2_THANH_TIEN_BH,
    [LINE_T_NGUONKHAC_NSNN] = EHR_XML2_T_NGUONKHAC_NSNN,
    [LINE_T_NGUONKHAC_VTNN] = EHR_XML2_T_NGUONKHAC_VTNN,
    [LINE_T_NGUONKHAC_VTTN] = EHR_XML2_T_NGUONKHAC_VTTN,
    [LINE_T_NGUONKHAC_CL] = EHR_XML2_T_NGUONKHAC_CL,
    [LINE_T_NGUONKHAC] = EHR_XML2_T_NGUONKHAC,
    [LINE_T_BNTT] = EHR_XML2_T_BNTT,
    [LINE_T_BNCCT] = EHR_XML2_T_BNCCT,
    [LINE_T_BHTT] = EHR_XML2_T_BHTT
};


static const uint32_t  xml3_fields[LINE_NVALUES] = {
    [LINE_SO_LUONG] = EHR_XML3_SO_LUONG,
    [LINE_DON_GIA_BV] = EHR_XML3_DON_GIA_BV,
    [LINE_DON_GIA_BH] = EHR_XML3_DON_GIA_BH,
    [LINE_TYLE_TT_DV] = EHR_XML3_TYLE_TT_DV,
    [LINE_TYLE_TT_BH] = EHR_XML3_TYLE_TT_BH,
    [LINE_MUC_HUONG] = EHR_XML3_MUC_HUONG,
    [LINE_THANH_TIEN_BV] = EHR_XML3_THANH_TIEN_BV,
    [LINE_THANH_TIEN_BH] = EHR_XML3_THANH_TIEN_BH,
    [LINE_T_NGUONKHAC_NSNN] = EHR_XML3_T_NGUONKHAC_NSNN,
    [LINE_T_NGUONKHAC_VTNN] = EHR_XML3_T_NGUONKHAC_VTNN,
    [LINE_T_NGUONKHAC_VTTN] = EHR_XML3_T_NGUONKHAC_VTTN,
    [LINE_T_NGUONKHAC_CL] = EHR_XML3_T_NGUONKHAC_CL,
    [LINE_T_NGUONKHAC] = EHR_XML3_T_NGUONKHAC,
    [LINE_T_BNTT] = EHR_XML3_T_BNTT,
    [LINE_T_BNCCT] = EHR_XML3_T_BNCCT,
    [LINE_T_BHTT] = EHR_XML3_T_BHTT
};


/* --- rows ---------------------------------------------------------------- */


/* A code of one or two digits, else 0. */

static uint8_t
line_code(ehr_str_t text)
{
    unsigned  code = 0;

    if (text.len > 2 || !ehr_text_is_digits(text)) {
        return 0;
    }

    for (size_t i = 0; i < text.len; i++) {
        code = 10 * code + (unsigned) (text.data[i] - '0');
    }

    return (uint8_t) code;
}


static void
line_read(line_t *line)
{
    line->known = 0;

    for (unsigned i = 0; i < LINE_NVALUES; i++) {
        line->values[i] = 0;

        if (line->fields[i] == EHR_NO_FIELD) {
            line->values[i] = 100 * EHR_DECIMAL_ONE;
            line->known |= LINE_BIT(i);

        } else if (ehr_number(line->row, line->fields[i], &line->values[i])) {
            line->known |= LINE_BIT(i);
        }
    }
}


static line_t *
lines_of_xml2(line_t *line, const ehr_section_t *section)
{
    for (uint32_t i = 0; i < section->nrows; i++, line++) {
        const ehr_row_t  *row = &section->rows[i];

        line->section = section;
        line->row = row;
        line->fields = xml2_fields;
        line->group = line_code(ehr_value(row, EHR_XML2_MA_NHOM));
        line->scope = line_code(ehr_value(row, EHR_XML2_PHAM_VI));
        line->method = line_code(ehr_value(row, EHR_XML2_MA_PTTT));
        line_read(line);
    }

    return line;
}


static line_t *
lines_of_xml3(line_t *line, const ehr_section_t *section)
{
    for (uint32_t i = 0; i < section->nrows; i++, line++) {
        const ehr_row_t  *row = &section->rows[i];

        line->section = section;
        line->row = row;
        line->fields = xml3_fields;
        line->group = line_code(ehr_value(row, EHR_XML3_MA_NHOM));
        line->scope = line_code(ehr_value(row, EHR_XML3_PHAM_VI));
        line->method = line_code(ehr_value(row, EHR_XML3_MA_PTTT));
        line_read(line);
    }

    return line;
}


/* --- sums ---------------------------------------------------------------- */


/* A sum beyond the range stays at its end, where no total is equal to it. */

static void
money_add(claim_money_t *money, unsigned sum, const line_t *line,
          unsigned value)
{
    if (!line_knows(line, LINE_BIT(value))) {
        money->known &= ~LINE_BIT(sum);

    } else if (!ehr_decimal_add(&money->sums[sum], line->values[value])) {
        money->sums[sum] = INT64_MAX;
    }
}


/* Sums of some rows: a row that may or may not belong spoils them. */

static void
money_add_some(claim_money_t *money, const line_t *line)
{
    if (line < money->xml3) {
        money_add(money, SUM_DRUGS_BV, line, LINE_THANH_TIEN_BV);

    } else if (line_is_material(line)) {
        money_add(money, SUM_MATERIALS_BV, line, LINE_THANH_TIEN_BV);

    } else if (line->group == 0) {
        money->known &= ~LINE_BIT(SUM_MATERIALS_BV);
    }

    if (line->method == 1) {
        money_add(money, SUM_BHTT_SERVICES, line, LINE_T_BHTT);

    } else if (line->method == 0) {
        money->known &= ~LINE_BIT(SUM_BHTT_SERVICES);
    }
}


static void
money_sum(claim_money_t *money)
{
    for (const line_t *line = money->xml2; line < money->end; line++) {
        money_add(money, SUM_BV, line, LINE_THANH_TIEN_BV);
        money_add(money, SUM_BH, line, LINE_THANH_TIEN_BH);
        money_add(money, SUM_BNTT, line, LINE_T_BNTT);
        money_add(money, SUM_BNCCT, line, LINE_T_BNCCT);
        money_add(money, SUM_BHTT, line, LINE_T_BHTT);
        money_add(money, SUM_NGUONKHAC, line, LINE_T_NGUONKHAC);
        money_add_some(money, line);
    }
}


/* --- a section that is missing ------------------------------------------- */


/* How much more XML1 says than the rows; 0: that is not known, or not more. */

static ehr_decimal_t
money_excess(const ehr_check_t *check, const claim_money_t *money,
             uint32_t field, unsigned sum)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_decimal_t     total;

    if (xml1 == NULL || (money->known & LINE_BIT(sum)) == 0
        || !ehr_number(xml1, field, &total) || total <= money->sums[sum]
        || money_is_near(check, total, money->sums[sum]))
    {
        return 0;
    }

    return total - money->sums[sum];
}


/* Its rows are missing in every sum.  One of XML1's totals says so: that of
 * the drugs, that of the materials, or that of all; the others are left
 * unknown.  Of who is not insured XML1 and XML8 are enough (CV 4395/2023):
 * only L4 tells. */

static void
money_missing(const ehr_check_t *check, claim_money_t *money)
{
    static const uint32_t  parts = LINE_BIT(SUM_DRUGS_BV)
                                   | LINE_BIT(SUM_MATERIALS_BV);

    int            has_drugs = money->xml2 < money->xml3;
    int            has_services = money->xml3 < money->end;
    ehr_decimal_t  all, drugs, materials;

    all = money_excess(check, money, EHR_XML1_T_TONGCHI_BV, SUM_BV);
    drugs = money_excess(check, money, EHR_XML1_T_THUOC, SUM_DRUGS_BV);
    materials = money_excess(check, money, EHR_XML1_T_VTYT,
                             SUM_MATERIALS_BV);

    if (all == 0) {
        return;
    }

    if (!has_services && !has_drugs && money_is_uninsured(check)) {
        money->known = 0;

    } else if (has_services && !has_drugs && drugs != 0
        && money_is_near(check, all, drugs))
    {
        money->known &= parts;

    } else if (!has_services) {
        money->known &= has_drugs && materials ? parts : LINE_BIT(SUM_BV);
    }
}


const claim_money_t *
claims_money_read(const ehr_check_t *check)
{
    const ehr_section_t  *xml2 = ehr_section(check, EHR_SECTION_XML2);
    const ehr_section_t  *xml3 = ehr_section(check, EHR_SECTION_XML3);
    size_t                n = (size_t) xml2->nrows + xml3->nrows;
    claim_money_t        *money;
    line_t               *line;

    money = check->host->alloc(check->call, sizeof(claim_money_t));
    line = check->host->alloc(check->call, (n ? n : 1) * sizeof(line_t));

    if (money == NULL || line == NULL) {
        return NULL;
    }

    memset(money, 0, sizeof(claim_money_t));
    money->known = LINE_BIT(SUM_NSUMS) - 1;

    money->xml2 = line;
    line = lines_of_xml2(line, xml2);
    money->xml3 = line;
    money->end = lines_of_xml3(line, xml3);

    money_sum(money);

    if (ehr_is_unread(xml2) || ehr_is_unread(xml3)) {
        money->known = 0;

    } else {
        money_missing(check, money);
    }

    return money;
}


/* --- XML1 ---------------------------------------------------------------- */


int
money_is_uninsured(const ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 && ehr_text_is(ehr_value(xml1, EHR_XML1_MA_DOITUONG_KCB), "9");
}


int
money_is_right_route(const ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_str_t         code;

    if (xml1 == NULL) {
        return 0;
    }

    code = ehr_value(xml1, EHR_XML1_MA_DOITUONG_KCB);

    return ehr_text_is(code, "2")
           || (code.len > 2 && memcmp(code.data, "1.", 2) == 0);
}


int
money_has_card(const ehr_check_t *check, const char *words)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_list_t        cards;
    ehr_str_t         card;

    if (xml1 == NULL) {
        return 0;
    }

    cards = ehr_list(ehr_value(xml1, EHR_XML1_MA_THE_BHYT), ';');

    while (ehr_list_next(&cards, &card)) {
        if (card.len > 2) {
            card.len = 2;
        }

        if (ehr_text_in(card, words)) {
            return 1;
        }
    }

    return 0;
}
