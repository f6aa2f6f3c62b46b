/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Papers of the persons in a notice: the kind of number and the number,
 * social insurance, residence (rules F9, K1, I7, ID01, ID04, ID14, ID17,
 * R.LOAI_GIAYTO).
 */

#include "notices.h"

#include "ehr_needs.h"
#include "ehr_province.h"
#include "ehr_shape.h"


static void paper_f9(ehr_check_t *check);
static void paper_k1(ehr_check_t *check);
static void paper_i7(ehr_check_t *check);
static void paper_id01(ehr_check_t *check);
static void paper_id04(ehr_check_t *check);
static void paper_id14(ehr_check_t *check);
static void paper_id17(ehr_check_t *check);
static void paper_issue(ehr_check_t *check);


#define PAPER_SOURCE  "CV 3220/BHXH-CNTT 2025, Phụ lục 02"
#define PAPER_HABIT   "Lỗi thường gặp khi làm sạch dữ liệu định danh"


const ehr_rule_t  notices_paper_rules[] = {

    { "F9", EHR_CLASS_S,
      "Mã số BHXH phải gồm 10 chữ số, không phải toàn số 0",
      "A social-insurance number has 10 digits, not only zeros",
      PAPER_SOURCE, paper_f9 },

    { "K1", EHR_CLASS_S,
      "Mã thẻ BHYT phải có 15 ký tự: 2 chữ hoa, 1 chữ số từ 1 đến 5, 12 chữ "
      "số",
      "An insurance card has 15 characters: 2 capital letters, a digit from "
      "1 to 5, 12 digits",
      PAPER_SOURCE, paper_k1 },

    { "I7", EHR_CLASS_C,
      "Mã nơi cư trú: tỉnh 2 chữ số, xã 5 chữ số",
      "Codes of residence: province 2 digits, commune 5",
      "QĐ 19/2025/QĐ-TTg", paper_i7 },

    { "ID01", EHR_CLASS_C,
      "Thiếu số giấy tờ mà loại giấy tờ không phải 0 (không có)",
      "The number is missing and its kind is not 0 (none)",
      PAPER_HABIT, paper_id01 },

    { "ID04", EHR_CLASS_W,
      "Số giấy tờ không đúng dạng của loại: 1, 4 là 12 chữ số, 2 là 9 chữ "
      "số, 3 là hộ chiếu",
      "The number has not the form of its kind: 1, 4: 12 digits, 2: 9 digits, "
      "3: a passport",
      PAPER_SOURCE, paper_id04 },

    { "ID14", EHR_CLASS_W,
      "Mã tỉnh không dùng vào ngày của giấy, hoặc còn mã huyện từ 01/07/2025",
      "The province's code is not one of the paper's day, or there is a "
      "district since 01/07/2025",
      "QĐ 19/2025/QĐ-TTg", paper_id14 },

    { "ID17", EHR_CLASS_W,
      "Mã số BHXH khác 10 số cuối của mã thẻ BHYT",
      "The social-insurance number is not the last 10 digits of the card",
      PAPER_HABIT, paper_id17 },

    { "R.LOAI_GIAYTO", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Giấy báo tử: LOAI_GIAYTO khác 0 thì phải có NGAY_CAP và NOI_CAP",
      "Death notice: unless LOAI_GIAYTO is 0, NGAY_CAP and NOI_CAP must be "
      "filled",
      PAPER_SOURCE, paper_issue },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- insurance ----------------------------------------------------------- */


typedef struct {
    uint32_t  section;
    uint32_t  number;
    uint32_t  card;
} insured_t;


static const insured_t  insured[] = {
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MA_BHXH_NND, EHR_HSDLGCS_MA_THE_NND },
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MA_BHXH_MTH, EHR_HSDLGCS_MA_THE_MTH },
    { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MA_BHXH, EHR_HSDLGBT_MA_THE }
};

#define INSURED  (sizeof(insured) / sizeof(insured[0]))


static void
paper_f9(ehr_check_t *check)
{
    for (size_t i = 0; i < INSURED; i++) {
        ehr_place_t   place = { insured[i].section, insured[i].number };
        ehr_places_t  places = { &place, 1 };

        ehr_check_shape(check, &places, ehr_is_insurance_number);
    }
}


static void
paper_k1(ehr_check_t *check)
{
    for (size_t i = 0; i < INSURED; i++) {
        ehr_place_t   place = { insured[i].section, insured[i].card };
        ehr_places_t  places = { &place, 1 };

        ehr_check_shape(check, &places, ehr_is_card);
    }
}


static void
insured_id17(ehr_check_t *check, const insured_t *at)
{
    const ehr_section_t  *s = ehr_section(check, at->section);

    for (uint32_t i = 0; i < s->nrows; i++) {
        ehr_str_t  number = ehr_value(&s->rows[i], at->number);
        ehr_str_t  card = ehr_value(&s->rows[i], at->card);

        if (ehr_is_insurance_number(number) && ehr_is_card(card)
            && memcmp(card.data + card.len - number.len, number.data,
                      number.len) != 0)
        {
            ehr_fail(check, s, &s->rows[i], at->number);
        }
    }
}


static void
paper_id17(ehr_check_t *check)
{
    for (size_t i = 0; i < INSURED; i++) {
        insured_id17(check, &insured[i]);
    }
}


/* --- numbers ------------------------------------------------------------- */


typedef struct {
    uint32_t  section;
    uint32_t  kind;           /* LOAI_GIAYTO */
    uint32_t  number;
    int       is_needed;      /* without a kind too */
} numbered_t;


