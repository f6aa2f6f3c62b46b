/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Fields that a code in another field of their row asks for, by the tables of
 * fields (rules N2, R.*), and the days that go with them.  What rules.md calls
 * R1 to R9 is in required.c.
 */

#include "claims.h"

#include "ehr_needs.h"


#define NEED_SOURCE    "QĐ 4750/QĐ-BYT, Phụ lục"
#define NEED_PRACTICE  "; phần mềm kiểm tra đã công bố"


static void needs_hold(ehr_check_t *check);
static void needs_of_hiv(ehr_check_t *check);
static void needs_arv_days(ehr_check_t *check);


const ehr_rule_t  claims_need_rules[] = {

    { "N2", EHR_CLASS_C,
      "XML9: sinh con phẫu thuật hoặc dưới 32 tuần thì GHI_CHU phải ghi rõ",
      "XML9: a birth by surgery or before 32 weeks needs words in GHI_CHU",
      "Hướng dẫn bảng 9, QĐ 4750/QĐ-BYT", needs_hold },

    { "R.LOAI_DTRI_LAO", EHR_CLASS_S,
      "XML6: LOAI_DTRI_LAO khác 0 thì phải có PHACDO_DTRI_LAO, "
      "NGAYBD_DTRI_LAO, NGAYKT_DTRI_LAO",
      "XML6: unless LOAI_DTRI_LAO is 0, PHACDO_DTRI_LAO, NGAYBD_DTRI_LAO and "
      "NGAYKT_DTRI_LAO must be filled",
      NEED_SOURCE ", XML6", needs_of_hiv },

    { "R.MA_TINH_TRANG_DK", EHR_CLASS_S,
      "XML6: MA_TINH_TRANG_DK có mã 1 thì phải có LAN_XN_PCR, NGAY_XN_PCR, "
      "NGAY_KQ_XN_PCR, MA_KQ_XN_PCR",
      "XML6: where MA_TINH_TRANG_DK has code 1, LAN_XN_PCR, NGAY_XN_PCR, "
      "NGAY_KQ_XN_PCR and MA_KQ_XN_PCR must be filled",
      NEED_SOURCE ", XML6", needs_of_hiv },

    { "R.MA_XU_TRI", EHR_CLASS_S,
      "XML6: MA_XU_TRI có mã 1 thì phải có NGAY_BAT_DAU_XU_TRI, "
      "NGAY_KET_THUC_XU_TRI, SO_NGAY_CAP_THUOC_ARV",
      "XML6: where MA_XU_TRI has code 1, NGAY_BAT_DAU_XU_TRI, "
      "NGAY_KET_THUC_XU_TRI and SO_NGAY_CAP_THUOC_ARV must be filled",
      NEED_SOURCE ", XML6", needs_of_hiv },

    { "R.MA_PHAC_DO_DIEU_TRI", EHR_CLASS_S,
      "XML6: MA_PHAC_DO_DIEU_TRI là KHAC thì phải có MA_BAC_PHAC_DO",
      "XML6: where MA_PHAC_DO_DIEU_TRI is KHAC, MA_BAC_PHAC_DO must be filled",
      NEED_SOURCE ", XML6", needs_of_hiv },

    { "R.SO_NGAY_CAP_THUOC_ARV", EHR_CLASS_C,
      "XML6: SO_NGAY_CAP_THUOC_ARV nhiều hơn số ngày từ NGAY_BAT_DAU_XU_TRI "
      "đến NGAY_KET_THUC_XU_TRI",
      "XML6: SO_NGAY_CAP_THUOC_ARV is more than NGAY_KET_THUC_XU_TRI less "
      "NGAY_BAT_DAU_XU_TRI",
      NEED_SOURCE ", XML6", needs_arv_days },

    { "R.MA_LOAI_KCB", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: MA_LOAI_KCB là 03, 04, 09 thì thường phải có NGAY_VAO_NOI_TRU và "
      "LY_DO_VNT",
      "XML1: where MA_LOAI_KCB is 03, 04 or 09, NGAY_VAO_NOI_TRU and "
      "LY_DO_VNT should be filled",
      NEED_SOURCE ", XML1" NEED_PRACTICE, needs_hold },

    { "R.MA_GIUONG", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML3: ngày giường (MA_NHOM 14, 15, 16) thường phải có MA_GIUONG",
      "XML3: bed days (MA_NHOM 14, 15, 16) should have MA_GIUONG",
      NEED_SOURCE ", XML3" NEED_PRACTICE, needs_hold },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


#define TREATED  "1 2 3"    /* LOAI_DTRI_LAO, without 0: none */
#define STAYS    "03 04 09"
#define BEDS     "14 15 16"


static const ehr_need_t  need_lines[] = {
    { "N2", EHR_SECTION_XML9, EHR_XML9_GHI_CHU, EHR_XML9_SINHCON_PHAUTHUAT,
      "1" },
    { "N2", EHR_SECTION_XML9, EHR_XML9_GHI_CHU, EHR_XML9_SINHCON_DUOI32TUAN,
      "1" },

    { "R.MA_LOAI_KCB", EHR_SECTION_XML1, EHR_XML1_NGAY_VAO_NOI_TRU,
      EHR_XML1_MA_LOAI_KCB, STAYS },
    { "R.MA_LOAI_KCB", EHR_SECTION_XML1, EHR_XML1_LY_DO_VNT,
      EHR_XML1_MA_LOAI_KCB, STAYS },

    { "R.MA_GIUONG", EHR_SECTION_XML3, EHR_XML3_MA_GIUONG,
      EHR_XML3_MA_NHOM, BEDS }
};


static const ehr_need_t  hiv_lines[] = {
    { "R.LOAI_DTRI_LAO", EHR_SECTION_XML6, EHR_XML6_PHACDO_DTRI_LAO,
      EHR_XML6_LOAI_DTRI_LAO, TREATED },
    { "R.LOAI_DTRI_LAO", EHR_SECTION_XML6, EHR_XML6_NGAYBD_DTRI_LAO,
      EHR_XML6_LOAI_DTRI_LAO, TREATED },
    { "R.LOAI_DTRI_LAO", EHR_SECTION_XML6, EHR_XML6_NGAYKT_DTRI_LAO,
      EHR_XML6_LOAI_DTRI_LAO, TREATED },

    { "R.MA_TINH_TRANG_DK", EHR_SECTION_XML6, EHR_XML6_LAN_XN_PCR,
      EHR_XML6_MA_TINH_TRANG_DK, "1" },
    { "R.MA_TINH_TRANG_DK", EHR_SECTION_XML6, EHR_XML6_NGAY_XN_PCR,
      EHR_XML6_MA_TINH_TRANG_DK, "1" },
    { "R.MA_TINH_TRANG_DK", EHR_SECTION_XML6, EHR_XML6_NGAY_KQ_XN_PCR,
      EHR_XML6_MA_TINH_TRANG_DK, "1" },
    { "R.MA_TINH_TRANG_DK", EHR_SECTION_XML6, EHR_XML6_MA_KQ_XN_PCR,
      EHR_XML6_MA_TINH_TRANG_DK, "1" },

    { "R.MA_XU_TRI", EHR_SECTION_XML6, EHR_XML6_NGAY_BAT_DAU_XU_TRI,
      EHR_XML6_MA_XU_TRI, "1" },
    { "R.MA_XU_TRI", EHR_SECTION_XML6, EHR_XML6_NGAY_KET_THUC_XU_TRI,
      EHR_XML6_MA_XU_TRI, "1" },
    { "R.MA_XU_TRI", EHR_SECTION_XML6, EHR_XML6_SO_NGAY_CAP_THUOC_ARV,
      EHR_XML6_MA_XU_TRI, "1" },

    { "R.MA_PHAC_DO_DIEU_TRI", EHR_SECTION_XML6, EHR_XML6_MA_BAC_PHAC_DO,
      EHR_XML6_MA_PHAC_DO_DIEU_TRI, "KHAC" }
};


static void
needs_hold(ehr_check_t *check)
{
    static const ehr_needs_t  needs = ehr_needs(need_lines);

    ehr_check_needs(check, &needs);
}


/* Which fields table 6 had before decision 4750 nobody says. */

static int
is_qd130(const ehr_check_t *check)
{
    return ehr_text_is(check->doc->standard, "qd130");
}


static void
needs_of_hiv(ehr_check_t *check)
{
    static const ehr_needs_t  needs = ehr_needs(hiv_lines);

    if (!is_qd130(check)) {
        ehr_check_needs(check, &needs);
    }
}


static int
has_too_many_days(const ehr_row_t *row)
{
    ehr_day_t      first, last;
    ehr_decimal_t  days;

    return ehr_number(row, EHR_XML6_SO_NGAY_CAP_THUOC_ARV, &days)
           && ehr_day_parse(ehr_value(row, EHR_XML6_NGAY_BAT_DAU_XU_TRI),
                            &first)
           && ehr_day_parse(ehr_value(row, EHR_XML6_NGAY_KET_THUC_XU_TRI),
                            &last)
           && days > (last - first) * EHR_DECIMAL_ONE;
}


static void
needs_arv_days(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML6);

    for (uint32_t i = 0; i < s->nrows && !is_qd130(check); i++) {
        if (has_too_many_days(&s->rows[i])) {
            ehr_fail(check, s, &s->rows[i], EHR_XML6_SO_NGAY_CAP_THUOC_ARV);
        }
    }
}
