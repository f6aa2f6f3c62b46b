/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the category of a visit says of where the patient came from (rules
 * C.ROUTE.*), and the form of disease codes (rules C.MA_BENH_*).  Whether a
 * code is in the catalogue of diseases is not known here.
 */

#include "codes.h"


#define DISEASES_BESIDE_MAX  12
#define DISEASE_CODE_MAX     7      /* characters; more is told by the table */


static void route_referred(ehr_check_t *check);
static void route_self(ehr_check_t *check);
static void route_home(ehr_check_t *check);
static void disease_main(ehr_check_t *check);
static void disease_beside(ehr_check_t *check);
static void disease_traditional(ehr_check_t *check);
static void disease_general(ehr_check_t *check);


const ehr_rule_t  claims_route_rules[] = {

    { "C.ROUTE.REFERRED", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: MA_DOITUONG_KCB là 1.3 thì thường phải có MA_NOI_DI",
      "XML1: where MA_DOITUONG_KCB is 1.3, MA_NOI_DI should be filled",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; phần mềm kiểm tra đã công bố",
      route_referred },

    { "C.ROUTE.SELF", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: MA_DOITUONG_KCB là tự đến (3.x) thì MA_NOI_DI thường để trống",
      "XML1: where MA_DOITUONG_KCB is self-referred (3.x), MA_NOI_DI should "
      "be empty",
      "Phần mềm kiểm tra đã công bố", route_self },

    { "C.ROUTE.HOME", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: nơi đăng ký ban đầu MA_DKBD là chính MA_CSKCB mà "
      "MA_DOITUONG_KCB là tự đến không đúng tuyến (3.x)",
      "XML1: MA_DKBD is this very MA_CSKCB, but MA_DOITUONG_KCB is off the "
      "route (3.x)",
      "Phần mềm kiểm tra đã công bố; mã chặn 1", route_home },

    { "C.MA_BENH_CHINH", EHR_CLASS_C,
      "XML1: MA_BENH_CHINH phải là đúng một mã ICD-10",
      "XML1: MA_BENH_CHINH must be exactly one ICD-10 code",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; QĐ 4469/QĐ-BYT năm 2020",
      disease_main },

    { "C.MA_BENH_KT", EHR_CLASS_C,
      "XML1: MA_BENH_KT không quá 12 mã",
      "XML1: MA_BENH_KT holds at most 12 codes",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", disease_beside },

    { "C.MA_BENH_YHCT", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: mã bệnh y học cổ truyền chỉ ghi ở MA_BENH_YHCT, không ghi ở "
      "MA_BENH_CHINH",
      "XML1: codes of traditional medicine belong in MA_BENH_YHCT, not in "
      "MA_BENH_CHINH",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", disease_traditional },

    { "C.MA_BENH_Z00", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML1: MA_BENH_CHINH là Z00 hoặc R53 thường bị cơ quan bảo hiểm hỏi lại",
      "XML1: Z00 or R53 in MA_BENH_CHINH is often questioned",
      "Phần mềm kiểm tra đã công bố", disease_general },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static void
xml1_fail(ehr_check_t *check, uint32_t field)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML1),
             claim_of(check)->xml1, field);
}


/* Empty without XML1. */

static ehr_str_t
xml1_value(const ehr_check_t *check, uint32_t field)
{
    static const ehr_str_t  none = ehr_null_string;

    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 ? ehr_value(xml1, field) : none;
}


/* --- route --------------------------------------------------------------- */


static int
is_self_referred(const ehr_check_t *check)
{
    ehr_str_t  route = xml1_value(check, EHR_XML1_MA_DOITUONG_KCB);

    return route.len > 2 && memcmp(route.data, "3.", 2) == 0;
}


static void
route_referred(ehr_check_t *check)
{
    if (ehr_text_is(xml1_value(check, EHR_XML1_MA_DOITUONG_KCB), "1.3")
        && xml1_value(check, EHR_XML1_MA_NOI_DI).len == 0)
    {
        xml1_fail(check, EHR_XML1_MA_NOI_DI);
    }
}


static void
route_self(ehr_check_t *check)
{
    if (is_self_referred(check)
        && xml1_value(check, EHR_XML1_MA_NOI_DI).len > 0)
    {
        xml1_fail(check, EHR_XML1_MA_NOI_DI);
    }
}


static void
route_home(ehr_check_t *check)
{
    ehr_str_t  facility = xml1_value(check, EHR_XML1_MA_CSKCB);

    if (is_self_referred(check) && facility.len > 0
        && ehr_list_has(xml1_value(check, EHR_XML1_MA_DKBD), ';', facility))
    {
        xml1_fail(check, EHR_XML1_MA_DOITUONG_KCB);
    }
}


/* --- diseases ------------------------------------------------------------ */


static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}


/* "J20", "J20.9", "S52.01"; a dagger or an asterisk may follow. */

static int
is_icd10(ehr_str_t code)
{
    static const char  dagger[] = "\xE2\x80\xA0";

    size_t  len = code.len, i = 3;

    if (len > 3 && memcmp(code.data + len - 3, dagger, 3) == 0) {
        len -= 3;

    } else if (len > 3
               && (code.data[len - 1] == '*' || code.data[len - 1] == '+'))
    {
        len--;
    }

    if (len < 3 || code.data[0] < 'A' || code.data[0] > 'Z'
        || !is_digit(code.data[1]) || !is_digit(code.data[2]))
    {
        return 0;
    }

    if (len > 3 && (code.data[i++] != '.' || len == 4)) {
        return 0;
    }

    while (i < len && is_digit(code.data[i])) {
        i++;
    }

    return i == len;
}


static size_t
characters(ehr_str_t text)
{
    size_t  n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += ((unsigned char) text.data[i] & 0xC0) != 0x80;
    }

    return n;
}


static void
disease_main(ehr_check_t *check)
{
    ehr_str_t  code = xml1_value(check, EHR_XML1_MA_BENH_CHINH);

    if (code.len > 0 && characters(code) <= DISEASE_CODE_MAX
        && !is_icd10(code))
    {
        xml1_fail(check, EHR_XML1_MA_BENH_CHINH);
    }
}


static void
disease_beside(ehr_check_t *check)
{
    ehr_str_t  codes = xml1_value(check, EHR_XML1_MA_BENH_KT);

    if (ehr_list_count(codes, ';') > DISEASES_BESIDE_MAX) {
        xml1_fail(check, EHR_XML1_MA_BENH_KT);
    }
}


/* U50 to U79: where the Ministry put them, as far as is known. */

static void
disease_traditional(ehr_check_t *check)
{
    ehr_str_t  code = xml1_value(check, EHR_XML1_MA_BENH_CHINH);

    if (is_icd10(code) && code.data[0] == 'U'
        && code.data[1] >= '5' && code.data[1] <= '7')
    {
        xml1_fail(check, EHR_XML1_MA_BENH_CHINH);
    }
}


static void
disease_general(ehr_check_t *check)
{
    ehr_str_t  code = xml1_value(check, EHR_XML1_MA_BENH_CHINH);

    if (code.len > 3) {
        code.len = 3;
    }

    if (ehr_text_in(code, "Z00 R53")) {
        xml1_fail(check, EHR_XML1_MA_BENH_CHINH);
    }
}
