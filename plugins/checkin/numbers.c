/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Numbers of the patient and of facilities (rules F7, F7.2, F10, ID01, ID04).
 */

#include "checkin.h"

#include "ehr_shape.h"


#define CMND_END  20250101     /* since then nobody has an old number */


static void number_f7(ehr_check_t *check);
static void number_f7_digits(ehr_check_t *check);
static void number_f10(ehr_check_t *check);
static void number_id01(ehr_check_t *check);
static void number_id04(ehr_check_t *check);


const ehr_rule_t  checkin_number_rules[] = {

    { "F7", EHR_CLASS_S,
      "SO_CCCD có 12 chữ số, 9 chữ số, hoặc 1 chữ hoa và 7 chữ số (đến hết "
      "2024)",
      "SO_CCCD has 12 digits, 9 digits, or a capital letter and 7 digits "
      "(until the end of 2024)",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", number_f7 },

    { "F7.2", EHR_CLASS_W,
      "SO_CCCD toàn chữ số mà không có 12 hoặc 9 chữ số",
      "SO_CCCD is all digits, but not 12 or 9 of them",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", number_f7_digits },

    { "F10", EHR_CLASS_S,
      "Mã cơ sở KCB phải có 5 ký tự, hai ký tự đầu là mã tỉnh",
      "A facility code has 5 characters, the first two the province's",
      "QĐ 4750/QĐ-BYT, Phụ lục", number_f10 },

    { "ID01", EHR_CLASS_W,
      "SO_CCCD để trống",
      "SO_CCCD is empty",
      "Lỗi thường gặp khi làm sạch dữ liệu định danh", number_id01 },

    { "ID04", EHR_CLASS_W,
      "SO_CCCD là số CMND 9 chữ số, hết giá trị từ 01/01/2025",
      "SO_CCCD is an old number of 9 digits, not valid since 01/01/2025",
      "Luật Căn cước 26/2023/QH15, Điều 46", number_id04 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static ehr_id_form_e
row_form(const ehr_row_t *row)
{
    return ehr_id_form(ehr_value(row, EHR_CHECKIN_SO_CCCD));
}


/* QĐ 3176 took the limit away. */

static int
is_unlimited(const ehr_check_t *check)
{
    return ehr_text_is(check->doc->standard, "qd3176");
}


static uint32_t
wrong_f7(const ehr_check_t *check, const ehr_row_t *row)
{
    return !is_unlimited(check)
           && ehr_id_is_formless(ehr_value(row, EHR_CHECKIN_SO_CCCD))
           ? EHR_CHECKIN_SO_CCCD : EHR_NO_FIELD;
}


static void
number_f7(ehr_check_t *check)
{
    checkin_each(check, wrong_f7);
}


/* A foreign paper may be numbered so, hence the warning. */

static uint32_t
wrong_f7_digits(const ehr_check_t *check, const ehr_row_t *row)
{
    return is_unlimited(check)
           && ehr_id_is_miscounted(ehr_value(row, EHR_CHECKIN_SO_CCCD))
           ? EHR_CHECKIN_SO_CCCD : EHR_NO_FIELD;
}


static void
number_f7_digits(ehr_check_t *check)
{
    checkin_each(check, wrong_f7_digits);
}


static void
number_f10(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_CHECKIN, EHR_CHECKIN_MA_DKBD },
        { EHR_SECTION_CHECKIN, EHR_CHECKIN_MA_CSKCB }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, ehr_is_facility);
}


static uint32_t
wrong_id01(const ehr_check_t *check, const ehr_row_t *row)
{
    return row_form(row) == EHR_ID_NONE ? EHR_CHECKIN_SO_CCCD : EHR_NO_FIELD;
}


static void
number_id01(ehr_check_t *check)
{
    checkin_each(check, wrong_id01);
}


static uint32_t
wrong_id04(const ehr_check_t *check, const ehr_row_t *row)
{
    ehr_day_t  day;

    return row_form(row) == EHR_ID_OLD
           && ehr_day_parse(ehr_value(row, EHR_CHECKIN_NGAY_VAO), &day)
           && ehr_day_number(day) >= CMND_END ? EHR_CHECKIN_SO_CCCD
                                              : EHR_NO_FIELD;
}


static void
number_id04(ehr_check_t *check)
{
    checkin_each(check, wrong_id04);
}
