/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The visit: its first cost, its times, its form (rules L2, L16, D1, D2, S3).
 */

#include "checkin.h"


static void visit_l2(ehr_check_t *check);
static void visit_l16(ehr_check_t *check);
static void visit_l16_2(ehr_check_t *check);
static void visit_l16_3(ehr_check_t *check);
static void visit_d1(ehr_check_t *check);
static void visit_d2(ehr_check_t *check);
static void visit_s3(ehr_check_t *check);


#define VISIT_CHECKS  "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750"
#define VISIT_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục, bảng check-in"


const ehr_rule_t  checkin_visit_rules[] = {

    { "L2", EHR_CLASS_S,
      "STT phải tăng dần từ 1, mỗi dòng thêm 1",
      "STT must count the rows: 1, 2, 3 ...",
      VISIT_SOURCE, visit_l2 },

    { "L16", EHR_CLASS_S,
      "Phải có ít nhất một trong MA_DICH_VU, MA_THUOC, MA_VAT_TU",
      "At least one of MA_DICH_VU, MA_THUOC, MA_VAT_TU must be there",
      VISIT_CHECKS, visit_l16 },

    { "L16.2", EHR_CLASS_S,
      "Có MA_DICH_VU, MA_THUOC hoặc MA_VAT_TU thì phải có tên tương ứng",
      "MA_DICH_VU, MA_THUOC, MA_VAT_TU each go with their name",
      VISIT_CHECKS, visit_l16_2 },

    { "L16.3", EHR_CLASS_S,
      "Có NGAY_VAO_NOI_TRU thì phải có LY_DO_VNT",
      "NGAY_VAO_NOI_TRU goes with LY_DO_VNT",
      VISIT_CHECKS, visit_l16_3 },

    { "D1", EHR_CLASS_C,
      "NGAY_VAO_NOI_TRU trước NGAY_VAO",
      "NGAY_VAO_NOI_TRU is before NGAY_VAO",
      VISIT_CHECKS, visit_d1 },

    { "D2", EHR_CLASS_W,
      "NGAY_YL của chi phí đầu tiên trước NGAY_VAO",
      "NGAY_YL of the first cost is before NGAY_VAO",
      VISIT_SOURCE, visit_d2 },

    { "S3", EHR_CLASS_W,
      "Không gửi check-in cho người bệnh cấp cứu (MA_DOITUONG_KCB 2)",
      "No check-in is sent of an emergency (MA_DOITUONG_KCB 2)",
      VISIT_SOURCE, visit_s3 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static uint32_t
wrong_l2(const ehr_check_t *check, const ehr_row_t *row)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_CHECKIN);
    ehr_decimal_t         number;

    return ehr_number(row, EHR_CHECKIN_STT, &number)
           && number != (ehr_decimal_t) (row - s->rows + 1) * EHR_DECIMAL_ONE
           ? EHR_CHECKIN_STT : EHR_NO_FIELD;
}


static void
visit_l2(ehr_check_t *check)
{
    checkin_each(check, wrong_l2);
}


static uint32_t
wrong_l16(const ehr_check_t *check, const ehr_row_t *row)
{
    return ehr_is_empty(row, EHR_CHECKIN_MA_DICH_VU)
           && ehr_is_empty(row, EHR_CHECKIN_MA_THUOC)
           && ehr_is_empty(row, EHR_CHECKIN_MA_VAT_TU)
           ? EHR_CHECKIN_MA_DICH_VU : EHR_NO_FIELD;
}


static void
visit_l16(ehr_check_t *check)
{
    checkin_each(check, wrong_l16);
}


static uint32_t
wrong_l16_2(const ehr_check_t *check, const ehr_row_t *row)
{
    static const struct {
        uint32_t  code;
        uint32_t  name;
    } pairs[] = {
        { EHR_CHECKIN_MA_DICH_VU, EHR_CHECKIN_TEN_DICH_VU },
        { EHR_CHECKIN_MA_THUOC, EHR_CHECKIN_TEN_THUOC },
        { EHR_CHECKIN_MA_VAT_TU, EHR_CHECKIN_TEN_VAT_TU }
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (!ehr_is_empty(row, pairs[i].code)
            && ehr_is_empty(row, pairs[i].name))
        {
            return pairs[i].name;
        }
    }

    return EHR_NO_FIELD;
}


static void
visit_l16_2(ehr_check_t *check)
{
    checkin_each(check, wrong_l16_2);
}


static uint32_t
wrong_l16_3(const ehr_check_t *check, const ehr_row_t *row)
{
    return !ehr_is_empty(row, EHR_CHECKIN_NGAY_VAO_NOI_TRU)
           && ehr_is_empty(row, EHR_CHECKIN_LY_DO_VNT)
           ? EHR_CHECKIN_LY_DO_VNT : EHR_NO_FIELD;
}


static void
visit_l16_3(ehr_check_t *check)
{
    checkin_each(check, wrong_l16_3);
}


/* The field when its time is before the arrival. */

static uint32_t
wrong_before_arrival(const ehr_row_t *row, uint32_t field)
{
    ehr_minute_t  came, minute;

    return ehr_time(row, EHR_CHECKIN_NGAY_VAO, &came)
           && ehr_time(row, field, &minute) && minute < came
           ? field : EHR_NO_FIELD;
}


static uint32_t
wrong_d1(const ehr_check_t *check, const ehr_row_t *row)
{
    return wrong_before_arrival(row, EHR_CHECKIN_NGAY_VAO_NOI_TRU);
}


static void
visit_d1(ehr_check_t *check)
{
    checkin_each(check, wrong_d1);
}


static uint32_t
wrong_d2(const ehr_check_t *check, const ehr_row_t *row)
{
    return wrong_before_arrival(row, EHR_CHECKIN_NGAY_YL);
}


static void
visit_d2(ehr_check_t *check)
{
    checkin_each(check, wrong_d2);
}


static uint32_t
wrong_s3(const ehr_check_t *check, const ehr_row_t *row)
{
    return ehr_text_is(ehr_value(row, EHR_CHECKIN_MA_DOITUONG_KCB), "2")
           ? EHR_CHECKIN_MA_DOITUONG_KCB : EHR_NO_FIELD;
}


static void
visit_s3(ehr_check_t *check)
{
    checkin_each(check, wrong_s3);
}
