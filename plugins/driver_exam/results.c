/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The conclusion: its day, what it follows from, and for which class of
 * licence (rules G4 to G9).
 */

#include "driver_exam.h"

#include "ehr_shape.h"


#define CLASSES_CHANGE  20250101     /* Law 36/2024/QH15 */


static void result_g4(ehr_check_t *check);
static void result_g5(ehr_check_t *check);
static void result_g6(ehr_check_t *check);
static void result_g7(ehr_check_t *check);
static void result_g8(ehr_check_t *check);
static void result_g9(ehr_check_t *check);


#define EXAM_GUIDE  "Hướng dẫn dịch vụ GKSK của BHXH Việt Nam"
#define EXAM_HABIT  "Gợi ý, không có trong hướng dẫn"


const ehr_rule_t  exam_result_rules[] = {

    { "G4", EHR_CLASS_C,
      "NGAYKETLUAN ở tương lai",
      "NGAYKETLUAN is in the future",
      EXAM_GUIDE, result_g4 },

    { "G5", EHR_CLASS_W,
      "Hai chữ số năm trong SO khác năm của NGAYKETLUAN",
      "The two digits of the year in SO are not the year of NGAYKETLUAN",
      EXAM_GUIDE, result_g5 },

    { "G6", EHR_CLASS_W,
      "KETLUAN A0-3 (khám lại) mà không có NGAYKHAMLAI, hoặc NGAYKHAMLAI "
      "không sau NGAYKETLUAN",
      "KETLUAN A0-3 (examine again) without NGAYKHAMLAI, or NGAYKHAMLAI not "
      "behind NGAYKETLUAN",
      EXAM_HABIT, result_g6 },

    { "G7", EHR_CLASS_W,
      "KETLUAN A0-2 hoặc A0-3 mà không có LYDO",
      "KETLUAN A0-2 or A0-3 without LYDO",
      EXAM_HABIT, result_g7 },

    { "G8", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "KETLUAN A0-1 (đủ điều kiện) mà có ma túy hoặc nồng độ cồn lớn hơn 0",
      "KETLUAN A0-1 (fit) with drugs or with alcohol above 0",
      EXAM_HABIT, result_g8 },

    { "G9", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "HANGBANGLAI không phải hạng dùng vào ngày kết luận (đổi từ 01/01/2025)",
      "HANGBANGLAI is no class of the day of the conclusion (changed on "
      "01/01/2025)",
      "Luật Trật tự, an toàn giao thông đường bộ 36/2024/QH15", result_g9 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static ehr_str_t
exam_text(const exam_t *exam, uint32_t field)
{
    return ehr_value(exam->row, field);
}


static void
exam_fail(ehr_check_t *check, uint32_t field)
{
    const exam_t  *exam = exam_of(check);

    ehr_fail(check, ehr_section(check, exam->fields->section), exam->row,
             field);
}


static void
result_g4(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);

    if (exam->is_concluded && exam->concluded > exam->subject.today) {
        exam_fail(check, exam->fields->concluded);
    }
}


static void
result_g5(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      so = exam_text(exam, exam->fields->so), year;
    uint32_t       ours;

    if (!exam->is_concluded || so.len < 2) {
        return;
    }

    ours = ehr_day_number(exam->concluded) / 10000 % 100;
    year = ehr_text_after(so, so.len - 2);

    if (ehr_text_is_digits(year)
        && (uint32_t) (year.data[0] - '0') * 10
           + (uint32_t) (year.data[1] - '0') != ours)
    {
        exam_fail(check, exam->fields->so);
    }
}


static void
result_g6(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      again = exam_text(exam, exam->fields->again);
    ehr_day_t      day;

    if (again.len == 0) {
        if (ehr_text_is(exam_text(exam, exam->fields->conclusion), "A0-3")) {
            exam_fail(check, exam->fields->again);
        }

        return;
    }

    if (exam->is_concluded && ehr_person_day(again, &day)
        && day <= exam->concluded)
    {
        exam_fail(check, exam->fields->again);
    }
}


static void
result_g7(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);

    if (ehr_text_in(exam_text(exam, exam->fields->conclusion), "A0-2 A0-3")
        && exam_text(exam, exam->fields->reason).len == 0)
    {
        exam_fail(check, exam->fields->reason);
    }
}


static void
result_g8(ehr_check_t *check)
{
    const exam_t   *exam = exam_of(check);
    ehr_decimal_t   alcohol;

    if (!ehr_text_is(exam_text(exam, exam->fields->conclusion), "A0-1")) {
        return;
    }

    if (ehr_text_is(exam_text(exam, exam->fields->drugs), "1")
        || (ehr_number(exam->row, exam->fields->alcohol, &alcohol)
            && alcohol > 0))
    {
        exam_fail(check, exam->fields->conclusion);
    }
}


/* Codes of neither list are told by the field table. */

static void
result_g9(ehr_check_t *check)
{
    static const char  before[] = "A1 A2 A3 A4 B1 B2 C D E F FB2 FC FD FE";
    static const char  since[] = "A A.03 A1 B B0.1 B1 BE C C1 C1E CE D D1 D1E "
                                 "D2 D2E DE";

    const exam_t  *exam = exam_of(check);
    ehr_str_t      licence = exam_text(exam, exam->fields->licence);
    int            is_new = exam->is_concluded
                            && ehr_day_number(exam->concluded)
                               >= CLASSES_CHANGE;

    if (exam->is_concluded && ehr_text_in(licence, is_new ? before : since)
        && !ehr_text_in(licence, is_new ? since : before))
    {
        exam_fail(check, exam->fields->licence);
    }
}
