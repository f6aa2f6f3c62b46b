/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What sections of a claim say of each other, and how their rows are
 * numbered (rules L2 to L13).
 */

#include "claims.h"

#include <stdlib.h>

#include "ehr_shape.h"
#include "ehr_visit.h"


#define DISEASE_LEN  3     /* of an ICD-10 category */


static void link_l2(ehr_check_t *check);
static void link_l4(ehr_check_t *check);
static void link_l5(ehr_check_t *check);
static void link_l6(ehr_check_t *check);
static void link_l6_new(ehr_check_t *check);
static void link_l7(ehr_check_t *check);
static void link_l8(ehr_check_t *check);
static void link_l8_doubtful(ehr_check_t *check);
static void link_l9(ehr_check_t *check);
static void link_l10(ehr_check_t *check);
static void link_l11(ehr_check_t *check);
static void link_l12(ehr_check_t *check);
static void link_l13(ehr_check_t *check);


#define LINK_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục"
#define LINK_HABIT   "Phần mềm kiểm tra hồ sơ QĐ 3176"
#define LINK_NEW     "QĐ 1804/QĐ-BYT năm 2026 theo phần mềm đã công bố"


const ehr_rule_t  claims_link_rules[] = {

    { "L2", EHR_CLASS_S,
      "STT của mỗi bảng phải tăng dần từ 1, mỗi dòng thêm 1",
      "STT of each table must count the rows: 1, 2, 3 ...",
      LINK_SOURCE, link_l2 },

    { "L4", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "T_TONGCHI_BV lớn hơn 0 mà cả XML2 và XML3 đều không có dòng nào",
      "T_TONGCHI_BV is more than 0 and neither XML2 nor XML3 has a row",
      LINK_HABIT, link_l4 },

    { "L5", EHR_CLASS_W,
      "XML4: MA_DICH_VU không có trong XML3",
      "XML4: MA_DICH_VU is not in XML3",
      LINK_SOURCE ", XML4; " LINK_HABIT, link_l5 },

    { "L6", EHR_CLASS_C,
      "XML5 chỉ có với MA_LOAI_KCB 02, 03, 04, 05, 06, 08, 09 (11 đến 16: "
      "L6.2)",
      "XML5 goes only with MA_LOAI_KCB 02, 03, 04, 05, 06, 08, 09 (11 to 16: "
      "L6.2)",
      LINK_SOURCE ", XML5", link_l6 },

    { "L6.2", EHR_CLASS_W,
      "XML5 với MA_LOAI_KCB từ 11 đến 16 của QĐ 1804/2026: chưa được kiểm "
      "chứng",
      "XML5 with MA_LOAI_KCB 11 to 16 of decision 1804/2026 has not been "
      "confirmed",
      LINK_NEW, link_l6_new },

    { "L7", EHR_CLASS_W,
      "Nội trú (MA_LOAI_KCB 03, 04) thường có XML7, trừ người bệnh trốn viện",
      "Inpatients (MA_LOAI_KCB 03, 04) normally have XML7, unless they "
      "absconded",
      LINK_HABIT, link_l7 },

    { "L8", EHR_CLASS_S,
      "XML8 chỉ có với MA_LOAI_KCB 03, 04, 06 (02, 09, 11 đến 16: L8.2), và "
      "MA_LOAI_KCB bằng của XML1",
      "XML8 goes only with MA_LOAI_KCB 03, 04, 06 (02, 09, 11 to 16: L8.2), "
      "the same as in XML1",
      LINK_SOURCE ", XML8", link_l8 },

    { "L8.2", EHR_CLASS_W,
      "XML8 với MA_LOAI_KCB 02, 09 (sổ sức khỏe điện tử cần, đặc tả của Cổng "
      "không kể) hoặc 11 đến 16 (chưa được kiểm chứng)",
      "XML8 with MA_LOAI_KCB 02, 09 (the health book wants it, the insurer's "
      "specification does not name it) or 11 to 16 (not confirmed)",
      "QĐ 2733/QĐ-BYT năm 2024; " LINK_NEW, link_l8_doubtful },

    { "L9", EHR_CLASS_W,
      "XML1: số phần tử của CAN_NANG_CON khác số giấy chứng sinh trong XML9",
      "XML1: CAN_NANG_CON has not as many parts as XML9 has birth "
      "certificates",
      LINK_SOURCE ", XML9", link_l9 },

    { "L10", EHR_CLASS_S,
      "XML11: MAU_SO là CT07 hoặc để trống",
      "XML11: MAU_SO is CT07 or empty",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", link_l10 },

    { "L11", EHR_CLASS_C,
      "XML13 chỉ có khi MA_LOAI_RV là 2 hoặc 5, khi đó phải có MA_NOI_DEN",
      "XML13 goes only with MA_LOAI_RV 2 or 5, and these with MA_NOI_DEN",
      LINK_SOURCE ", XML13", link_l11 },

    { "L12", EHR_CLASS_W,
      "NGAY_TAI_KHAM và XML14 (giấy hẹn khám lại) phải cùng có",
      "NGAY_TAI_KHAM and XML14 (appointment) come together",
      LINK_SOURCE ", XML14", link_l12 },

    { "L13", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML6 chỉ có khi điều trị HIV, XML15 chỉ có khi điều trị lao: hồ sơ "
      "không có mã bệnh nào như vậy",
      "XML6 goes only with HIV care, XML15 with tuberculosis: no disease code "
      "of the claim is one",
      LINK_SOURCE ", XML6, XML15", link_l13 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static ehr_str_t
xml1_text(const ehr_check_t *check, uint32_t field)
{
    static const ehr_str_t  none = ehr_null_string;
    const ehr_row_t        *xml1 = claim_of(check)->xml1;

    return xml1 ? ehr_value(xml1, field) : none;
}


static void
xml1_fail(ehr_check_t *check, uint32_t field)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML1),
             claim_of(check)->xml1, field);
}


