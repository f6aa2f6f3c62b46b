/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Category and kind of care of a check-in (rules C.*), by the day of arrival:
 * what is decided at the end of the visit may be another.
 */

#include "checkin.h"
#include "ehr_visit.h"


static void codes_loai_kcb(ehr_check_t *check);
static void codes_loai_kcb_2026(ehr_check_t *check);
static void codes_doituong_kcb(ehr_check_t *check);


const ehr_rule_t  checkin_code_rules[] = {

    { "C.MA_LOAI_KCB", EHR_CLASS_C,
      "MA_LOAI_KCB phải từ 01 đến 10 (từ 01/08/2026 thêm 11 đến 16)",
      "MA_LOAI_KCB must be 01 to 10 (from 01/08/2026 also 11 to 16)",
      "QĐ 4750/QĐ-BYT, Phụ lục, bảng check-in", codes_loai_kcb },

    { "C.MA_LOAI_KCB.2026", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "MA_LOAI_KCB từ 11 đến 16 theo QĐ 1804/2026 chưa được kiểm chứng",
      "MA_LOAI_KCB 11 to 16 of decision 1804/2026 has not been confirmed",
      "QĐ 1804/QĐ-BYT năm 2026 theo phần mềm đã công bố",
      codes_loai_kcb_2026 },

    { "C.MA_DOITUONG_KCB", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "MA_DOITUONG_KCB thường phải là mã đang có hiệu lực vào ngày đến khám",
      "MA_DOITUONG_KCB should be a code in force on the day of arrival",
      "QĐ 824/QĐ-BYT năm 2023, QĐ 3276/QĐ-BYT năm 2025 theo phần mềm đã công "
      "bố", codes_doituong_kcb },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* The code's row on the day of arrival; of any day when that is unknown. */

static const ehr_code_t *
code_of(const ehr_row_t *row, uint32_t field, const ehr_codes_t *codes)
{
    ehr_day_t  day;
    uint32_t   number = 0;

    if (ehr_day_parse(ehr_value(row, EHR_CHECKIN_NGAY_VAO), &day)) {
        number = ehr_day_number(day);
    }

    return ehr_code_find(codes, ehr_value(row, field), number);
}


static uint32_t
wrong_loai_kcb(const ehr_check_t *check, const ehr_row_t *row)
{
    return !ehr_is_empty(row, EHR_CHECKIN_MA_LOAI_KCB)
           && code_of(row, EHR_CHECKIN_MA_LOAI_KCB, &ehr_visit_cares) == NULL
           ? EHR_CHECKIN_MA_LOAI_KCB : EHR_NO_FIELD;
}


static void
codes_loai_kcb(ehr_check_t *check)
{
    checkin_each(check, wrong_loai_kcb);
}


static uint32_t
wrong_loai_kcb_2026(const ehr_check_t *check, const ehr_row_t *row)
{
    const ehr_code_t  *code = code_of(row, EHR_CHECKIN_MA_LOAI_KCB,
                                      &ehr_visit_cares);

    return code && code->from ? EHR_CHECKIN_MA_LOAI_KCB : EHR_NO_FIELD;
}


static void
codes_loai_kcb_2026(ehr_check_t *check)
{
    checkin_each(check, wrong_loai_kcb_2026);
}


static uint32_t
wrong_doituong_kcb(const ehr_check_t *check, const ehr_row_t *row)
{
    return !ehr_is_empty(row, EHR_CHECKIN_MA_DOITUONG_KCB)
           && code_of(row, EHR_CHECKIN_MA_DOITUONG_KCB, &ehr_visit_routes)
              == NULL
           ? EHR_CHECKIN_MA_DOITUONG_KCB : EHR_NO_FIELD;
}


static void
codes_doituong_kcb(ehr_check_t *check)
{
    checkin_each(check, wrong_doituong_kcb);
}
