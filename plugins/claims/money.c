/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Money of a claim: rows of XML2 and XML3 by themselves, and what XML1 says
 * of their sums (rules M1 to M30).
 */

#include "claims.h"


static void money_m1(ehr_check_t *check);
static void money_m2(ehr_check_t *check);


const ehr_rule_t  claims_money_rules[] = {

    { "M1", EHR_CLASS_C,
      "XML2: THANH_TIEN_BV phải bằng SO_LUONG × DON_GIA",
      "XML2: THANH_TIEN_BV must be SO_LUONG × DON_GIA",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2; mã chặn 47", money_m1 },

    { "M2", EHR_CLASS_C,
      "XML2: THANH_TIEN_BH phải bằng SO_LUONG × DON_GIA × TYLE_TT_BH / 100",
      "XML2: THANH_TIEN_BH must be SO_LUONG × DON_GIA × TYLE_TT_BH / 100",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2; mã chặn 3", money_m2 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static void
money_m1(ehr_check_t *check)
{
    const ehr_section_t  *xml2 = ehr_section(check, EHR_SECTION_XML2);
    ehr_decimal_t         factors[2], product, amount;

    for (uint32_t i = 0; i < xml2->nrows; i++) {
        const ehr_row_t  *row = &xml2->rows[i];

        if (ehr_number(row, EHR_XML2_SO_LUONG, &factors[0])
            && ehr_number(row, EHR_XML2_DON_GIA, &factors[1])
            && ehr_number(row, EHR_XML2_THANH_TIEN_BV, &amount)
            && ehr_decimal_product(factors, 2, 0, &product)
            && !ehr_decimal_is_near(amount, product,
                                    claim_of(check)->tolerance))
        {
            ehr_fail(check, xml2, row, EHR_XML2_THANH_TIEN_BV);
        }
    }
}


static void
money_m2(ehr_check_t *check)
{
    const ehr_section_t  *xml2 = ehr_section(check, EHR_SECTION_XML2);
    ehr_decimal_t         factors[3], product, amount;

    for (uint32_t i = 0; i < xml2->nrows; i++) {
        const ehr_row_t  *row = &xml2->rows[i];

        if (ehr_number(row, EHR_XML2_SO_LUONG, &factors[0])
            && ehr_number(row, EHR_XML2_DON_GIA, &factors[1])
            && ehr_number(row, EHR_XML2_TYLE_TT_BH, &factors[2])
            && ehr_number(row, EHR_XML2_THANH_TIEN_BH, &amount)
            && ehr_decimal_product(factors, 3, 1, &product)
            && !ehr_decimal_is_near(amount, product,
                                    claim_of(check)->tolerance))
        {
            ehr_fail(check, xml2, row, EHR_XML2_THANH_TIEN_BH);
        }
    }
}
