/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Fields of XML6, XML13, XML14 and XML15 that repeat XML1 (rule L14): a table
 * of which is which.
 */

#include "claims.h"


static void repeat_l14(ehr_check_t *check);


const ehr_rule_t  claims_repeat_rules[] = {

    { "L14", EHR_CLASS_S,
      "XML6, XML13, XML14, XML15: trường lặp lại của XML1, nếu có giá trị, "
      "phải bằng XML1",
      "XML6, XML13, XML14, XML15: a field that repeats one of XML1 must, when "
      "filled, be equal to it",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", repeat_l14 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


typedef struct {
    uint32_t  section;
    uint32_t  field;
    uint32_t  of;         /* of XML1 */
} repeat_t;


static const repeat_t  repeats[] = {

    { EHR_SECTION_XML6, EHR_XML6_MA_THE_BHYT, EHR_XML1_MA_THE_BHYT },
    { EHR_SECTION_XML6, EHR_XML6_SO_CCCD, EHR_XML1_SO_CCCD },
    { EHR_SECTION_XML6, EHR_XML6_NGAY_SINH, EHR_XML1_NGAY_SINH },
    { EHR_SECTION_XML6, EHR_XML6_GIOI_TINH, EHR_XML1_GIOI_TINH },
    { EHR_SECTION_XML6, EHR_XML6_DIA_CHI, EHR_XML1_DIA_CHI },
    { EHR_SECTION_XML6, EHR_XML6_MATINH_CU_TRU, EHR_XML1_MATINH_CU_TRU },
    { EHR_SECTION_XML6, EHR_XML6_MAHUYEN_CU_TRU, EHR_XML1_MAHUYEN_CU_TRU },
    { EHR_SECTION_XML6, EHR_XML6_MAXA_CU_TRU, EHR_XML1_MAXA_CU_TRU },
    { EHR_SECTION_XML6, EHR_XML6_MA_CSKCB, EHR_XML1_MA_CSKCB },

    { EHR_SECTION_XML13, EHR_XML13_MA_CSKCB, EHR_XML1_MA_CSKCB },
    { EHR_SECTION_XML13, EHR_XML13_MA_NOI_DI, EHR_XML1_MA_NOI_DI },
    { EHR_SECTION_XML13, EHR_XML13_MA_NOI_DEN, EHR_XML1_MA_NOI_DEN },
    { EHR_SECTION_XML13, EHR_XML13_MA_CSKCB_DEN, EHR_XML1_MA_NOI_DEN },
    { EHR_SECTION_XML13, EHR_XML13_HO_TEN, EHR_XML1_HO_TEN },
    { EHR_SECTION_XML13, EHR_XML13_NGAY_SINH, EHR_XML1_NGAY_SINH },
    { EHR_SECTION_XML13, EHR_XML13_GIOI_TINH, EHR_XML1_GIOI_TINH },
    { EHR_SECTION_XML13, EHR_XML13_MA_QUOCTICH, EHR_XML1_MA_QUOCTICH },
    { EHR_SECTION_XML13, EHR_XML13_MA_DANTOC, EHR_XML1_MA_DANTOC },
    { EHR_SECTION_XML13, EHR_XML13_MA_NGHE_NGHIEP, EHR_XML1_MA_NGHE_NGHIEP },
    { EHR_SECTION_XML13, EHR_XML13_DIA_CHI, EHR_XML1_DIA_CHI },
    { EHR_SECTION_XML13, EHR_XML13_MA_THE_BHYT, EHR_XML1_MA_THE_BHYT },
    { EHR_SECTION_XML13, EHR_XML13_GT_THE_DEN, EHR_XML1_GT_THE_DEN },
    { EHR_SECTION_XML13, EHR_XML13_NGAY_VAO, EHR_XML1_NGAY_VAO },
    { EHR_SECTION_XML13, EHR_XML13_NGAY_VAO_NOI_TRU,
      EHR_XML1_NGAY_VAO_NOI_TRU },
    { EHR_SECTION_XML13, EHR_XML13_NGAY_RA, EHR_XML1_NGAY_RA },
    { EHR_SECTION_XML13, EHR_XML13_CHAN_DOAN_RV, EHR_XML1_CHAN_DOAN_RV },
    { EHR_SECTION_XML13, EHR_XML13_MA_BENH_CHINH, EHR_XML1_MA_BENH_CHINH },
    { EHR_SECTION_XML13, EHR_XML13_MA_BENH_KT, EHR_XML1_MA_BENH_KT },
    { EHR_SECTION_XML13, EHR_XML13_MA_BENH_YHCT, EHR_XML1_MA_BENH_YHCT },
    { EHR_SECTION_XML13, EHR_XML13_MA_LOAI_RV, EHR_XML1_MA_LOAI_RV },

    { EHR_SECTION_XML14, EHR_XML14_MA_CSKCB, EHR_XML1_MA_CSKCB },
    { EHR_SECTION_XML14, EHR_XML14_HO_TEN, EHR_XML1_HO_TEN },
    { EHR_SECTION_XML14, EHR_XML14_NGAY_SINH, EHR_XML1_NGAY_SINH },
    { EHR_SECTION_XML14, EHR_XML14_GIOI_TINH, EHR_XML1_GIOI_TINH },
    { EHR_SECTION_XML14, EHR_XML14_DIA_CHI, EHR_XML1_DIA_CHI },
    { EHR_SECTION_XML14, EHR_XML14_MA_THE_BHYT, EHR_XML1_MA_THE_BHYT },
    { EHR_SECTION_XML14, EHR_XML14_GT_THE_DEN, EHR_XML1_GT_THE_DEN },
    { EHR_SECTION_XML14, EHR_XML14_NGAY_VAO, EHR_XML1_NGAY_VAO },
    { EHR_SECTION_XML14, EHR_XML14_NGAY_VAO_NOI_TRU,
      EHR_XML1_NGAY_VAO_NOI_TRU },
    { EHR_SECTION_XML14, EHR_XML14_NGAY_RA, EHR_XML1_NGAY_RA },
    { EHR_SECTION_XML14, EHR_XML14_CHAN_DOAN_RV, EHR_XML1_CHAN_DOAN_RV },
    { EHR_SECTION_XML14, EHR_XML14_MA_BENH_CHINH, EHR_XML1_MA_BENH_CHINH },
    { EHR_SECTION_XML14, EHR_XML14_MA_BENH_KT, EHR_XML1_MA_BENH_KT },
    { EHR_SECTION_XML14, EHR_XML14_MA_BENH_YHCT, EHR_XML1_MA_BENH_YHCT },
    { EHR_SECTION_XML14, EHR_XML14_MA_DOITUONG_KCB, EHR_XML1_MA_DOITUONG_KCB },

    { EHR_SECTION_XML15, EHR_XML15_MA_BN, EHR_XML1_MA_BN },
    { EHR_SECTION_XML15, EHR_XML15_HO_TEN, EHR_XML1_HO_TEN },
    { EHR_SECTION_XML15, EHR_XML15_SO_CCCD, EHR_XML1_SO_CCCD },
    { EHR_SECTION_XML15, EHR_XML15_MA_CSKCB, EHR_XML1_MA_CSKCB }
};


/* QĐ 3176 allows lists where XML1 has one value: then XML1's must be there. */

static int
is_repeated(ehr_str_t value, ehr_str_t of)
{
    return value.len == 0 || ehr_text_eq(value, of)
           || (of.len > 0 && ehr_list_has(value, ';', of));
}


static void
repeat_l14(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    for (size_t n = 0;
         xml1 != NULL && n < sizeof(repeats) / sizeof(repeats[0]);
         n++)
    {
        const ehr_section_t  *s = ehr_section(check, repeats[n].section);
        ehr_str_t             of = ehr_value(xml1, repeats[n].of);

        for (uint32_t i = 0; i < s->nrows; i++) {
            if (!is_repeated(ehr_value(&s->rows[i], repeats[n].field), of)) {
                ehr_fail(check, s, &s->rows[i], repeats[n].field);
            }
        }
    }
}
