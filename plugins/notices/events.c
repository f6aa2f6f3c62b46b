/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The birth and the death: their codes, their times, and the words that a
 * special birth needs (rules N1 to N6).
 */

#include "notices.h"

#include "ehr_needs.h"
#include "ehr_shape.h"


#define CODE_LEN     18      /* "00001.GCS.99001.26" */
#define NUMBER_LEN   5
#define FACILITY_AT  10
#define YEAR_AT      16


static void birth_n1(ehr_check_t *check);
static void birth_n2(ehr_check_t *check);
static void birth_n3(ehr_check_t *check);
static void birth_n4(ehr_check_t *check);
static void death_n5(ehr_check_t *check);
static void death_n6(ehr_check_t *check);


#define EVENT_SOURCE  "CV 3220/BHXH-CNTT 2025, Phụ lục 02"
#define EVENT_HABIT   "Phần mềm gửi giấy chứng sinh, giấy báo tử đã công bố"


const ehr_rule_t  notices_birth_rules[] = {

    { "N1", EHR_CLASS_S,
      "MA_GCS có dạng XXXXX.GCS.mã cơ sở.năm, MA_GBT dạng XXXXX.GBT.mã cơ "
      "sở.năm (18 ký tự)",
      "MA_GCS has the form XXXXX.GCS.facility.year, MA_GBT the form "
      "XXXXX.GBT.facility.year (18 characters)",
      EVENT_SOURCE, birth_n1 },

    { "N2", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Sinh con phẫu thuật hoặc dưới 32 tuần thì GHI_CHU phải ghi rõ",
      "A birth by surgery or before 32 weeks needs words in GHI_CHU",
      "Hướng dẫn bảng 9, QĐ 4750/QĐ-BYT; " EVENT_HABIT, birth_n2 },

    { "N3", EHR_CLASS_C,
      "NGAY_SINH_CON sau NGAY_CT hoặc ở tương lai",
      "NGAY_SINH_CON is behind NGAY_CT or in the future",
      EVENT_HABIT, birth_n3 },

    { "N4", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "MA_THE_TAM phải là TE1, 2 chữ số mã tỉnh và 10 chữ số",
      "MA_THE_TAM must be TE1, 2 digits of the province and 10 digits",
      EVENT_SOURCE, birth_n4 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


const ehr_rule_t  notices_death_rules[] = {

    { "N5", EHR_CLASS_C,
      "NGAY_TV trước NGAYGIO_VV mà TINH_TRANG_TV không phải 1 (tử vong trước "
      "khi đến)",
      "NGAY_TV is before NGAYGIO_VV and TINH_TRANG_TV is not 1 (died before "
      "arrival)",
      EVENT_HABIT, death_n5 },

    { "N6", EHR_CLASS_C,
      "NGAY_TV sau NGAY_CAPGIAYBT hoặc ở tương lai",
      "NGAY_TV is behind NGAY_CAPGIAYBT or in the future",
      EVENT_HABIT, death_n6 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- codes --------------------------------------------------------------- */


static int
is_code(ehr_str_t code, const char *kind)
{
    ehr_str_t  number = code, facility = ehr_text_after(code, FACILITY_AT);

    if (code.len != CODE_LEN) {
        return 0;
    }

    number.len = NUMBER_LEN;
    facility.len = EHR_FACILITY_LEN;

    return ehr_text_is_digits(number) && ehr_is_facility(facility)
           && memcmp(code.data + NUMBER_LEN, kind, NUMBER_LEN) == 0
           && code.data[YEAR_AT - 1] == '.'
           && ehr_text_is_digits(ehr_text_after(code, YEAR_AT));
}


static int
is_birth_code(ehr_str_t code)
{
    return is_code(code, ".GCS.");
}


static int
is_death_code(ehr_str_t code)
{
    return is_code(code, ".GBT.");
}


static void
birth_n1(ehr_check_t *check)
{
    static const ehr_place_t   birth_rows[] = {
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MA_GCS }
    };
    static const ehr_place_t   death_rows[] = {
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MA_GBT }
    };
    static const ehr_places_t  births = ehr_places(birth_rows);
    static const ehr_places_t  deaths = ehr_places(death_rows);

    ehr_check_shape(check, &births, is_birth_code);
    ehr_check_shape(check, &deaths, is_death_code);
}


static int
is_temporary_card(ehr_str_t card)
{
    return ehr_is_card(card) && ehr_text_begins(card, "TE1");
}


static void
birth_n4(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MA_THE_TAM }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_temporary_card);
}


/* --- birth --------------------------------------------------------------- */


static void
birth_n2(ehr_check_t *check)
{
    static const ehr_need_t   lines[] = {
        { "N2", EHR_SECTION_HSDLGCS, EHR_HSDLGCS_GHI_CHU,
          EHR_HSDLGCS_SINHCON_PHAUTHUAT, "1" },
        { "N2", EHR_SECTION_HSDLGCS, EHR_HSDLGCS_GHI_CHU,
          EHR_HSDLGCS_SINHCON_DUOI32TUAN, "1" }
    };
    static const ehr_needs_t  needs = ehr_needs(lines);

    ehr_check_needs(check, &needs);
}


/* A day in the future, or behind that of the paper. */

static int
is_too_late(const ehr_check_t *check, ehr_str_t text, ehr_str_t paper)
{
    const ehr_subject_t  *subject = check->data;
    ehr_day_t             day, bound;

    return ehr_person_day(text, &day)
           && (day > subject->today
               || (ehr_person_day(paper, &bound) && day > bound));
}


static void
birth_n3(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_HSDLGCS);

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];

        if (is_too_late(check, ehr_value(row, EHR_HSDLGCS_NGAY_SINH_CON),
                        ehr_value(row, EHR_HSDLGCS_NGAY_CT)))
        {
            ehr_fail(check, s, row, EHR_HSDLGCS_NGAY_SINH_CON);
        }
    }
}


/* --- death --------------------------------------------------------------- */


static void
death_n5(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_HSDLGBT);
    ehr_minute_t          came, died;

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];

        if (ehr_time(row, EHR_HSDLGBT_NGAYGIO_VV, &came)
            && ehr_time(row, EHR_HSDLGBT_NGAY_TV, &died) && died < came
            && !ehr_text_is(ehr_value(row, EHR_HSDLGBT_TINH_TRANG_TV), "1"))
        {
            ehr_fail(check, s, row, EHR_HSDLGBT_NGAY_TV);
        }
    }
}


static void
death_n6(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_HSDLGBT);

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];

        if (is_too_late(check, ehr_value(row, EHR_HSDLGBT_NGAY_TV),
                        ehr_value(row, EHR_HSDLGBT_NGAY_CAPGIAYBT)))
        {
            ehr_fail(check, s, row, EHR_HSDLGBT_NGAY_TV);
        }
    }
}
