/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Days and times of a claim: their order, and how many days are counted
 * (rules D1 to D17).
 */

#include "claims.h"


static void time_d1(ehr_check_t *check);


const ehr_rule_t  claims_time_rules[] = {

    { "D1", EHR_CLASS_C,
      "XML1: phải có NGAY_VAO ≤ NGAY_VAO_NOI_TRU ≤ NGAY_RA",
      "XML1: NGAY_VAO ≤ NGAY_VAO_NOI_TRU ≤ NGAY_RA must hold",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", time_d1 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static void
time_d1(ehr_check_t *check)
{
    static const uint32_t  order[] = { EHR_XML1_NGAY_VAO,
                                       EHR_XML1_NGAY_VAO_NOI_TRU,
                                       EHR_XML1_NGAY_RA };

    const ehr_row_t  *row = claim_of(check)->xml1;
    ehr_minute_t      last = INT64_MIN, minute;

    if (row == NULL) {
        return;
    }

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!ehr_time(row, order[i], &minute)) {
            continue;
        }

        if (minute < last) {
            ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), row,
                     order[i]);

            return;
        }

        last = minute;
    }
}
