/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The certificate and its holder's papers: numbers and residence (rules G1 to
 * G3, ID04, ID14).
 */

#include "driver_exam.h"

#include "ehr_province.h"
#include "ehr_shape.h"


#define CMND_END       20250101     /* since then nobody has an old number */
#define NUMBER_LEN     5            /* of "00001/GKSKLX/99001/26" */
#define PASSPORT_LEAST 7
#define PASSPORT_MOST  12


static void paper_g1(ehr_check_t *check);
static void paper_g2(ehr_check_t *check);
static void paper_g3(ehr_check_t *check);
static void paper_id04(ehr_check_t *check);
static void paper_id14(ehr_check_t *check);


#define EXAM_GUIDE  "Hướng dẫn dịch vụ GKSK của BHXH Việt Nam"


const ehr_rule_t  exam_paper_rules[] = {

    { "G1", EHR_CLASS_S,
      "SO có dạng NNNNN/GKSKLX/mã cơ sở/năm: 5 chữ số ở đầu, 2 chữ số năm ở "
      "cuối",
      "SO has the form NNNNN/GKSKLX/facility/year: 5 digits first, 2 digits "
      "of the year last",
      EXAM_GUIDE, paper_g1 },

    { "G2", EHR_CLASS_S,
      "SOCMND_PASSPORT có 12 chữ số, 9 chữ số, hoặc 1 chữ cái và 6 đến 11 "
      "chữ cái, chữ số",
      "SOCMND_PASSPORT has 12 digits, 9 digits, or a letter and 6 to 11 "
      "letters and digits",
      EXAM_GUIDE, paper_g2 },

    { "G3", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "MATINH_THUONGTRU nên có 2 chữ số, MAXA_THUONGTRU 5 chữ số, kể cả số 0 "
      "ở đầu",
      "MATINH_THUONGTRU should have 2 digits, MAXA_THUONGTRU 5, with the 0 in "
      "front",
      EXAM_GUIDE, paper_g3 },

    { "ID04", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "SOCMND_PASSPORT là số CMND 9 chữ số, hết giá trị từ 01/01/2025",
      "SOCMND_PASSPORT is an old number of 9 digits, not valid since "
      "01/01/2025",
      "Luật Căn cước 26/2023/QH15, Điều 46", paper_id04 },

    { "ID14", EHR_CLASS_W,
      "Mã tỉnh không dùng vào ngày kết luận, hoặc còn mã huyện từ 01/07/2025",
      "The province's code is not one of the day of the conclusion, or there "
      "is a district since 01/07/2025",
      "QĐ 19/2025/QĐ-TTg", paper_id14 },

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


/* The parts between are the host's: it files the document by them. */

static void
paper_g1(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      so = exam_text(exam, exam->fields->so), number = so;
    ehr_str_t      year;

    if (so.len <= NUMBER_LEN) {
        if (so.len > 0) {
            exam_fail(check, exam->fields->so);
        }

        return;
    }

    number.len = NUMBER_LEN;
    year = ehr_text_after(so, so.len - 2);

    if (!ehr_text_is_digits(number) || so.data[NUMBER_LEN] != '/'
        || !ehr_text_is_digits(year))
    {
        exam_fail(check, exam->fields->so);
    }
}


static int
is_passport(ehr_str_t number)
{
    if (number.len < PASSPORT_LEAST || number.len > PASSPORT_MOST
        || ehr_is_digit(number.data[0]))
    {
        return 0;
    }

    for (size_t i = 0; i < number.len; i++) {
        if (!ehr_is_alnum(number.data[i])) {
            return 0;
        }
    }

    return 1;
}


/* Other forms have rules of their own. */

static void
paper_g2(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      number = exam_text(exam, exam->fields->number);

    if (ehr_id_form(number) == EHR_ID_OTHER && !is_passport(number)) {
        exam_fail(check, exam->fields->number);
    }
}


static void
paper_g3(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      province = exam_text(exam, exam->fields->province);
    ehr_str_t      commune = exam_text(exam, exam->fields->commune);

    if (province.len > 0 && !ehr_is_digits(province, 2)) {
        exam_fail(check, exam->fields->province);
    }

    if (commune.len > 0 && !ehr_is_digits(commune, 5)) {
        exam_fail(check, exam->fields->commune);
    }
}


static void
paper_id04(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);

    if (exam->is_concluded && ehr_day_number(exam->concluded) >= CMND_END
        && ehr_id_form(exam_text(exam, exam->fields->number)) == EHR_ID_OLD)
    {
        exam_fail(check, exam->fields->number);
    }
}


static void
paper_id14(ehr_check_t *check)
{
    const exam_t  *exam = exam_of(check);
    ehr_str_t      province = exam_text(exam, exam->fields->province);
    uint32_t       day;

    if (!exam->is_concluded) {
        return;
    }

    day = ehr_day_number(exam->concluded);

    if (ehr_is_digits(province, 2) && !ehr_province_is_code(province, day)) {
        exam_fail(check, exam->fields->province);
    }

    if (day >= EHR_PROVINCE_REFORM
        && exam_text(exam, exam->fields->district).len > 0)
    {
        exam_fail(check, exam->fields->district);
    }
}