static int
is_present(const ehr_check_t *check, uint32_t section)
{
    return (ehr_section(check, section)->flags & EHR_SECTION_PRESENT) != 0;
}


/* What could not be read may be it. */

static int
is_missing(const ehr_check_t *check, uint32_t section)
{
    return (ehr_section(check, section)->flags
            & (EHR_SECTION_PRESENT | EHR_SECTION_PARTIAL)) == 0;
}


static void
section_fail(ehr_check_t *check, uint32_t section)
{
    ehr_fail(check, ehr_section(check, section), NULL, EHR_NO_FIELD);
}


/* --- rows ---------------------------------------------------------------- */


/* One word a table is enough: after a slip all rows are off. */

static void
link_l2_rows(ehr_check_t *check, const ehr_section_t *section, uint32_t stt)
{
    ehr_decimal_t  number;

    for (uint32_t i = 0; i < section->nrows; i++) {
        const ehr_row_t  *row = &section->rows[i];

        if (ehr_number(row, stt, &number)
            && number != (ehr_decimal_t) (i + 1) * EHR_DECIMAL_ONE)
        {
            ehr_fail(check, section, row, stt);

            return;
        }
    }
}


static void
link_l2(ehr_check_t *check)
{
    static const ehr_place_t  tables[] = {
        { EHR_SECTION_XML2, EHR_XML2_STT },
        { EHR_SECTION_XML3, EHR_XML3_STT },
        { EHR_SECTION_XML4, EHR_XML4_STT },
        { EHR_SECTION_XML5, EHR_XML5_STT },
        { EHR_SECTION_XML15, EHR_XML15_STT }
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        link_l2_rows(check, ehr_section(check, tables[i].section),
                     tables[i].field);
    }
}


static void
link_l4(ehr_check_t *check)
{
    const ehr_section_t  *xml2 = ehr_section(check, EHR_SECTION_XML2);
    const ehr_section_t  *xml3 = ehr_section(check, EHR_SECTION_XML3);
    ehr_decimal_t         total;

    if (xml2->nrows == 0 && xml3->nrows == 0
        && !ehr_is_unread(xml2) && !ehr_is_unread(xml3)
        && ehr_decimal_parse(xml1_text(check, EHR_XML1_T_TONGCHI_BV), &total)
        && total > 0)
    {
        xml1_fail(check, EHR_XML1_T_TONGCHI_BV);
    }
}


/* --- services (L5) ------------------------------------------------------- */


static int
text_order(const void *a, const void *b)
{
    const ehr_str_t  *x = a, *y = b;
    size_t            len = x->len < y->len ? x->len : y->len;
    int               order = len ? memcmp(x->data, y->data, len) : 0;

    return order ? order : (x->len > y->len) - (x->len < y->len);
}


