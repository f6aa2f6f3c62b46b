/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Fields that a code in another field of their row asks for, by the tables of
 * fields (rule N2).  What MA_NHOM of XML2 and XML3 asks for is in required.c.
 */

#include "claims.h"

#include "ehr_needs.h"


static void needs_hold(ehr_check_t *check);


const ehr_rule_t  claims_need_rules[] = {

    { "N2", EHR_CLASS_C,
      "XML9: sinh con phẫu thuật hoặc dưới 32 tuần thì GHI_CHU phải ghi rõ",
      "XML9: a birth by surgery or before 32 weeks needs words in GHI_CHU",
      "Hướng dẫn bảng 9, QĐ 4750/QĐ-BYT", needs_hold },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static const ehr_need_t  need_lines[] = {
    { "N2", EHR_SECTION_XML9, EHR_XML9_GHI_CHU, EHR_XML9_SINHCON_PHAUTHUAT,
      "1" },
    { "N2", EHR_SECTION_XML9, EHR_XML9_GHI_CHU, EHR_XML9_SINHCON_DUOI32TUAN,
      "1" }
};


static void
needs_hold(ehr_check_t *check)
{
    static const ehr_needs_t  needs = ehr_needs(need_lines);

    ehr_check_needs(check, &needs);
}
