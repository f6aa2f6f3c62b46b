/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Papers that travel with a claim: appointment, leave, birth (rules D9, D11,
 * D16, D17).
 */

#include "claims.h"


#define LEAVE_DAYS    30      /* of XML11 */
#define LEAVE_LONG    180     /* with tuberculosis or another long disease */
#define PREGNANCY     42      /* weeks */


static void paper_d9(ehr_check_t *check);
static void paper_d11(ehr_check_t *check);
static void paper_d16(ehr_check_t *check);
static void paper_d16_2(ehr_check_t *check);
static void paper_d16_3(ehr_check_t *check);
static void paper_d16_4(ehr_check_t *check);
static void paper_d17(ehr_check_t *check);
static void paper_d17_2(ehr_check_t *check);


#define PAPER_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục"
#define PAPER_CHECKS  "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750"


const ehr_rule_t  claims_paper_rules[] = {

    { "D9", EHR_CLASS_S,
      "XML14: NGAY_HEN_KL trước NGAY_RA, hoặc NGAY_CT trước NGAY_VAO",
      "XML14: NGAY_HEN_KL is before NGAY_RA, or NGAY_CT before NGAY_VAO",
      PAPER_CHECKS, paper_d9 },

    { "D11", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML9: NGAY_SINH_CON nằm ngoài đợt điều trị của mẹ",
      "XML9: NGAY_SINH_CON is outside the mother's stay",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", paper_d11 },

    { "D16", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Giấy nghỉ: ngày bắt đầu sau ngày kết thúc",
      "Leave paper: the first day is behind the last",
      PAPER_SOURCE ", XML7, XML10, XML11", paper_d16 },

    { "D16.2", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Giấy nghỉ: số ngày nghỉ không khớp ngày bắt đầu và ngày kết thúc",
      "Leave paper: the number of days does not agree with the first and the "
      "last",
      PAPER_SOURCE ", XML7, XML10, XML11", paper_d16_2 },

    { "D16.3", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML11: SO_NGAY_NGHI quá 30 ngày (180 ngày với bệnh lao)",
      "XML11: SO_NGAY_NGHI is more than 30 days (180 with tuberculosis)",
      "Thông tư 25/2025/TT-BYT", paper_d16_3 },

    { "D16.4", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML7, XML11: TUOI_THAI phải từ 1 đến 42 tuần",
      "XML7, XML11: TUOI_THAI must be 1 to 42 weeks",
      PAPER_SOURCE ", XML7, XML11", paper_d16_4 },

    { "D17", EHR_CLASS_S,
      "XML7, XML11: MA_DINH_CHI_THAI là 1 thì phải có nguyên nhân, thời gian "
      "(XML7) và TUOI_THAI",
      "XML7, XML11: MA_DINH_CHI_THAI 1 goes with the reason, the time (XML7) "
      "and TUOI_THAI",
      PAPER_CHECKS, paper_d17 },

    { "D17.2", EHR_CLASS_S,
      "XML7: SO_NGAY_NGHI, NGOAITRU_TUNGAY, NGOAITRU_DENNGAY phải cùng có "
      "hoặc cùng trống",
      "XML7: SO_NGAY_NGHI, NGOAITRU_TUNGAY, NGOAITRU_DENNGAY are all filled "
      "or all empty",
      PAPER_CHECKS, paper_d17_2 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static int
xml1_day(const ehr_check_t *check, uint32_t field, ehr_day_t *day)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 != NULL && ehr_day_parse(ehr_value(xml1, field), day);
}


/* --- appointment and birth ----------------------------------------------- */


/* QĐ 3176 has a day where there was a minute before: days are compared. */

static void
paper_d9(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML14);
    const ehr_row_t      *row = ehr_flat(check, EHR_SECTION_XML14);
    ehr_day_t             day, bound;

    if (row == NULL) {
        return;
    }

    if (ehr_day_parse(ehr_value(row, EHR_XML14_NGAY_HEN_KL), &day)
        && xml1_day(check, EHR_XML1_NGAY_RA, &bound) && day < bound)
    {
        ehr_fail(check, s, row, EHR_XML14_NGAY_HEN_KL);
    }

    if (ehr_day_parse(ehr_value(row, EHR_XML14_NGAY_CT), &day)
        && xml1_day(check, EHR_XML1_NGAY_VAO, &bound) && day < bound)
    {
        ehr_fail(check, s, row, EHR_XML14_NGAY_CT);
    }
}


/* The child of the day before: born on the way. */

static void
paper_d11(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML9);
    ehr_day_t             came, left, born;

    if (!xml1_day(check, EHR_XML1_NGAY_VAO, &came)
        || !xml1_day(check, EHR_XML1_NGAY_RA, &left))
    {
        return;
    }

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];

        if (ehr_day_parse(ehr_value(row, EHR_XML9_NGAY_SINH_CON), &born)
            && (born < came - 1 || born > left))
        {
            ehr_fail(check, s, row, EHR_XML9_NGAY_SINH_CON);
        }
    }
}


/* --- leave --------------------------------------------------------------- */


typedef struct {
    uint32_t  section;
    uint32_t  days;
    uint32_t  first;
    uint32_t  last;
} leave_t;


static const leave_t  leaves[] = {
    { EHR_SECTION_XML7, EHR_XML7_SO_NGAY_NGHI, EHR_XML7_NGOAITRU_TUNGAY,
      EHR_XML7_NGOAITRU_DENNGAY },
    { EHR_SECTION_XML10, EHR_XML10_SO_NGAY, EHR_XML10_TU_NGAY,
      EHR_XML10_DEN_NGAY },
    { EHR_SECTION_XML11, EHR_XML11_SO_NGAY_NGHI, EHR_XML11_TU_NGAY,
      EHR_XML11_DEN_NGAY }
};

