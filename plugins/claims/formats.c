/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Forms of single values that are more than a type and a length (rules F2 to
 * F20, as far as the value says it alone, but for numbers).
 */

#include "claims.h"

#include "ehr_shape.h"


#define PACKAGE_MAX      999
#define TENDER_PARTS     4
#define SIGN_LETTERS     3      /* of a vital sign's name */


static void form_f2(ehr_check_t *check);
static void form_f5(ehr_check_t *check);
static void form_f8(ehr_check_t *check);
static void form_f9(ehr_check_t *check);
static void form_f10(ehr_check_t *check);
static void form_f12(ehr_check_t *check);
static void form_f13(ehr_check_t *check);
static void form_f14(ehr_check_t *check);
static void form_f15(ehr_check_t *check);
static void form_f18(ehr_check_t *check);
static void form_f19(ehr_check_t *check);
static void form_f20(ehr_check_t *check);


#define FORM_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục"
#define FORM_CHECKS  "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750"


const ehr_rule_t  claims_form_rules[] = {

    { "F2.2", EHR_CLASS_S,
      "XML1: mỗi ngày trong NGAY_TAI_KHAM có 8 chữ số yyyyMMdd và có trong "
      "lịch",
      "XML1: each day of NGAY_TAI_KHAM is 8 digits yyyyMMdd, of the calendar",
      FORM_SOURCE ", XML1", form_f2 },

    { "F5", EHR_CLASS_S,
      "Các phần tử của một danh sách cách nhau bằng dấu chấm phẩy, không có "
      "khoảng trắng, không có phần tử rỗng",
      "Parts of a list have a semicolon between, no spaces, and none is "
      "empty",
      FORM_SOURCE, form_f5 },

    { "F8", EHR_CLASS_S,
      "MA_TTDV phải là 10 chữ số mã số BHXH (đến hết 2024)",
      "MA_TTDV must be the 10 digits of a social-insurance number (until the "
      "end of 2024)",
      FORM_CHECKS, form_f8 },

    { "F9", EHR_CLASS_S,
      "Mã số BHXH phải gồm 10 chữ số, không phải toàn số 0",
      "A social-insurance number has 10 digits, not only zeros",
      FORM_CHECKS, form_f9 },

    { "F10", EHR_CLASS_S,
      "Mã cơ sở KCB phải có 5 ký tự, hai ký tự đầu là mã tỉnh",
      "A facility code has 5 characters, the first two the province's",
      FORM_SOURCE, form_f10 },

    { "F12", EHR_CLASS_C,
      "XML3: mỗi mã của MA_GIUONG là H, T, C hoặc K và 3 chữ số",
      "XML3: each code of MA_GIUONG is H, T, C or K and 3 digits",
      FORM_SOURCE ", XML3", form_f12 },

    { "F13", EHR_CLASS_S,
      "XML3: GOI_VTYT là G và số từ 1 đến 999",
      "XML3: GOI_VTYT is G and a number from 1 to 999",
      FORM_CHECKS, form_f13 },

    { "F14", EHR_CLASS_C,
      "XML2, XML3: TT_THAU có 4 phần: số quyết định;Gx;Nx;năm",
      "XML2, XML3: TT_THAU has 4 parts: decision;Gx;Nx;year",
      FORM_SOURCE ", XML2, XML3", form_f14 },

    { "F15", EHR_CLASS_C,
      "XML3: MA_MAY có dạng XX.n.YYYYY.Z: nhóm máy 2 đến 3 chữ cái, n là 1, 2 "
      "hoặc 3, mã cơ sở (theo QĐ 3176 không có), số máy",
      "XML3: MA_MAY has the form XX.n.YYYYY.Z: 2 or 3 letters of the group, n "
      "is 1, 2 or 3, the facility (not with QĐ 3176), the serial",
      FORM_SOURCE ", XML3; QĐ 3176/QĐ-BYT", form_f15 },

    { "F18", EHR_CLASS_C,
      "XML2: MA_CSKCB_THUOC là C, K, M hoặc HC, dấu chấm và mã cơ sở 5 ký tự",
      "XML2: MA_CSKCB_THUOC is C, K, M or HC, a point and a facility of 5 "
      "characters",
      FORM_SOURCE ", XML2", form_f18 },

    { "F19", EHR_CLASS_W,
      "Mã người hành nghề: không có khoảng trắng, ngoặc đủ đôi, sau .C., "
      ".HD., .TX., .CG. là mã cơ sở 5 ký tự",
      "A practice code has no spaces, its brackets in pairs, and behind .C., "
      ".HD., .TX., .CG. a facility of 5 characters",
      FORM_SOURCE "; QĐ 3176/QĐ-BYT", form_f19 },

    { "F20", EHR_CLASS_W,
      "XML5: dấu hiệu sinh tồn trong DIEN_BIEN_LS viết là "
      "CSST<M75_T37_HA120/70>: 1 đến 3 chữ hoa và số, cách nhau bằng _",
      "XML5: vital signs inside DIEN_BIEN_LS are written "
      "CSST<M75_T37_HA120/70>: 1 to 3 capital letters and a number, _ between",
      FORM_SOURCE ", XML5", form_f20 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* Rules that one standard changed. */

static int
is_qd3176(const ehr_check_t *check)
{
    return ehr_text_is(check->doc->standard, "qd3176");
}


/* --- lists (F2, F5) ------------------------------------------------------ */


static int
is_day(ehr_str_t value)
{
    ehr_day_t  day;

    return ehr_is_digits(value, 8) && ehr_day_parse(value, &day);
}


static void
form_f2(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_NGAY_TAI_KHAM }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shapes(check, &places, is_day);
}


/* A comma is in no code: two parts with the wrong sign between. */

static int
is_loose(ehr_str_t part)
{
    return part.len > 0 && (ehr_is_blank(part.data[0])
                            || ehr_is_blank(part.data[part.len - 1])
                            || memchr(part.data, ',', part.len));
}


static int
is_tight(ehr_str_t value)
{
    ehr_list_t  list = ehr_list(value, ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (is_loose(part)) {
            return 0;
        }
    }

    return 1;
}


static int
is_tight_and_full(ehr_str_t value)
{
    ehr_list_t  list = ehr_list(value, ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (part.len == 0 || is_loose(part)) {
            return 0;
        }
    }

    return 1;
}


/* GT_THE_DEN may have an empty part (K9). */

static void
form_f5(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_BENH_KT },
        { EHR_SECTION_XML1, EHR_XML1_MA_BENH_YHCT },
        { EHR_SECTION_XML1, EHR_XML1_MA_KHOA },
        { EHR_SECTION_XML1, EHR_XML1_NGAY_TAI_KHAM },
        { EHR_SECTION_XML1, EHR_XML1_CAN_NANG_CON },
        { EHR_SECTION_XML1, EHR_XML1_MA_THE_BHYT },
        { EHR_SECTION_XML1, EHR_XML1_MA_DKBD },
        { EHR_SECTION_XML1, EHR_XML1_GT_THE_TU },
        { EHR_SECTION_XML2, EHR_XML2_MA_BAC_SI },
        { EHR_SECTION_XML3, EHR_XML3_MA_BAC_SI },
        { EHR_SECTION_XML3, EHR_XML3_NGUOI_THUC_HIEN },
        { EHR_SECTION_XML3, EHR_XML3_MA_GIUONG },
        { EHR_SECTION_XML5, EHR_XML5_NGUOI_THUC_HIEN },
        { EHR_SECTION_XML11, EHR_XML11_MA_THE_BHYT }
    };
    static const ehr_place_t   open_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_GT_THE_DEN }
    };
    static const ehr_places_t  places = ehr_places(rows);
    static const ehr_places_t  open_places = ehr_places(open_rows);

    ehr_check_shape(check, &places, is_tight_and_full);
    ehr_check_shape(check, &open_places, is_tight);
}


