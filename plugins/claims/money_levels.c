/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a patient is entitled to: the benefit level, and a few things that are
 * paid once (rules M26 to M28, M30).
 */

#include "money.h"


#define LEVELS_STENTS_MAX  1
#define LEVELS_EXAMS_MAX   1


static void levels_m26(ehr_check_t *check);
static void levels_m27(ehr_check_t *check);
static void levels_m28(ehr_check_t *check);
static void levels_m30(ehr_check_t *check);


const ehr_rule_t  claims_level_rules[] = {

    { "M26", EHR_CLASS_C,
      "XML2, XML3: đúng tuyến hoặc cấp cứu thì MUC_HUONG phải là 80, 95 hoặc "
      "100",
      "XML2, XML3: on the right route or in an emergency MUC_HUONG must be "
      "80, 95 or 100",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3", levels_m26 },

    { "M27", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML2, XML3: đúng tuyến mà T_TONGCHI_BH dưới 15% lương cơ sở thì "
      "MUC_HUONG thường là 100",
      "XML2, XML3: on the right route with T_TONGCHI_BH below 15% of the base "
      "salary MUC_HUONG is normally 100",
      "QĐ 4750/QĐ-BYT, Phụ lục; Nghị định về mức lương cơ sở từng thời kỳ",
      levels_m27 },

    { "M28", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML3: stent mạch vành (MA_VAT_TU N06.02.020) thường chỉ được thanh "
      "toán một cái, trừ thẻ CC, TE, QN, CA, CY",
      "XML3: of coronary stents (MA_VAT_TU N06.02.020) normally one is paid, "
      "cards CC, TE, QN, CA, CY excepted",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 14", levels_m28 },

    { "M30", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML3: một đợt nội trú thường chỉ có một lần tiền khám (MA_NHOM 13)",
      "XML3: an inpatient stay normally has one examination fee (MA_NHOM 13)",
      "Phần mềm kiểm tra dữ liệu đã công bố", levels_m30 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- benefit level ------------------------------------------------------- */


/* Rows outside the scope have no level. */

static int
line_has_level(const line_t *line)
{
    return line_knows(line, LINE_BIT(LINE_MUC_HUONG)
                            | LINE_BIT(LINE_THANH_TIEN_BH))
           && line->values[LINE_THANH_TIEN_BH] > 0
           && line->values[LINE_MUC_HUONG] > 0;
}


static void
levels_m26(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    if (!money_is_right_route(check)) {
        return;
    }

    for (const line_t *line = money->xml2; line < money->end; line++) {
        ehr_decimal_t  level = line->values[LINE_MUC_HUONG];

        if (line_has_level(line)
            && level != 80 * EHR_DECIMAL_ONE
            && level != 95 * EHR_DECIMAL_ONE
            && level != 100 * EHR_DECIMAL_ONE)
        {
            line_fail(check, line, LINE_MUC_HUONG);
        }
    }
}


/* 15% of the base salary of that day (yyyymmdd); 0: not known. */

static ehr_decimal_t
small_cost(uint32_t day)
{
    static const struct {
        uint32_t       from;
        ehr_decimal_t  salary;
    } salaries[] = {
        { 20230701, 1800000 * EHR_DECIMAL_ONE },
        { 20240701, 2340000 * EHR_DECIMAL_ONE },
        { 20260701, 2530000 * EHR_DECIMAL_ONE }
    };

    ehr_decimal_t  salary = 0;

    for (size_t i = 0; i < sizeof(salaries) / sizeof(salaries[0]); i++) {
        if (day >= salaries[i].from) {
            salary = salaries[i].salary;
        }
    }

    return salary / 100 * 15;
}


/* The first row is enough: all others say the same. */

static void
levels_m27(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    ehr_decimal_t         total;

    if (!money_is_right_route(check)
        || !ehr_number(xml1, EHR_XML1_T_TONGCHI_BH, &total)
        || total >= small_cost(claim_of(check)->day))
    {
        return;
    }

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (line_has_level(line)
            && line->values[LINE_MUC_HUONG] < 100 * EHR_DECIMAL_ONE)
        {
            line_fail(check, line, LINE_MUC_HUONG);

            return;
        }
    }
}


/* --- paid once ----------------------------------------------------------- */


static int
line_is_stent(const line_t *line)
{
    static const char  prefix[] = "N06.02.020";

    ehr_str_t  code = ehr_value(line->row, EHR_XML3_MA_VAT_TU);

    return code.len >= sizeof(prefix) - 1
           && memcmp(code.data, prefix, sizeof(prefix) - 1) == 0;
}


/* Said once, on the row that goes beyond. */

static void
levels_m28(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    ehr_decimal_t         stents = 0;

    if (money_has_card(check, "CC TE QN CA CY")) {
        return;
    }

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (line_is_stent(line)
            && line_knows(line, LINE_BIT(LINE_SO_LUONG))
            && ehr_decimal_add(&stents, line->values[LINE_SO_LUONG])
            && stents > LEVELS_STENTS_MAX * EHR_DECIMAL_ONE)
        {
            line_fail(check, line, LINE_SO_LUONG);

            return;
        }
    }
}


static void
levels_m30(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    unsigned              exams = 0;

    if (xml1 == NULL
        || !ehr_text_is(ehr_value(xml1, EHR_XML1_MA_LOAI_KCB), "03"))
    {
        return;
    }

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (line->group == 13
            && line_knows(line, LINE_BIT(LINE_THANH_TIEN_BV))
            && line->values[LINE_THANH_TIEN_BV] > 0
            && ++exams > LEVELS_EXAMS_MAX)
        {
            ehr_fail(check, line->section, line->row, EHR_XML3_MA_NHOM);
        }
    }
}
