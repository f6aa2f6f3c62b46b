/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How long a stay was: days of treatment and days of bed (rules D10, D15).
 */

#include "claims.h"


#define SHORT_STAY_MINUTES  (4 * 60)
#define BED_SPARE           EHR_DECIMAL_ONE   /* in special cases one more */


static void stay_d10(ehr_check_t *check);
static void stay_d15(ehr_check_t *check);


const ehr_rule_t  claims_stay_rules[] = {

    { "D10", EHR_CLASS_C,
      "XML1: SO_NGAY_DTRI bằng 0 với MA_LOAI_KCB 01, 07, 09, bằng số ngày "
      "lịch từ NGAY_VAO đến NGAY_RA (kể cả hai ngày) với 02, 03, 04, 06",
      "XML1: SO_NGAY_DTRI is 0 with MA_LOAI_KCB 01, 07, 09, and the number of "
      "calendar days from NGAY_VAO to NGAY_RA, both counted, with 02, 03, "
      "04, 06",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", stay_d10 },

    { "D15", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML3: ngày giường (MA_NHOM 14, 15, 16): không có khi khám bệnh hoặc "
      "dưới 4 giờ, một ngày khi dưới 24 giờ, nhiều nhất SO_NGAY_DTRI + 1",
      "XML3: bed days (MA_NHOM 14, 15, 16): none with an examination or below "
      "4 hours, one below 24 hours, at most SO_NGAY_DTRI + 1",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", stay_d15 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* Days of drugs (05) and of services (08) are in no field. */

static void
stay_d10(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_day_t         first, last;
    ehr_decimal_t     days, counted;
    ehr_str_t         kind;

    if (xml1 == NULL
        || !ehr_number(xml1, EHR_XML1_SO_NGAY_DTRI, &days)
        || !ehr_day_parse(ehr_value(xml1, EHR_XML1_NGAY_VAO), &first)
        || !ehr_day_parse(ehr_value(xml1, EHR_XML1_NGAY_RA), &last)
        || last < first)
    {
        return;
    }

    kind = ehr_value(xml1, EHR_XML1_MA_LOAI_KCB);
    counted = (ehr_decimal_t) (last - first + 1) * EHR_DECIMAL_ONE;

    if ((ehr_text_in(kind, "01 07 09") && days != 0)
        || (ehr_text_in(kind, "02 03 04 06") && days != counted))
    {
        ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), xml1,
                 EHR_XML1_SO_NGAY_DTRI);
    }
}


/* --- beds ---------------------------------------------------------------- */


/* The sum of bed days, and the first row that has some; NULL: none. */

static const ehr_row_t *
bed_days(const ehr_section_t *xml3, ehr_decimal_t *sum)
{
    const ehr_row_t  *first = NULL;
    ehr_decimal_t     days;

    *sum = 0;

    for (uint32_t i = 0; i < xml3->nrows; i++) {
        const ehr_row_t  *row = &xml3->rows[i];

        if (!ehr_text_in(ehr_value(row, EHR_XML3_MA_NHOM), "14 15 16")
            || !ehr_number(row, EHR_XML3_SO_LUONG, &days)
            || !ehr_decimal_add(sum, days))
        {
            continue;
        }

        first = first ? first : row;
    }

    return first;
}


/* -1: not known. */

static ehr_decimal_t
bed_days_most(const ehr_row_t *xml1)
{
    ehr_minute_t   came, left;
    ehr_decimal_t  days;

    if (ehr_text_is(ehr_value(xml1, EHR_XML1_MA_LOAI_KCB), "01")) {
        return 0;
    }

    if (!ehr_time(xml1, EHR_XML1_NGAY_VAO, &came)
        || !ehr_time(xml1, EHR_XML1_NGAY_RA, &left) || left < came)
    {
        return -1;
    }

    if (left - came < SHORT_STAY_MINUTES) {
        return 0;
    }

    if (left - came <= EHR_DAY_MINUTES) {
        return EHR_DECIMAL_ONE;
    }

    return ehr_number(xml1, EHR_XML1_SO_NGAY_DTRI, &days) ? days + BED_SPARE
                                                          : -1;
}


static void
stay_d15(ehr_check_t *check)
{
    const ehr_section_t  *xml3 = ehr_section(check, EHR_SECTION_XML3);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    const ehr_row_t      *first;
    ehr_decimal_t         sum, most;

    if (xml1 == NULL) {
        return;
    }

    first = bed_days(xml3, &sum);
    most = bed_days_most(xml1);

    if (first != NULL && most >= 0 && sum > most) {
        ehr_fail(check, xml3, first, EHR_XML3_SO_LUONG);
    }
}