/* --- codes of persons and places (F8, F9, F10) --------------------------- */


/* QĐ 3176 put the practice licence in its place, of any form. */

static void
form_f8(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_TTDV },
        { EHR_SECTION_XML7, EHR_XML7_MA_TTDV },
        { EHR_SECTION_XML8, EHR_XML8_MA_TTDV },
        { EHR_SECTION_XML9, EHR_XML9_MA_TTDV },
        { EHR_SECTION_XML10, EHR_XML10_MA_TTDV },
        { EHR_SECTION_XML11, EHR_XML11_MA_TTDV },
        { EHR_SECTION_XML13, EHR_XML13_MA_TTDV },
        { EHR_SECTION_XML14, EHR_XML14_MA_TTDV }
    };
    static const ehr_places_t  places = ehr_places(rows);

    if (!is_qd3176(check)) {
        ehr_check_shape(check, &places, ehr_is_insurance_number);
    }
}


static void
form_f9(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML9, EHR_XML9_MA_BHXH_NND },
        { EHR_SECTION_XML11, EHR_XML11_MA_BHXH }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, ehr_is_insurance_number);
}


static void
form_f10(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_CSKCB },
        { EHR_SECTION_XML1, EHR_XML1_MA_DKBD },
        { EHR_SECTION_XML1, EHR_XML1_MA_NOI_DI },
        { EHR_SECTION_XML1, EHR_XML1_MA_NOI_DEN },
        { EHR_SECTION_XML13, EHR_XML13_MA_CSKCB_DI },
        { EHR_SECTION_XML13, EHR_XML13_MA_CSKCB_DEN }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shapes(check, &places, ehr_is_facility);
}


