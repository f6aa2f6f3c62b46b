/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Fields that must be filled because of what others say, row by row (rules R1
 * to R9).  Fields that must always be filled are told by the table of fields.
 */

#include "money.h"


#define GROUP(n)          (1u << (n))     /* of MA_NHOM */
#define GROUPS_MAX        32

#define GROUPS_PERFORMED  (GROUP(1) | GROUP(2) | GROUP(3) | GROUP(8)          \
                           | GROUP(18))
#define GROUPS_MACHINE    (GROUP(1) | GROUP(2) | GROUP(3))
#define GROUPS_BLOOD      (GROUP(7) | GROUP(17))


static void required_r1(ehr_check_t *check);
static void required_r2(ehr_check_t *check);
static void required_r3(ehr_check_t *check);
static void required_r4(ehr_check_t *check);
static void required_r5(ehr_check_t *check);
static void required_r6(ehr_check_t *check);
static void required_r8(ehr_check_t *check);
static void required_r9(ehr_check_t *check);


const ehr_rule_t  claims_required_rules[] = {

    { "R1", EHR_CLASS_S,
      "XML3: NGUOI_THUC_HIEN và NGAY_TH_YL phải có khi MA_NHOM là 1, 2, 3, 8, "
      "18",
      "XML3: NGUOI_THUC_HIEN and NGAY_TH_YL must be filled where MA_NHOM is "
      "1, 2, 3, 8, 18",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", required_r1 },

    { "R2", EHR_CLASS_S,
      "XML3: MA_XANG_DAU phải có khi MA_NHOM là 12",
      "XML3: MA_XANG_DAU must be filled where MA_NHOM is 12",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", required_r2 },

    { "R3", EHR_CLASS_S,
      "TT_THAU phải có ở XML3 khi MA_NHOM là 10, ở XML2 trừ khi MA_NHOM là "
      "7, 17",
      "TT_THAU must be filled in XML3 where MA_NHOM is 10, in XML2 unless "
      "MA_NHOM is 7 or 17",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", required_r3 },

    { "R4", EHR_CLASS_S,
      "XML3: mỗi dòng phải có MA_DICH_VU hoặc MA_VAT_TU; vật tư phải có "
      "TEN_VAT_TU, dịch vụ phải có TEN_DICH_VU",
      "XML3: each row must have MA_DICH_VU or MA_VAT_TU; material must have "
      "TEN_VAT_TU, a service TEN_DICH_VU",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", required_r4 },

    { "R5", EHR_CLASS_W,
      "XML3: phẫu thuật (MA_NHOM 8) thường phải ghi PP_VO_CAM",
      "XML3: surgery (MA_NHOM 8) normally states PP_VO_CAM",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3; phần mềm kiểm tra đã công bố",
      required_r5 },

    { "R6", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML3: MA_MAY thường phải có khi MA_NHOM là 1, 2, 3",
      "XML3: MA_MAY is normally filled where MA_NHOM is 1, 2, 3",
      "Phần mềm kiểm tra đã công bố", required_r6 },

    { "R8", EHR_CLASS_S,
      "XML2, XML3: VET_THUONG_TP và TAI_SU_DUNG phải để trống hoặc là 1",
      "XML2, XML3: VET_THUONG_TP and TAI_SU_DUNG must be empty or 1",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", required_r8 },

    { "R9", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML1: có MA_NOI_DI thì thường phải có GIAY_CHUYEN_TUYEN",
      "XML1: where MA_NOI_DI is filled, GIAY_CHUYEN_TUYEN should be filled",
      "Phần mềm kiểm tra đã công bố", required_r9 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static int
line_is_of(const line_t *line, uint32_t groups)
{
    return line->group < GROUPS_MAX && (groups & GROUP(line->group)) != 0;
}


/* In rows of XML3 of these groups. */

static void
services_need(ehr_check_t *check, uint32_t groups, uint32_t field)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (line_is_of(line, groups) && ehr_is_empty(line->row, field)) {
            ehr_fail(check, line->section, line->row, field);
        }
    }
}


static void
required_r1(ehr_check_t *check)
{
    services_need(check, GROUPS_PERFORMED, EHR_XML3_NGUOI_THUC_HIEN);
    services_need(check, GROUPS_PERFORMED, EHR_XML3_NGAY_TH_YL);
}


static void
required_r2(ehr_check_t *check)
{
    services_need(check, GROUP(12), EHR_XML3_MA_XANG_DAU);
}


static void
required_r3(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    services_need(check, GROUP(10), EHR_XML3_TT_THAU);

    for (const line_t *line = money->xml2; line < money->xml3; line++) {
        if (line->group && !line_is_of(line, GROUPS_BLOOD)
            && ehr_is_empty(line->row, EHR_XML2_TT_THAU))
        {
            ehr_fail(check, line->section, line->row, EHR_XML2_TT_THAU);
        }
    }
}


/* The field that a row lacks for what it is. */

static uint32_t
service_lacks(const line_t *line)
{
    int  has_service = !ehr_is_empty(line->row, EHR_XML3_MA_DICH_VU);
    int  has_material = !ehr_is_empty(line->row, EHR_XML3_MA_VAT_TU);

    if (!has_service && !has_material) {
        return line_is_material(line) ? EHR_XML3_MA_VAT_TU
                                      : EHR_XML3_MA_DICH_VU;
    }

    if (has_material || line_is_material(line)) {
        return ehr_is_empty(line->row, EHR_XML3_TEN_VAT_TU)
               ? EHR_XML3_TEN_VAT_TU : EHR_NO_FIELD;
    }

    return ehr_is_empty(line->row, EHR_XML3_TEN_DICH_VU)
           ? EHR_XML3_TEN_DICH_VU : EHR_NO_FIELD;
}


static void
required_r4(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml3; line < money->end; line++) {
        uint32_t  field = service_lacks(line);

        if (field != EHR_NO_FIELD) {
            ehr_fail(check, line->section, line->row, field);
        }
    }
}


static void
required_r5(ehr_check_t *check)
{
    services_need(check, GROUP(8), EHR_XML3_PP_VO_CAM);
}


static void
required_r6(ehr_check_t *check)
{
    services_need(check, GROUPS_MACHINE, EHR_XML3_MA_MAY);
}


static void
flags_hold(ehr_check_t *check, uint32_t id, uint32_t field)
{
    const ehr_section_t  *section = ehr_section(check, id);
    ehr_decimal_t         flag;

    for (uint32_t i = 0; i < section->nrows; i++) {
        const ehr_row_t  *row = &section->rows[i];

        if (ehr_number(row, field, &flag) && flag != EHR_DECIMAL_ONE) {
            ehr_fail(check, section, row, field);
        }
    }
}


static void
required_r8(ehr_check_t *check)
{
    flags_hold(check, EHR_SECTION_XML2, EHR_XML2_VET_THUONG_TP);
    flags_hold(check, EHR_SECTION_XML3, EHR_XML3_VET_THUONG_TP);
    flags_hold(check, EHR_SECTION_XML3, EHR_XML3_TAI_SU_DUNG);
}


static void
required_r9(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    if (xml1 && !ehr_is_empty(xml1, EHR_XML1_MA_NOI_DI)
        && ehr_is_empty(xml1, EHR_XML1_GIAY_CHUYEN_TUYEN))
    {
        ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), xml1,
                 EHR_XML1_GIAY_CHUYEN_TUYEN);
    }
}
