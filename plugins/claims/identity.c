/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who stands where in a claim, and the identity rules that only claims have
 * (rules F7, F7.2, I7, I8, ID01, ID04, ID14, ID17).  Those of every kind of
 * document are in ehr_person.c.
 */

#include "claims.h"

#include "ehr_province.h"
#include "ehr_shape.h"


#define CMND_END  20250101     /* since then nobody has an old number */


static void identity_f7(ehr_check_t *check);
static void identity_f7_digits(ehr_check_t *check);
static void identity_i7(ehr_check_t *check);
static void identity_i8(ehr_check_t *check);
static void identity_id01(ehr_check_t *check);
static void identity_id04(ehr_check_t *check);
static void identity_id14(ehr_check_t *check);
static void identity_id17(ehr_check_t *check);


const ehr_rule_t  claims_identity_rules[] = {

    { "F7", EHR_CLASS_S,
      "XML1: SO_CCCD có 12 chữ số, 9 chữ số, hoặc 1 chữ hoa và 7 chữ số (đến "
      "hết 2024)",
      "XML1: SO_CCCD has 12 digits, 9 digits, or a capital letter and 7 "
      "digits (until the end of 2024)",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", identity_f7 },

    { "F7.2", EHR_CLASS_W,
      "XML1: SO_CCCD toàn chữ số mà không có 12 hoặc 9 chữ số",
      "XML1: SO_CCCD is all digits, but not 12 or 9 of them",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", identity_f7_digits },

    { "I7", EHR_CLASS_C,
      "Mã nơi cư trú: tỉnh 2 chữ số, xã 5 chữ số, huyện 3 chữ số (phải có "
      "khi NGAY_RA đến hết 30/06/2025)",
      "Codes of residence: province 2 digits, commune 5, district 3 (needed "
      "with NGAY_RA until 30/06/2025)",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; QĐ 19/2025/QĐ-TTg", identity_i7 },

    { "I8", EHR_CLASS_S,
      "MA_QUOCTICH có 3 ký tự, MA_DANTOC 2 ký tự, MA_NGHE_NGHIEP 5 ký tự",
      "MA_QUOCTICH has 3 characters, MA_DANTOC 2, MA_NGHE_NGHIEP 5",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", identity_i8 },

    { "ID01", EHR_CLASS_W,
      "XML1: SO_CCCD để trống",
      "XML1: SO_CCCD is empty",
      "Lỗi thường gặp khi làm sạch dữ liệu định danh", identity_id01 },

    { "ID04", EHR_CLASS_W,
      "XML1: SO_CCCD là số CMND 9 chữ số, hết giá trị từ 01/01/2025",
      "XML1: SO_CCCD is an old number of 9 digits, not valid since "
      "01/01/2025",
      "Luật Căn cước 26/2023/QH15, Điều 46", identity_id04 },

    { "ID14", EHR_CLASS_W,
      "XML1: mã tỉnh không còn (hoặc chưa) dùng vào ngày NGAY_VAO, hoặc còn "
      "mã huyện từ 01/07/2025",
      "XML1: the province's code is not one of the day of NGAY_VAO, or there "
      "is a district since 01/07/2025",
      "QĐ 19/2025/QĐ-TTg", identity_id14 },

    { "ID17", EHR_CLASS_W,
      "XML11: MA_BHXH khác 10 số cuối của mọi thẻ BHYT trong hồ sơ",
      "XML11: MA_BHXH is not the last 10 digits of any insurance card of the "
      "claim",
      "Lỗi thường gặp khi làm sạch dữ liệu định danh", identity_id17 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* The nationality in XML9 is not said to be the mother's. */

static const ehr_person_t  people[] = {

    { EHR_SECTION_XML1, EHR_XML1_SO_CCCD, EHR_XML1_NGAY_SINH,
      EHR_XML1_GIOI_TINH, EHR_XML1_MA_QUOCTICH, EHR_XML1_HO_TEN,
      EHR_NO_FIELD, EHR_NO_FIELD, EHR_XML1_NGAY_VAO, "12" },

    { EHR_SECTION_XML9, EHR_XML9_SO_CCCD_NND, EHR_XML9_NGAYSINH_NND,
      EHR_NO_FIELD, EHR_NO_FIELD, EHR_XML9_HO_TEN_NND,
      EHR_XML9_NGAYCAP_CCCD_NND, EHR_XML9_NOICAP_CCCD_NND, EHR_XML9_NGAY_CT,
      NULL }
};


static const ehr_card_t  card = {
    EHR_SECTION_XML1, EHR_XML1_MA_THE_BHYT, EHR_XML1_MA_DKBD,
    EHR_XML1_GT_THE_TU, EHR_XML1_GT_THE_DEN, EHR_XML1_MA_DOITUONG_KCB,
    EHR_XML1_NGAY_VAO, 1
};


/* Those of XML6, XML13 and XML14 must be XML1's (L14). */

static const ehr_paper_card_t  papers[] = {
    { EHR_SECTION_XML7, EHR_XML7_MA_THE_TAM, 0 },
    { EHR_SECTION_XML8, EHR_XML8_MA_THE_TAM, 0 },
    { EHR_SECTION_XML9, EHR_XML9_MA_THE_NND, 0 },
    { EHR_SECTION_XML9, EHR_XML9_MA_THE_TAM, 0 },
    { EHR_SECTION_XML11, EHR_XML11_MA_THE_BHYT, 1 },
    { EHR_SECTION_XML11, EHR_XML11_MA_THE_TAM, 0 }
};


void
claims_subject(ehr_subject_t *subject, ehr_day_t today)
{
    subject->people = people;
    subject->npeople = sizeof(people) / sizeof(people[0]);
    subject->card = &card;
    subject->papers = papers;
    subject->npapers = sizeof(papers) / sizeof(papers[0]);
    subject->today = today;
}


static void
xml1_fail(ehr_check_t *check, uint32_t field)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML1),
             claim_of(check)->xml1, field);
}


/* NGAY_VAO as yyyymmdd; 0: not known. */

static uint32_t
arrival_day(const ehr_row_t *xml1)
{
    ehr_day_t  day;

    return ehr_day_parse(ehr_value(xml1, EHR_XML1_NGAY_VAO), &day)
           ? ehr_day_number(day) : 0;
}


/* --- numbers ------------------------------------------------------------- */


/* QĐ 3176 took the limit away. */

static int
is_unlimited(const ehr_check_t *check)
{
    return ehr_text_is(check->doc->standard, "qd3176");
}


static void
identity_f7(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    if (xml1 != NULL && !is_unlimited(check)
        && ehr_id_is_formless(ehr_value(xml1, EHR_XML1_SO_CCCD)))
    {
        xml1_fail(check, EHR_XML1_SO_CCCD);
    }
}


/* A foreign paper may be numbered so, hence the warning. */

static void
identity_f7_digits(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    if (xml1 != NULL && is_unlimited(check)
        && ehr_id_is_miscounted(ehr_value(xml1, EHR_XML1_SO_CCCD)))
    {
        xml1_fail(check, EHR_XML1_SO_CCCD);
    }
}


static void
identity_id01(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    if (xml1 != NULL && ehr_is_empty(xml1, EHR_XML1_SO_CCCD)) {
        xml1_fail(check, EHR_XML1_SO_CCCD);
    }
}


static void
identity_id04(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    if (xml1 != NULL && arrival_day(xml1) >= CMND_END
        && ehr_id_form(ehr_value(xml1, EHR_XML1_SO_CCCD)) == EHR_ID_OLD)
    {
        xml1_fail(check, EHR_XML1_SO_CCCD);
    }
}


/* --- places -------------------------------------------------------------- */


static int
is_province(ehr_str_t code)
{
    return ehr_is_digits(code, 2);
}


static int
is_district(ehr_str_t code)
{
    return ehr_is_digits(code, 3);
}


static int
is_commune(ehr_str_t code)
{
    return ehr_is_digits(code, 5);
}


/* The whole stay was before the reform: one across it is written up after. */

static int
is_before_reform(const claim_t *claim)
{
    uint32_t  arrival = arrival_day(claim->xml1);

    return arrival > 0 && arrival < EHR_PROVINCE_REFORM
           && claim->day > 0 && claim->day < EHR_PROVINCE_REFORM;
}


/* Whoever is no citizen may have no district. */

static void
identity_i7(ehr_check_t *check)
{
    static const ehr_place_t   province_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MATINH_CU_TRU },
        { EHR_SECTION_XML9, EHR_XML9_MATINH_CU_TRU }
    };
    static const ehr_place_t   district_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MAHUYEN_CU_TRU },
        { EHR_SECTION_XML9, EHR_XML9_MAHUYEN_CU_TRU }
    };
    static const ehr_place_t   commune_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MAXA_CU_TRU },
        { EHR_SECTION_XML9, EHR_XML9_MAXA_CU_TRU }
    };
    static const ehr_places_t  provinces = ehr_places(province_rows);
    static const ehr_places_t  districts = ehr_places(district_rows);
    static const ehr_places_t  communes = ehr_places(commune_rows);

    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    ehr_check_shape(check, &provinces, is_province);
    ehr_check_shape(check, &districts, is_district);
    ehr_check_shape(check, &communes, is_commune);

    if (xml1 != NULL && is_before_reform(claim_of(check))
        && ehr_is_empty(xml1, EHR_XML1_MAHUYEN_CU_TRU)
        && ehr_text_is(ehr_value(xml1, EHR_XML1_MA_QUOCTICH), "000"))
    {
        xml1_fail(check, EHR_XML1_MAHUYEN_CU_TRU);
    }
}


