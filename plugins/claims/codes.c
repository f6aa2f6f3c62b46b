/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lists of codes with their days (rules C.*).  Lists that never changed are
 * columns of the tables of fields, and checked there.
 */

#include "codes.h"
#include "ehr_visit.h"


static void codes_ket_qua_dtri(ehr_check_t *check);
static void codes_loai_kcb(ehr_check_t *check);
static void codes_loai_kcb_2026(ehr_check_t *check);
static void codes_doituong_kcb(ehr_check_t *check);
static void codes_tai_nan(ehr_check_t *check);
static void codes_vo_cam(ehr_check_t *check);
static void codes_lydo_ct(ehr_check_t *check);


const ehr_rule_t  claims_codelist_rules[] = {

    { "C.KET_QUA_DTRI", EHR_CLASS_C,
      "XML1, XML8: mã KET_QUA_DTRI chưa có hiệu lực vào ngày ra viện (8 chỉ "
      "dùng từ 01/01/2024)",
      "XML1, XML8: the code in KET_QUA_DTRI was not in force on the day of "
      "discharge (8 only from 01/01/2024)",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 25", codes_ket_qua_dtri },

    { "C.MA_LOAI_KCB", EHR_CLASS_C,
      "XML1: MA_LOAI_KCB phải từ 01 đến 10 (từ 01/08/2026 thêm 11 đến 16)",
      "XML1: MA_LOAI_KCB must be 01 to 10 (from 01/08/2026 also 11 to 16)",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 37", codes_loai_kcb },

    { "C.MA_LOAI_KCB.2026", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML1: MA_LOAI_KCB từ 11 đến 16 theo QĐ 1804/2026 chưa được kiểm chứng",
      "XML1: MA_LOAI_KCB 11 to 16 of decision 1804/2026 has not been "
      "confirmed",
      "QĐ 1804/QĐ-BYT năm 2026 theo phần mềm đã công bố",
      codes_loai_kcb_2026 },

    { "C.MA_DOITUONG_KCB", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: MA_DOITUONG_KCB thường phải là mã đang có hiệu lực vào ngày ra "
      "viện",
      "XML1: MA_DOITUONG_KCB should be a code in force on the day of "
      "discharge",
      "QĐ 824/QĐ-BYT năm 2023, QĐ 3276/QĐ-BYT năm 2025 theo phần mềm đã công "
      "bố", codes_doituong_kcb },

    { "C.MA_TAI_NAN", EHR_CLASS_C,
      "XML1: MA_TAI_NAN phải từ 0 đến 8",
      "XML1: MA_TAI_NAN must be 0 to 8",
      "QĐ 5937/QĐ-BYT năm 2021, Phụ lục 4; mã chặn 22", codes_tai_nan },

    { "C.PP_VO_CAM", EHR_CLASS_C,
      "XML3: PP_VO_CAM phải từ 1 đến 4",
      "XML3: PP_VO_CAM must be 1 to 4",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3", codes_vo_cam },

    { "C.MA_LYDO_CT", EHR_CLASS_C,
      "XML13: MA_LYDO_CT phải từ 1 đến 3",
      "XML13: MA_LYDO_CT must be 1 to 3",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML13", codes_lydo_ct },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- lists --------------------------------------------------------------- */


/* 8, died before arrival: decision 4750. */

static const ehr_code_t  result_rows[] = {
    { "1", 0, 0 }, { "2", 0, 0 }, { "3", 0, 0 }, { "4", 0, 0 },
    { "5", 0, 0 }, { "6", 0, 0 }, { "7", 0, 0 }, { "8", 20240101, 0 }
};


static const ehr_code_t  accident_rows[] = {
    { "0", 0, 0 }, { "1", 0, 0 }, { "2", 0, 0 }, { "3", 0, 0 },
    { "4", 0, 0 }, { "5", 0, 0 }, { "6", 0, 0 }, { "7", 0, 0 },
    { "8", 0, 0 }
};


static const ehr_code_t  anaesthesia_rows[] = {
    { "1", 0, 0 }, { "2", 0, 0 }, { "3", 0, 0 }, { "4", 0, 0 }
};


static const ehr_code_t  referral_rows[] = {
    { "1", 0, 0 }, { "2", 0, 0 }, { "3", 0, 0 }
};


static const ehr_codes_t  results = ehr_codes(result_rows);
static const ehr_codes_t  accidents = ehr_codes(accident_rows);
static const ehr_codes_t  anaesthesias = ehr_codes(anaesthesia_rows);
static const ehr_codes_t  referrals = ehr_codes(referral_rows);


/* --- fields -------------------------------------------------------------- */


static int
code_holds(const code_field_t *field, ehr_str_t code, uint32_t day)
{
    if (field->flags & CODES_NUMBERS) {
        if (!ehr_text_is_digits(code)) {
            return 1;
        }

        code = code_plain(code);
    }

    if ((field->flags & CODES_TABLED)
        && !ehr_code_find(field->codes, code, 0))
    {
        return 1;
    }

    return ehr_code_find(field->codes, code, day) != NULL;
}


void
codes_hold(ehr_check_t *check, const code_field_t *field)
{
    const ehr_section_t  *section = ehr_section(check, field->section);
    uint32_t              day = claim_of(check)->day;

    for (uint32_t i = 0; i < section->nrows; i++) {
        const ehr_row_t  *row = &section->rows[i];

        if (!ehr_is_empty(row, field->field)
            && !code_holds(field, ehr_value(row, field->field), day))
        {
            ehr_fail(check, section, row, field->field);
        }
    }
}


static void
codes_ket_qua_dtri(ehr_check_t *check)
{
    static const code_field_t  fields[] = {
        { EHR_SECTION_XML1, EHR_XML1_KET_QUA_DTRI,
          CODES_NUMBERS | CODES_TABLED, &results },
        { EHR_SECTION_XML8, EHR_XML8_KET_QUA_DTRI,
          CODES_NUMBERS | CODES_TABLED, &results }
    };

    codes_hold(check, &fields[0]);
    codes_hold(check, &fields[1]);
}


static void
codes_loai_kcb(ehr_check_t *check)
{
    static const code_field_t  field = {
        EHR_SECTION_XML1, EHR_XML1_MA_LOAI_KCB, 0, &ehr_visit_cares
    };

    codes_hold(check, &field);
}


static void
codes_loai_kcb_2026(ehr_check_t *check)
{
    const claim_t     *claim = claim_of(check);
    const ehr_code_t  *code;

    if (claim->xml1 == NULL) {
        return;
    }

    code = ehr_code_find(&ehr_visit_cares,
                         ehr_value(claim->xml1, EHR_XML1_MA_LOAI_KCB),
                         claim->day);

    if (code && code->from) {
        ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), claim->xml1,
                 EHR_XML1_MA_LOAI_KCB);
    }
}


static void
codes_doituong_kcb(ehr_check_t *check)
{
    static const code_field_t  field = {
        EHR_SECTION_XML1, EHR_XML1_MA_DOITUONG_KCB, 0, &ehr_visit_routes
    };

    codes_hold(check, &field);
}


static void
codes_tai_nan(ehr_check_t *check)
{
    static const code_field_t  field = {
        EHR_SECTION_XML1, EHR_XML1_MA_TAI_NAN, CODES_NUMBERS, &accidents
    };

    codes_hold(check, &field);
}


static void
codes_vo_cam(ehr_check_t *check)
{
    static const code_field_t  field = {
        EHR_SECTION_XML3, EHR_XML3_PP_VO_CAM, CODES_NUMBERS, &anaesthesias
    };

    codes_hold(check, &field);
}


static void
codes_lydo_ct(ehr_check_t *check)
{
    static const code_field_t  field = {
        EHR_SECTION_XML13, EHR_XML13_MA_LYDO_CT, CODES_NUMBERS, &referrals
    };

    codes_hold(check, &field);
}