/* --- beds, packages, tenders (F12, F13, F14) ----------------------------- */


static int
is_bed(ehr_str_t code)
{
    return code.len == 4 && memchr("HTCK", code.data[0], 4) != NULL
           && ehr_text_is_digits(ehr_text_after(code, 1));
}


static void
form_f12(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_GIUONG }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shapes(check, &places, is_bed);
}


static int
is_package(ehr_str_t value)
{
    ehr_decimal_t  n;
    ehr_str_t      digits = ehr_text_after(value, 1);

    return value.data[0] == 'G' && ehr_text_is_digits(digits)
           && ehr_decimal_parse(digits, &n) && n >= EHR_DECIMAL_ONE
           && n <= PACKAGE_MAX * EHR_DECIMAL_ONE;
}


static void
form_f13(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML3, EHR_XML3_GOI_VTYT }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_package);
}


/* A letter or none and n digits (0: from one on), perhaps ".00", ".01",
 * ".01001" behind: whose tender it was. */

static int
is_tender_part(ehr_str_t part, char letter, size_t n)
{
    const char  *point = part.len ? memchr(part.data, '.', part.len) : NULL;
    ehr_str_t    digits = part;

    if (point != NULL) {
        digits.len = (size_t) (point - part.data);
    }

    if (letter) {
        if (digits.len == 0 || digits.data[0] != letter) {
            return 0;
        }

        digits = ehr_text_after(digits, 1);
    }

    return ehr_text_is_digits(digits) && (n == 0 || digits.len == n);
}


/* Parts beyond the fourth are a second bidder's. */

static int
is_tender(ehr_str_t value)
{
    ehr_list_t  list = ehr_list(value, ';');
    ehr_str_t   part;
    int         n = 0, is_right = 1;

    while (is_right && ehr_list_next(&list, &part)) {
        switch (++n) {

        case 2:
            is_right = is_tender_part(part, 'G', 0);
            break;

        case 3:
            is_right = is_tender_part(part, 'N', 0);
            break;

        case 4:
            is_right = is_tender_part(part, '\0', 4);
            break;

        default:
            is_right = part.len > 0;
        }
    }

    return is_right && n >= TENDER_PARTS;
}


static void
form_f14(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML2, EHR_XML2_TT_THAU },
        { EHR_SECTION_XML3, EHR_XML3_TT_THAU }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_tender);
}


/* --- machines (F15) ------------------------------------------------------ */


/* Takes what stands before the next point; 0 when there is no point. */

static int
machine_next(ehr_str_t *rest, ehr_str_t *part)
{
    const char  *point = rest->len ? memchr(rest->data, '.', rest->len)
                                   : NULL;

    if (point == NULL) {
        return 0;
    }

    *part = *rest;
    part->len = (size_t) (point - rest->data);
    *rest = ehr_text_after(*rest, part->len + 1);

    return 1;
}


/* Two or three letters, "ĐT" too: a letter may be two bytes. */

static int
is_machine_group(ehr_str_t group)
{
    size_t  letters = 0;

    for (size_t i = 0; i < group.len; i++) {
        unsigned char  c = (unsigned char) group.data[i];

        if (c < 0x80 && (!ehr_is_alnum((char) c) || ehr_is_digit((char) c))) {
            return 0;
        }

        letters += (c & 0xc0) != 0x80;
    }

    return letters == 2 || letters == 3;
}


/* QĐ 3176 names the source behind 3, "3[...]". */

static int
is_machine_source(ehr_str_t source)
{
    return ehr_text_in(source, "1 2 3")
           || (ehr_text_begins(source, "3[") && ehr_text_ends(source, "]"));
}