static int
is_three(ehr_str_t code)
{
    return code.len == 3;
}


static int
is_two(ehr_str_t code)
{
    return code.len == 2;
}


static int
is_five(ehr_str_t code)
{
    return code.len == 5;
}


static void
identity_i8(ehr_check_t *check)
{
    static const ehr_place_t   nation_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_QUOCTICH },
        { EHR_SECTION_XML9, EHR_XML9_MA_QUOCTICH }
    };
    static const ehr_place_t   people_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_DANTOC },
        { EHR_SECTION_XML9, EHR_XML9_MA_DANTOC_NND }
    };
    static const ehr_place_t   work_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_NGHE_NGHIEP }
    };
    static const ehr_places_t  nations = ehr_places(nation_rows);
    static const ehr_places_t  peoples = ehr_places(people_rows);
    static const ehr_places_t  works = ehr_places(work_rows);

    ehr_check_shape(check, &nations, is_three);
    ehr_check_shape(check, &peoples, is_two);
    ehr_check_shape(check, &works, is_five);
}


/* Codes of a wrong form are told by I7. */

static void
identity_id14(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_str_t         province;
    uint32_t          day = xml1 ? arrival_day(xml1) : 0;

    if (day == 0) {
        return;
    }

    province = ehr_value(xml1, EHR_XML1_MATINH_CU_TRU);

    if (is_province(province) && !ehr_province_is_code(province, day)) {
        xml1_fail(check, EHR_XML1_MATINH_CU_TRU);
    }

    if (day >= EHR_PROVINCE_REFORM
        && is_district(ehr_value(xml1, EHR_XML1_MAHUYEN_CU_TRU)))
    {
        xml1_fail(check, EHR_XML1_MAHUYEN_CU_TRU);
    }
}


/* --- social insurance ---------------------------------------------------- */


/* Or is no card, which K1, ID15 or F5 tells. */

static int
some_card_ends(ehr_str_t cards, ehr_str_t number)
{
    ehr_list_t  list = ehr_list(cards, ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (!ehr_is_card(part)
            || memcmp(part.data + part.len - number.len, number.data,
                      number.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
identity_id17(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML11);
    const ehr_row_t      *row = ehr_flat(check, EHR_SECTION_XML11);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    ehr_str_t             cards, number;

    if (row == NULL || xml1 == NULL) {
        return;
    }

    number = ehr_value(row, EHR_XML11_MA_BHXH);
    cards = ehr_value(row, EHR_XML11_MA_THE_BHYT);

    if (cards.len == 0) {
        cards = ehr_value(xml1, EHR_XML1_MA_THE_BHYT);
    }

    if (cards.len > 0 && ehr_is_insurance_number(number)
        && !some_card_ends(cards, number))
    {
        ehr_fail(check, s, row, EHR_XML11_MA_BHXH);
    }
}
