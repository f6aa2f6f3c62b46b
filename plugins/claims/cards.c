/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance card in XML1 (rules K1 to K12).
 */

#include "claims.h"


static void card_k4(ehr_check_t *check);


const ehr_rule_t  claims_card_rules[] = {

    { "K4", EHR_CLASS_C,
      "XML1: MA_THE_BHYT, MA_DKBD, GT_THE_TU, GT_THE_DEN phải có cùng số "
      "phần tử, cách nhau bằng dấu chấm phẩy",
      "XML1: MA_THE_BHYT, MA_DKBD, GT_THE_TU, GT_THE_DEN must have the same "
      "number of parts, a semicolon between",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 20", card_k4 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* Fields that are empty are told by others (K9, K11). */

static void
card_k4(ehr_check_t *check)
{
    static const uint32_t  beside[] = { EHR_XML1_MA_DKBD, EHR_XML1_GT_THE_TU,
                                        EHR_XML1_GT_THE_DEN };

    const ehr_row_t  *row = claim_of(check)->xml1;
    size_t            cards;

    if (row == NULL) {
        return;
    }

    cards = ehr_list_count(ehr_value(row, EHR_XML1_MA_THE_BHYT), ';');

    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        size_t  parts = ehr_list_count(ehr_value(row, beside[i]), ';');

        if (cards > 0 && parts > 0 && parts != cards) {
            ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), row,
                     beside[i]);
        }
    }
}
