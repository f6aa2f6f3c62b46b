/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Codes of drugs and services whose form says something of another field of
 * the same row (rules F16, F17).  Whether a code is in the Ministry's
 * catalogue is not known here.
 */

#include "claims.h"

#include "ehr_shape.h"


static void code_f16(ehr_check_t *check);
static void code_f17(ehr_check_t *check);


const ehr_rule_t  claims_form_row_rules[] = {

    { "F16", EHR_CLASS_C,
      "XML2: MA_THUOC ngoài danh mục là 00.0000; thuốc tự pha chế nối bằng "
      "dấu + không có khoảng trắng; đuôi .KT, .NAT, .KTNAT chỉ với máu và "
      "chế phẩm máu (MA_NHOM 7, 17)",
      "XML2: MA_THUOC outside the list is 00.0000; own preparations are "
      "joined with + and no spaces; .KT, .NAT, .KTNAT end only codes of blood "
      "(MA_NHOM 7, 17)",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2", code_f16 },

    { "F17", EHR_CLASS_C,
      "XML3: đuôi của MA_DICH_VU là _GT, _TB (cả hai đơn giá bằng 0), _TT "
      "(QĐ 3176) hoặc .0000 (DON_GIA_BH bằng 0); sau VC. và .K. là mã cơ sở 5 "
      "ký tự",
      "XML3: MA_DICH_VU ends in _GT, _TB (both prices 0), _TT (QĐ 3176) or "
      ".0000 (DON_GIA_BH is 0); behind VC. and .K. is a facility of 5 "
      "characters",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3", code_f17 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- drugs (F16) --------------------------------------------------------- */


static int
is_blood(ehr_str_t group)
{
    return ehr_text_in(group, "7 17");
}


static int
has_blood_ending(ehr_str_t code)
{
    return ehr_text_ends(code, ".KT") || ehr_text_ends(code, ".NAT")
           || ehr_text_ends(code, ".KTNAT");
}


/* "0.0", "00.000": the code of what is in no list, badly written. */

static int
is_only_zeros(ehr_str_t code)
{
    size_t  points = 0;

    for (size_t i = 0; i < code.len; i++) {
        if (code.data[i] == '.') {
            points++;

        } else if (code.data[i] != '0') {
            return 0;
        }
    }

    return points <= 1;
}


static int
is_drug_code(ehr_str_t code, ehr_str_t group)
{
    ehr_list_t  list = ehr_list(code, '+');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (part.len == 0 || ehr_is_blank(part.data[0])
            || ehr_is_blank(part.data[part.len - 1])
            || (is_only_zeros(part) && !ehr_text_is(part, "00.0000")))
        {
            return 0;
        }
    }

    return group.len == 0 || is_blood(group) || !has_blood_ending(code);
}


static void
code_f16(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML2);

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];
        ehr_str_t         code = ehr_value(row, EHR_XML2_MA_THUOC);

        if (code.len > 0
            && !is_drug_code(code, ehr_value(row, EHR_XML2_MA_NHOM)))
        {
            ehr_fail(check, s, row, EHR_XML2_MA_THUOC);
        }
    }
}


/* --- services (F17) ------------------------------------------------------ */


static int
is_sent_right(ehr_str_t code)
{
    const char  *at = memmem(code.data, code.len, ".K.", 3);

    if (ehr_text_begins(code, "VC.")) {
        return ehr_is_facility(ehr_text_after(code, 3));
    }

    return at == NULL || ehr_is_facility(ehr_text_after(
                             code, (size_t) (at - code.data) + 3));
}


static int
is_service_code(const ehr_check_t *check, ehr_str_t code)
{
    const char  *at = memrchr(code.data, '_', code.len);
    const char  *endings = "GT TB";

    if (ehr_text_is(check->doc->standard, "qd3176")) {
        endings = "GT TB TT";
    }

    return is_sent_right(code)
           && (at == NULL
               || ehr_text_in(ehr_text_after(
                                  code, (size_t) (at - code.data) + 1),
                              endings));
}


static void
must_be_free(ehr_check_t *check, const ehr_row_t *row, uint32_t field)
{
    ehr_decimal_t  price;

    if (ehr_number(row, field, &price) && price != 0) {
        ehr_fail(check, ehr_section(check, EHR_SECTION_XML3), row, field);
    }
}


static void
code_f17(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML3);

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];
        ehr_str_t         code = ehr_value(row, EHR_XML3_MA_DICH_VU);

        if (code.len == 0) {
            continue;
        }

        if (!is_service_code(check, code)) {
            ehr_fail(check, s, row, EHR_XML3_MA_DICH_VU);
        }

        if (ehr_text_ends(code, "_TB")) {
            must_be_free(check, row, EHR_XML3_DON_GIA_BV);
            must_be_free(check, row, EHR_XML3_DON_GIA_BH);

        } else if (ehr_text_ends(code, ".0000")) {
            must_be_free(check, row, EHR_XML3_DON_GIA_BH);
        }
    }
}