/* MA_DICH_VU of XML3 in order; NULL without memory. */

static ehr_str_t *
services_sorted(ehr_check_t *check, size_t *n)
{
    const ehr_section_t  *xml3 = ehr_section(check, EHR_SECTION_XML3);
    ehr_str_t            *codes;

    codes = check->host->alloc(check->call,
                               (xml3->nrows + 1) * sizeof(ehr_str_t));
    *n = 0;

    if (codes == NULL) {
        check->is_broken = 1;

        return NULL;
    }

    for (uint32_t i = 0; i < xml3->nrows; i++) {
        if (!ehr_is_empty(&xml3->rows[i], EHR_XML3_MA_DICH_VU)) {
            codes[(*n)++] = ehr_value(&xml3->rows[i], EHR_XML3_MA_DICH_VU);
        }
    }

    qsort(codes, *n, sizeof(ehr_str_t), text_order);

    return codes;
}


/* The rows of one service stand together: each is looked up once. */

static void
link_l5(ehr_check_t *check)
{
    const ehr_section_t  *xml4 = ehr_section(check, EHR_SECTION_XML4);
    ehr_str_t            *codes, last = ehr_null_string;
    size_t                n;
    int                   is_known = 1;

    if (xml4->nrows == 0
        || ehr_is_unread(ehr_section(check, EHR_SECTION_XML3)))
    {
        return;
    }

    codes = services_sorted(check, &n);

    for (uint32_t i = 0; codes != NULL && i < xml4->nrows; i++) {
        ehr_str_t  code = ehr_value(&xml4->rows[i], EHR_XML4_MA_DICH_VU);

        if (!ehr_text_eq(code, last)) {
            last = code;
            is_known = bsearch(&code, codes, n, sizeof(code), text_order)
                       != NULL;
        }

        if (code.len > 0 && !is_known) {
            ehr_fail(check, xml4, &xml4->rows[i], EHR_XML4_MA_DICH_VU);
        }
    }
}


/* --- forms of care ------------------------------------------------------- */


/* The row of that code on the claim's day; a code without one is told by
 * C.MA_LOAI_KCB. */

static const ehr_code_t *
care_of(const ehr_check_t *check, ehr_str_t kind)
{
    return ehr_code_find(&ehr_visit_cares, kind, claim_of(check)->day);
}


/* Of a decision that is younger than what says which section goes with which
 * kind of care. */

static int
is_new(const ehr_check_t *check, ehr_str_t kind)
{
    const ehr_code_t  *care = care_of(check, kind);

    return care != NULL && care->from != 0;
}


static void
link_l6(ehr_check_t *check)
{
    ehr_str_t  kind = xml1_text(check, EHR_XML1_MA_LOAI_KCB);

    if (is_present(check, EHR_SECTION_XML5) && care_of(check, kind) != NULL
        && !is_new(check, kind)
        && !ehr_text_in(kind, "02 03 04 05 06 08 09"))
    {
        section_fail(check, EHR_SECTION_XML5);
    }
}


static void
link_l6_new(ehr_check_t *check)
{
    if (is_present(check, EHR_SECTION_XML5)
        && is_new(check, xml1_text(check, EHR_XML1_MA_LOAI_KCB)))
    {
        section_fail(check, EHR_SECTION_XML5);
    }
}


static void
link_l7(ehr_check_t *check)
{
    if (ehr_text_in(xml1_text(check, EHR_XML1_MA_LOAI_KCB), "03 04")
        && !ehr_text_is(xml1_text(check, EHR_XML1_MA_LOAI_RV), "3")
        && is_missing(check, EHR_SECTION_XML7))
    {
        xml1_fail(check, EHR_XML1_MA_LOAI_KCB);
    }
}


static ehr_str_t
xml8_kind(const ehr_check_t *check)
{
    static const ehr_str_t  none = ehr_null_string;
    const ehr_row_t        *row = ehr_flat(check, EHR_SECTION_XML8);

    return row ? ehr_value(row, EHR_XML8_MA_LOAI_KCB) : none;
}


static void
xml8_fail(ehr_check_t *check)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML8),
             ehr_flat(check, EHR_SECTION_XML8), EHR_XML8_MA_LOAI_KCB);
}


/* From XML1, where that has a code. */

static int
xml8_differs(const ehr_check_t *check)
{
    ehr_str_t  kind = xml1_text(check, EHR_XML1_MA_LOAI_KCB);

    return care_of(check, kind) != NULL
           && !ehr_text_eq(kind, xml8_kind(check));
}