#define LEAVES  (sizeof(leaves) / sizeof(leaves[0]))


/* The paper's row when both of its days can be read. */

static const ehr_row_t *
leave_read(const ehr_check_t *check, const leave_t *leave, ehr_day_t *first,
           ehr_day_t *last)
{
    const ehr_row_t  *row = ehr_flat(check, leave->section);

    return row != NULL && ehr_day_parse(ehr_value(row, leave->first), first)
           && ehr_day_parse(ehr_value(row, leave->last), last) ? row : NULL;
}


static void
paper_d16(ehr_check_t *check)
{
    ehr_day_t  first, last;

    for (size_t i = 0; i < LEAVES; i++) {
        const ehr_row_t  *row = leave_read(check, &leaves[i], &first, &last);

        if (row != NULL && first > last) {
            ehr_fail(check, ehr_section(check, leaves[i].section), row,
                     leaves[i].last);
        }
    }
}


/* The annex says the difference, its example counts both ends. */

static void
paper_d16_2(ehr_check_t *check)
{
    ehr_day_t      first, last;
    ehr_decimal_t  days;

    for (size_t i = 0; i < LEAVES; i++) {
        const ehr_row_t  *row = leave_read(check, &leaves[i], &first, &last);

        if (row != NULL && first <= last
            && ehr_number(row, leaves[i].days, &days)
            && days != (last - first) * EHR_DECIMAL_ONE
            && days != (last - first + 1) * EHR_DECIMAL_ONE)
        {
            ehr_fail(check, ehr_section(check, leaves[i].section), row,
                     leaves[i].days);
        }
    }
}


static int
is_tuberculosis(ehr_str_t disease)
{
    disease.len = disease.len < 3 ? disease.len : 3;

    return ehr_text_in(disease, "A15 A16 A17 A18 A19");
}


static void
paper_d16_3(ehr_check_t *check)
{
    const ehr_row_t  *row = ehr_flat(check, EHR_SECTION_XML11);
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_decimal_t     days, most = LEAVE_DAYS * EHR_DECIMAL_ONE;

    if (row == NULL || xml1 == NULL
        || !ehr_number(row, EHR_XML11_SO_NGAY_NGHI, &days))
    {
        return;
    }

    if (is_tuberculosis(ehr_value(xml1, EHR_XML1_MA_BENH_CHINH))) {
        most = LEAVE_LONG * EHR_DECIMAL_ONE;
    }

    if (days > most) {
        ehr_fail(check, ehr_section(check, EHR_SECTION_XML11), row,
                 EHR_XML11_SO_NGAY_NGHI);
    }
}


/* --- pregnancy ----------------------------------------------------------- */


static void
must_be_weeks(ehr_check_t *check, uint32_t section, uint32_t field)
{
    const ehr_row_t  *row = ehr_flat(check, section);
    ehr_decimal_t     weeks;

    if (row != NULL && ehr_number(row, field, &weeks)
        && (weeks < EHR_DECIMAL_ONE || weeks > PREGNANCY * EHR_DECIMAL_ONE))
    {
        ehr_fail(check, ehr_section(check, section), row, field);
    }
}


static void
paper_d16_4(ehr_check_t *check)
{
    must_be_weeks(check, EHR_SECTION_XML7, EHR_XML7_TUOI_THAI);
    must_be_weeks(check, EHR_SECTION_XML11, EHR_XML11_TUOI_THAI);
}


static void
must_be_filled(ehr_check_t *check, uint32_t section, uint32_t field)
{
    const ehr_row_t  *row = ehr_flat(check, section);

    if (ehr_is_empty(row, field)) {
        ehr_fail(check, ehr_section(check, section), row, field);
    }
}


static int
was_ended(const ehr_check_t *check, uint32_t section, uint32_t field)
{
    const ehr_row_t  *row = ehr_flat(check, section);

    return row != NULL && ehr_text_is(ehr_value(row, field), "1");
}


static void
paper_d17(ehr_check_t *check)
{
    if (was_ended(check, EHR_SECTION_XML7, EHR_XML7_MA_DINH_CHI_THAI)) {
        must_be_filled(check, EHR_SECTION_XML7, EHR_XML7_NGUYENNHAN_DINHCHI);
        must_be_filled(check, EHR_SECTION_XML7, EHR_XML7_THOIGIAN_DINHCHI);
        must_be_filled(check, EHR_SECTION_XML7, EHR_XML7_TUOI_THAI);
    }

    if (was_ended(check, EHR_SECTION_XML11, EHR_XML11_MA_DINH_CHI_THAI)) {
        must_be_filled(check, EHR_SECTION_XML11,
                       EHR_XML11_NGUYENNHAN_DINHCHI);
        must_be_filled(check, EHR_SECTION_XML11, EHR_XML11_TUOI_THAI);
    }
}


static void
paper_d17_2(ehr_check_t *check)
{
    static const uint32_t  fields[] = { EHR_XML7_SO_NGAY_NGHI,
                                        EHR_XML7_NGOAITRU_TUNGAY,
                                        EHR_XML7_NGOAITRU_DENNGAY };

    const ehr_row_t  *row = ehr_flat(check, EHR_SECTION_XML7);
    size_t            filled = 0, n = sizeof(fields) / sizeof(fields[0]);

    for (size_t i = 0; row != NULL && i < n; i++) {
        filled += !ehr_is_empty(row, fields[i]);
    }

    for (size_t i = 0; filled > 0 && filled < n && i < n; i++) {
        must_be_filled(check, EHR_SECTION_XML7, fields[i]);
    }
}
