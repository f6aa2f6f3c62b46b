/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Days and times of an episode: their order, and how they stand to today
 * (rules D1, D6 to D8, D12 to D14).
 */

#include "claims.h"


#define OUTPATIENT_MINUTES  EHR_DAY_MINUTES    /* an examination's longest */
#define LAST_MINUTE         (23 * 60 + 59)


static void time_d1(ehr_check_t *check);
static void time_d6(ehr_check_t *check);
static void time_d7(ehr_check_t *check);
static void time_d8(ehr_check_t *check);
static void time_d12(ehr_check_t *check);
static void time_d13(ehr_check_t *check);
static void time_d14(ehr_check_t *check);


#define TIME_HABIT  "Phần mềm kiểm tra hồ sơ QĐ 3176"


const ehr_rule_t  claims_time_rules[] = {

    { "D1", EHR_CLASS_C,
      "XML1: phải có NGAY_VAO ≤ NGAY_VAO_NOI_TRU ≤ NGAY_RA",
      "XML1: NGAY_VAO ≤ NGAY_VAO_NOI_TRU ≤ NGAY_RA must hold",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", time_d1 },

    { "D6", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: NGAY_TTOAN trước NGAY_RA",
      "XML1: NGAY_TTOAN is before NGAY_RA",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", time_d6 },

    { "D7", EHR_CLASS_W,
      "XML1: NGAY_RA ở tương lai",
      "XML1: NGAY_RA is in the future",
      TIME_HABIT, time_d7 },

    { "D8", EHR_CLASS_C,
      "XML1: với MA_LOAI_KCB 02, 05, 07 giờ của NGAY_RA là 2359",
      "XML1: with MA_LOAI_KCB 02, 05, 07 the time of NGAY_RA is 2359",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", time_d8 },

    { "D12", EHR_CLASS_S,
      "XML1: NAM_QT không sau năm nay, THANG_QT từ 1 đến 12",
      "XML1: NAM_QT is not behind this year, THANG_QT is 1 to 12",
      "Mã chặn 35, 36", time_d12 },

    { "D13", EHR_CLASS_W,
      "XML1: năm của NGAY_RA khác năm nay (năm tài chính)",
      "XML1: the year of NGAY_RA is not this year (financial year)",
      "Mã chặn 103", time_d13 },

    { "D14", EHR_CLASS_W,
      "XML1: khám bệnh (MA_LOAI_KCB 01) kéo dài hơn một ngày",
      "XML1: an examination (MA_LOAI_KCB 01) of more than a day",
      TIME_HABIT, time_d14 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static void
xml1_fail(ehr_check_t *check, uint32_t field)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML1),
             claim_of(check)->xml1, field);
}


static int
xml1_time(const ehr_check_t *check, uint32_t field, ehr_minute_t *minute)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 != NULL && ehr_time(xml1, field, minute);
}


/* Forms of care whose NGAY_RA is the last day of use, perhaps to come. */

static int
ends_later(const ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 != NULL
           && ehr_text_in(ehr_value(xml1, EHR_XML1_MA_LOAI_KCB), "02 05 07");
}


static void
time_d1(ehr_check_t *check)
{
    static const uint32_t  order[] = { EHR_XML1_NGAY_VAO,
                                       EHR_XML1_NGAY_VAO_NOI_TRU,
                                       EHR_XML1_NGAY_RA };

    ehr_minute_t  last = INT64_MIN, minute;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!xml1_time(check, order[i], &minute)) {
            continue;
        }

        if (minute < last) {
            xml1_fail(check, order[i]);

            return;
        }

        last = minute;
    }
}


static void
time_d6(ehr_check_t *check)
{
    ehr_minute_t  left, paid;

    if (!ends_later(check) && xml1_time(check, EHR_XML1_NGAY_RA, &left)
        && xml1_time(check, EHR_XML1_NGAY_TTOAN, &paid) && paid < left)
    {
        xml1_fail(check, EHR_XML1_NGAY_TTOAN);
    }
}


static void
time_d7(ehr_check_t *check)
{
    ehr_minute_t  left;

    if (!ends_later(check) && xml1_time(check, EHR_XML1_NGAY_RA, &left)
        && left > ehr_minute_now(check->host->now_ms(check->call)))
    {
        xml1_fail(check, EHR_XML1_NGAY_RA);
    }
}


static void
time_d8(ehr_check_t *check)
{
    ehr_minute_t  left;

    if (ends_later(check) && xml1_time(check, EHR_XML1_NGAY_RA, &left)
        && left - (ehr_minute_t) ehr_day_of(left) * EHR_DAY_MINUTES
           != LAST_MINUTE)
    {
        xml1_fail(check, EHR_XML1_NGAY_RA);
    }
}


static void
time_d12(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    uint32_t          year = ehr_day_number(claim_of(check)->today) / 10000;
    ehr_decimal_t     n;

    if (xml1 == NULL) {
        return;
    }

    if (ehr_number(xml1, EHR_XML1_NAM_QT, &n)
        && n > (ehr_decimal_t) year * EHR_DECIMAL_ONE)
    {
        xml1_fail(check, EHR_XML1_NAM_QT);
    }

    if (ehr_number(xml1, EHR_XML1_THANG_QT, &n)
        && (n < EHR_DECIMAL_ONE || n > 12 * EHR_DECIMAL_ONE
            || n % EHR_DECIMAL_ONE != 0))
    {
        xml1_fail(check, EHR_XML1_THANG_QT);
    }
}


static void
time_d13(ehr_check_t *check)
{
    ehr_minute_t  left;

    if (!ends_later(check) && xml1_time(check, EHR_XML1_NGAY_RA, &left)
        && ehr_day_number(ehr_day_of(left)) / 10000
           != ehr_day_number(claim_of(check)->today) / 10000)
    {
        xml1_fail(check, EHR_XML1_NGAY_RA);
    }
}


static void
time_d14(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_minute_t      came, left;

    if (xml1_time(check, EHR_XML1_NGAY_VAO, &came)
        && xml1_time(check, EHR_XML1_NGAY_RA, &left)
        && left - came > OUTPATIENT_MINUTES
        && ehr_text_is(ehr_value(xml1, EHR_XML1_MA_LOAI_KCB), "01"))
    {
        xml1_fail(check, EHR_XML1_NGAY_RA);
    }
}