static int
is_machine(ehr_str_t value)
{
    ehr_str_t  rest = value, part;

    return machine_next(&rest, &part) && is_machine_group(part)
           && machine_next(&rest, &part) && is_machine_source(part)
           && rest.len > 0;
}


static int
is_old_machine(ehr_str_t value)
{
    ehr_str_t  rest = value, part;

    return is_machine(value)
           && machine_next(&rest, &part) && machine_next(&rest, &part)
           && machine_next(&rest, &part) && ehr_is_facility(part)
           && rest.len > 0;
}


static void
form_f15(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_MAY }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places,
                    is_qd3176(check) ? is_machine : is_old_machine);
}


/* --- where from, who (F18, F19) ------------------------------------------ */


static int
is_origin(ehr_str_t value)
{
    ehr_str_t  facility = value, kind;

    return machine_next(&facility, &kind) && ehr_text_in(kind, "C K M HC")
           && ehr_is_facility(facility);
}


static void
form_f18(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML2, EHR_XML2_MA_CSKCB_THUOC }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_origin);
}


/* Behind the code of a person who came from elsewhere: "C.01001". */

static int
is_moved_right(ehr_str_t code)
{
    static const char *const  words[] = { ".C.", ".HD.", ".TX.", ".CG." };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t       len = strlen(words[i]);
        const char  *at = memmem(code.data, code.len, words[i], len);

        if (at != NULL) {
            return ehr_is_facility(ehr_text_after(
                       code, (size_t) (at - code.data) + len));
        }
    }

    return 1;
}


/* "CODE" or "CODE(TRAINEE)". */

static int
is_practice_code(ehr_str_t code)
{
    const char  *open = memchr(code.data, '(', code.len);
    ehr_str_t    first = code;

    for (size_t i = 0; i < code.len; i++) {
        if (ehr_is_blank(code.data[i])) {
            return 0;
        }
    }

    if (open != NULL) {
        first.len = (size_t) (open - code.data);
        code = ehr_text_after(code, first.len + 1);

        if (first.len == 0 || code.len < 2
            || memchr(code.data, ')', code.len)
               != code.data + code.len - 1)
        {
            return 0;
        }

    } else if (memchr(code.data, ')', code.len) != NULL) {
        return 0;
    }

    return is_moved_right(first);
}


static void
form_f19(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML2, EHR_XML2_MA_BAC_SI },
        { EHR_SECTION_XML3, EHR_XML3_MA_BAC_SI },
        { EHR_SECTION_XML3, EHR_XML3_NGUOI_THUC_HIEN },
        { EHR_SECTION_XML4, EHR_XML4_MA_BS_DOC_KQ },
        { EHR_SECTION_XML5, EHR_XML5_NGUOI_THUC_HIEN }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shapes(check, &places, is_practice_code);
}


/* --- vital signs (F20) --------------------------------------------------- */


static int
is_vital_sign(ehr_str_t sign)
{
    size_t  letters = 0, digits = 0;

    while (letters < sign.len && ehr_is_upper(sign.data[letters])) {
        letters++;
    }

    for (size_t i = letters; i < sign.len; i++) {
        if (ehr_is_digit(sign.data[i])) {
            digits++;

        } else if (sign.data[i] != '.' && sign.data[i] != '/') {
            return 0;
        }
    }

    return letters >= 1 && letters <= SIGN_LETTERS && digits > 0;
}


/* All groups of one text; a text without any says nothing wrong. */

static int
are_vital_signs(ehr_str_t text)
{
    static const char  begin[] = "CSST<";

    const char  *at, *end;

    while (text.len > 0
           && (at = memmem(text.data, text.len, begin, sizeof(begin) - 1)))
    {
        ehr_str_t   signs, sign;
        ehr_list_t  list;

        signs = ehr_text_after(text, (size_t) (at - text.data)
                                     + sizeof(begin) - 1);
        end = signs.len ? memchr(signs.data, '>', signs.len) : NULL;

        if (end == NULL) {
            return 0;
        }

        text = ehr_text_after(signs, (size_t) (end - signs.data));
        signs.len = (size_t) (end - signs.data);
        list = ehr_list(signs, '_');

        while (ehr_list_next(&list, &sign)) {
            if (!is_vital_sign(sign)) {
                return 0;
            }
        }
    }

    return 1;
}


static void
form_f20(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML5, EHR_XML5_DIEN_BIEN_LS }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, are_vital_signs);
}