static const numbered_t  numbered[] = {
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_LOAI_GIAYTO_NND,
      EHR_HSDLGCS_SO_CCCD_NND, 1 },
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_LOAI_GIAYTO_MTH,
      EHR_HSDLGCS_SO_CCCD_MTH, 0 },
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_LOAI_GIAYTO_CHA_NND,
      EHR_HSDLGCS_SO_CCCD_CHA_NND, 0 },
    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_LOAI_GIAYTO_CHA_MTH,
      EHR_HSDLGCS_SO_CCCD_CHA_MTH, 0 },
    { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_LOAI_GIAYTO, EHR_HSDLGBT_SO_GIAYTO,
      1 }
};

#define NUMBERED  (sizeof(numbered) / sizeof(numbered[0]))

typedef int (*number_rule_f)(const numbered_t *at, ehr_str_t kind,
                             ehr_str_t number);


static void
numbers_each(ehr_check_t *check, number_rule_f is_wrong)
{
    for (size_t n = 0; n < NUMBERED; n++) {
        const numbered_t     *at = &numbered[n];
        const ehr_section_t  *s = ehr_section(check, at->section);

        for (uint32_t i = 0; i < s->nrows; i++) {
            const ehr_row_t  *row = &s->rows[i];

            if (is_wrong(at, ehr_value(row, at->kind),
                         ehr_value(row, at->number)))
            {
                ehr_fail(check, s, row, at->number);
            }
        }
    }
}


static int
is_missing(const numbered_t *at, ehr_str_t kind, ehr_str_t number)
{
    if (number.len > 0 || ehr_text_is(kind, "0")) {
        return 0;
    }

    return kind.len > 0 || at->is_needed;
}


static void
paper_id01(ehr_check_t *check)
{
    numbers_each(check, is_missing);
}


/* Forms that have a rule of their own (ID02, ID03, ID11) are left to it;
 * kinds beyond 4 are known to some tables only. */

static int
is_other_kind(const numbered_t *at, ehr_str_t kind, ehr_str_t number)
{
    ehr_id_form_e  form = ehr_id_form(number);

    if (form == EHR_ID_NONE || form == EHR_ID_SPOILED
        || form == EHR_ID_SHORT || form == EHR_ID_DUMMY)
    {
        return 0;
    }

    if (ehr_text_in(kind, "1 4")) {
        return form != EHR_ID_CITIZEN;
    }

    if (ehr_text_is(kind, "2")) {
        return form != EHR_ID_OLD;
    }

    return ehr_text_is(kind, "3")
           && (form == EHR_ID_CITIZEN || form == EHR_ID_OLD);
}


static void
paper_id04(ehr_check_t *check)
{
    numbers_each(check, is_other_kind);
}


/* The day of a citizen's card is asked for by ID12. */

static void
paper_issue(ehr_check_t *check)
{
    static const ehr_need_t   lines[] = {
        { "R.LOAI_GIAYTO", EHR_SECTION_HSDLGBT, EHR_HSDLGBT_NGAY_CAP,
          EHR_HSDLGBT_LOAI_GIAYTO, "2 3 5 6 7" },
        { "R.LOAI_GIAYTO", EHR_SECTION_HSDLGBT, EHR_HSDLGBT_NOI_CAP,
          EHR_HSDLGBT_LOAI_GIAYTO, "1 2 3 4 5 6 7" }
    };
    static const ehr_needs_t  needs = ehr_needs(lines);

    ehr_check_needs(check, &needs);
}


/* --- residence ----------------------------------------------------------- */


static int
is_province(ehr_str_t code)
{
    return ehr_is_digits(code, 2);
}


static int
is_commune(ehr_str_t code)
{
    return ehr_is_digits(code, 5);
}


static void
paper_i7(ehr_check_t *check)
{
    static const ehr_place_t   province_rows[] = {
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MATINH_CU_TRU },
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MATINH_CU_TRU_MTH },
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MATINH_THUONGTRU },
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MATINH_HIENTAI }
    };
    static const ehr_place_t   commune_rows[] = {
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MAXA_CU_TRU },
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MAXA_CU_TRU_MTH },
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MAXA_THUONGTRU },
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MAXA_HIENTAI }
    };
    static const ehr_places_t  provinces = ehr_places(province_rows);
    static const ehr_places_t  communes = ehr_places(commune_rows);

    ehr_check_shape(check, &provinces, is_province);
    ehr_check_shape(check, &communes, is_commune);
}


typedef struct {
    uint32_t  section;
    uint32_t  province;
    uint32_t  district;
    uint32_t  day;
} residence_t;


static void
residence_id14(ehr_check_t *check, const residence_t *at)
{
    const ehr_section_t  *s = ehr_section(check, at->section);
    ehr_day_t             day;

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];
        ehr_str_t         province = ehr_value(row, at->province);

        if (!ehr_day_parse(ehr_value(row, at->day), &day)) {
            continue;
        }

        if (is_province(province)
            && !ehr_province_is_code(province, ehr_day_number(day)))
        {
            ehr_fail(check, s, row, at->province);
        }

        if (ehr_day_number(day) >= EHR_PROVINCE_REFORM
            && !ehr_is_empty(row, at->district))
        {
            ehr_fail(check, s, row, at->district);
        }
    }
}


static void
paper_id14(ehr_check_t *check)
{
    static const residence_t  residences[] = {
        { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_MATINH_CU_TRU,
          EHR_HSDLGCS_MAHUYEN_CU_TRU, EHR_HSDLGCS_NGAY_CT },
        { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_MATINH_THUONGTRU,
          EHR_HSDLGBT_MAHUYEN_THUONGTRU, EHR_HSDLGBT_NGAY_CAPGIAYBT }
    };

    for (size_t i = 0; i < sizeof(residences) / sizeof(residences[0]); i++) {
        residence_id14(check, &residences[i]);
    }
}