static int
xml8_is_doubtful(const ehr_check_t *check)
{
    ehr_str_t  ours = xml8_kind(check);

    return ehr_text_in(ours, "02 09") || is_new(check, ours);
}


/* A code that XML1 has wrong is wrong once. */

static void
link_l8(ehr_check_t *check)
{
    ehr_str_t  ours = xml8_kind(check);
    ehr_str_t  kind = xml1_text(check, EHR_XML1_MA_LOAI_KCB);

    if (ours.len == 0
        || (ehr_text_eq(ours, kind) && care_of(check, kind) == NULL))
    {
        return;
    }

    if (xml8_differs(check)
        || (!ehr_text_in(ours, "03 04 06") && !xml8_is_doubtful(check)))
    {
        xml8_fail(check);
    }
}


static void
link_l8_doubtful(ehr_check_t *check)
{
    if (xml8_is_doubtful(check) && !xml8_differs(check)) {
        xml8_fail(check);
    }
}


static void
link_l9(ehr_check_t *check)
{
    const ehr_section_t  *xml9 = ehr_section(check, EHR_SECTION_XML9);
    size_t                n;

    n = ehr_list_count(xml1_text(check, EHR_XML1_CAN_NANG_CON), ';');

    if (claim_of(check)->xml1 != NULL && n != xml9->nrows
        && !ehr_is_unread(xml9))
    {
        xml1_fail(check, EHR_XML1_CAN_NANG_CON);
    }
}


static int
is_ct07(ehr_str_t value)
{
    return ehr_text_is(value, "CT07");
}


static void
link_l10(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML11, EHR_XML11_MAU_SO }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_ct07);
}


static void
link_l11(ehr_check_t *check)
{
    ehr_str_t  kind = xml1_text(check, EHR_XML1_MA_LOAI_RV);

    if (kind.len == 0) {
        return;
    }

    if (!ehr_text_in(kind, "2 5")) {
        if (is_present(check, EHR_SECTION_XML13)) {
            section_fail(check, EHR_SECTION_XML13);
        }

    } else if (xml1_text(check, EHR_XML1_MA_NOI_DEN).len == 0) {
        xml1_fail(check, EHR_XML1_MA_NOI_DEN);
    }
}


static void
link_l12(ehr_check_t *check)
{
    int  has_day = xml1_text(check, EHR_XML1_NGAY_TAI_KHAM).len > 0;

    if (claim_of(check)->xml1 != NULL
        && (has_day ? is_missing(check, EHR_SECTION_XML14)
                    : is_present(check, EHR_SECTION_XML14)))
    {
        xml1_fail(check, EHR_XML1_NGAY_TAI_KHAM);
    }
}


/* --- diseases (L13) ------------------------------------------------------ */


/* Some code of the list begins with one of those categories. */

static int
has_disease(ehr_str_t codes, const char *categories)
{
    ehr_list_t  list = ehr_list(codes, ';');
    ehr_str_t   code;

    while (ehr_list_next(&list, &code)) {
        code = ehr_text_trim(code);
        code.len = code.len < DISEASE_LEN ? code.len : DISEASE_LEN;

        if (ehr_text_in(code, categories)) {
            return 1;
        }
    }

    return 0;
}


/* The disease itself, exposure, examination and what it does in others. */

static void
link_l13(ehr_check_t *check)
{
    static const struct {
        uint32_t     section;
        const char  *categories;
    } rows[] = {
        { EHR_SECTION_XML6, "B20 B21 B22 B23 B24 F02 O98 R75 Z11 Z20 Z21" },
        { EHR_SECTION_XML15, "A15 A16 A17 A18 A19 B20 B90 J65 K23 K67 K93 M01 "
                             "M49 M90 N33 N74 O98 P37 R76 U84 Z03 Z11 Z20 "
                             "Z22" }
    };

    ehr_str_t  disease = xml1_text(check, EHR_XML1_MA_BENH_CHINH);
    ehr_str_t  others = xml1_text(check, EHR_XML1_MA_BENH_KT);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (is_present(check, rows[i].section) && disease.len > 0
            && !has_disease(disease, rows[i].categories)
            && !has_disease(others, rows[i].categories))
        {
            section_fail(check, rows[i].section);
        }
    }
}
