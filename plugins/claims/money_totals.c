/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The totals in XML1: sums of the rows as they were sent (never of products
 * worked out anew), and what the totals say of each other (rules M15 to M24).
 */

#include "money.h"


static void totals_m15(ehr_check_t *check);
static void totals_m16(ehr_check_t *check);
static void totals_m17(ehr_check_t *check);
static void totals_m18(ehr_check_t *check);
static void totals_m19(ehr_check_t *check);
static void totals_m20(ehr_check_t *check);
static void totals_gdh31(ehr_check_t *check);
static void totals_m21(ehr_check_t *check);
static void totals_m22(ehr_check_t *check);
static void totals_m23(ehr_check_t *check);
static void totals_m24(ehr_check_t *check);


const ehr_rule_t  claims_total_rules[] = {

    { "M15", EHR_CLASS_C,
      "XML1: T_THUOC phải bằng tổng THANH_TIEN_BV của XML2",
      "XML1: T_THUOC must be the sum of THANH_TIEN_BV of XML2",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", totals_m15 },

    { "M16", EHR_CLASS_C,
      "XML1: T_VTYT phải bằng tổng THANH_TIEN_BV của XML3 có MA_NHOM 10, 11",
      "XML1: T_VTYT must be the sum of THANH_TIEN_BV of XML3 where MA_NHOM is "
      "10 or 11",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", totals_m16 },

    { "M17", EHR_CLASS_C,
      "XML1: T_TONGCHI_BV phải bằng tổng THANH_TIEN_BV của XML2 và XML3",
      "XML1: T_TONGCHI_BV must be the sum of THANH_TIEN_BV of XML2 and XML3",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 4", totals_m17 },

    { "M18", EHR_CLASS_C,
      "XML1: T_TONGCHI_BH phải bằng tổng THANH_TIEN_BH của XML2 và XML3",
      "XML1: T_TONGCHI_BH must be the sum of THANH_TIEN_BH of XML2 and XML3",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 4", totals_m18 },

    { "M19", EHR_CLASS_C,
      "XML1: T_BNTT, T_BNCCT, T_NGUONKHAC phải bằng tổng của trường cùng tên "
      "trong XML2 và XML3",
      "XML1: T_BNTT, T_BNCCT, T_NGUONKHAC must be the sums of the fields of "
      "the same name in XML2 and XML3",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", totals_m19 },

    { "M20", EHR_CLASS_C,
      "XML1: T_BHTT phải bằng T_TONGCHI_BH − T_BNCCT; khi có nguồn khác chi "
      "trả cũng có thể bằng tổng T_BHTT của XML2 và XML3",
      "XML1: T_BHTT must be T_TONGCHI_BH − T_BNCCT; with other sources it may "
      "also be the sum of T_BHTT of XML2 and XML3",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", totals_m20 },

    { "GDH31", EHR_CLASS_W,
      "XML1: T_BHTT khác tổng T_BHTT của XML2 và XML3; bộ lọc của cơ quan "
      "bảo hiểm có thể chặn hồ sơ",
      "XML1: T_BHTT is not the sum of T_BHTT of XML2 and XML3; the insurer's "
      "filter may block the record",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 31", totals_gdh31 },

    { "M21", EHR_CLASS_C,
      "XML1: T_TONGCHI_BV phải bằng T_BNTT + T_BNCCT + T_BHTT + T_NGUONKHAC",
      "XML1: T_TONGCHI_BV must be T_BNTT + T_BNCCT + T_BHTT + T_NGUONKHAC",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 34", totals_m21 },

    { "M22", EHR_CLASS_W | EHR_CLASS_UNSURE | EHR_CLASS_OFF,
      "XML1: T_TONGCHI_BH thường bằng T_BNCCT + T_BHTT + T_NGUONKHAC (chỉ "
      "đúng khi nguồn khác chi trả trong phạm vi bảo hiểm)",
      "XML1: T_TONGCHI_BH is normally T_BNCCT + T_BHTT + T_NGUONKHAC (true "
      "only where other sources pay inside the insurance's scope)",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 5", totals_m22 },

    { "M23", EHR_CLASS_C,
      "XML1: T_BHTT_GDV phải bằng tổng T_BHTT của XML2 và XML3 có MA_PTTT là "
      "1 (trừ thẻ CA, CY, QN)",
      "XML1: T_BHTT_GDV must be the sum of T_BHTT of XML2 and XML3 where "
      "MA_PTTT is 1 (cards CA, CY, QN excepted)",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", totals_m23 },

    { "M24", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "Hồ sơ bảo hiểm có chi phí mà T_BHTT bằng 0, hoặc dòng chi phí trong "
      "phạm vi bảo hiểm mà MUC_HUONG bằng 0",
      "An insured record with costs has T_BHTT 0, or a row with costs in the "
      "insurance's scope has MUC_HUONG 0",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 11", totals_m24 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- sums of rows -------------------------------------------------------- */


static int
sum_is_known(const claim_money_t *money, unsigned sum)
{
    return (money->known & LINE_BIT(sum)) != 0;
}


static void
total_fail(ehr_check_t *check, uint32_t field)
{
    ehr_fail(check, ehr_section(check, EHR_SECTION_XML1),
             claim_of(check)->xml1, field);
}


static void
total_is_sum(ehr_check_t *check, uint32_t field, unsigned sum)
{
    const claim_money_t  *money = money_of(check);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    ehr_decimal_t         total;

    if (xml1 && sum_is_known(money, sum)
        && ehr_number(xml1, field, &total)
        && !money_is_near(check, total, money->sums[sum]))
    {
        total_fail(check, field);
    }
}


static void
totals_m15(ehr_check_t *check)
{
    total_is_sum(check, EHR_XML1_T_THUOC, SUM_DRUGS_BV);
}


static void
totals_m16(ehr_check_t *check)
{
    total_is_sum(check, EHR_XML1_T_VTYT, SUM_MATERIALS_BV);
}


static void
totals_m17(ehr_check_t *check)
{
    total_is_sum(check, EHR_XML1_T_TONGCHI_BV, SUM_BV);
}


static void
totals_m18(ehr_check_t *check)
{
    total_is_sum(check, EHR_XML1_T_TONGCHI_BH, SUM_BH);
}


static void
totals_m19(ehr_check_t *check)
{
    total_is_sum(check, EHR_XML1_T_BNTT, SUM_BNTT);
    total_is_sum(check, EHR_XML1_T_BNCCT, SUM_BNCCT);
    total_is_sum(check, EHR_XML1_T_NGUONKHAC, SUM_NGUONKHAC);
}


static void
totals_m23(ehr_check_t *check)
{
    if (!money_has_card(check, "CA CY QN")) {
        total_is_sum(check, EHR_XML1_T_BHTT_GDV, SUM_BHTT_SERVICES);
    }
}


/* --- totals among each other --------------------------------------------- */


/* The sum of numbers of XML1; 0: one of them is not known.  Beyond the range
 * it stays at its end. */

static int
xml1_add(const ehr_check_t *check, const uint32_t *fields, size_t n,
         ehr_decimal_t *sum)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_decimal_t     d;

    *sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (xml1 == NULL || !ehr_number(xml1, fields[i], &d)) {
            return 0;
        }

        if (!ehr_decimal_add(sum, d)) {
            *sum = INT64_MAX;
        }
    }

    return 1;
}


/* 1: T_BHTT is T_TONGCHI_BH - T_BNCCT; 0: it is not; -1: not known. */

static int
fund_is_official(const ehr_check_t *check)
{
    static const uint32_t  parts[] = { EHR_XML1_T_BHTT, EHR_XML1_T_BNCCT };
    static const uint32_t  whole[] = { EHR_XML1_T_TONGCHI_BH };

    ehr_decimal_t  sum, total;

    if (!xml1_add(check, parts, 2, &sum)
        || !xml1_add(check, whole, 1, &total))
    {
        return -1;
    }

    return money_is_near(check, sum, total);
}


/* Likewise: the sum of the rows. */

static int
fund_is_sum(const ehr_check_t *check)
{
    static const uint32_t  fund[] = { EHR_XML1_T_BHTT };

    const claim_money_t  *money = money_of(check);
    ehr_decimal_t         total;

    if (!sum_is_known(money, SUM_BHTT) || !xml1_add(check, fund, 1, &total)) {
        return -1;
    }

    return money_is_near(check, total, money->sums[SUM_BHTT]);
}


static int
has_other_sources(const ehr_check_t *check)
{
    static const uint32_t  other[] = { EHR_XML1_T_NGUONKHAC };

    ehr_decimal_t  d;

    return xml1_add(check, other, 1, &d) && d != 0;
}


/* With other sources the annex and the insurer's filter disagree: either is
 * accepted. */

static void
totals_m20(ehr_check_t *check)
{
    if (fund_is_official(check) == 0
        && !(has_other_sources(check) && fund_is_sum(check) != 0))
    {
        total_fail(check, EHR_XML1_T_BHTT);
    }
}


/* Only of what M20 lets pass. */

static void
totals_gdh31(ehr_check_t *check)
{
    if (fund_is_official(check) == 1 && fund_is_sum(check) == 0) {
        total_fail(check, EHR_XML1_T_BHTT);
    }
}


/* With other sources it cannot hold for a T_BHTT as in the annex. */

static void
totals_m21(ehr_check_t *check)
{
    static const uint32_t  parts[] = { EHR_XML1_T_BNTT, EHR_XML1_T_BNCCT,
                                       EHR_XML1_T_BHTT,
                                       EHR_XML1_T_NGUONKHAC };
    static const uint32_t  whole[] = { EHR_XML1_T_TONGCHI_BV };

    ehr_decimal_t  sum, total;

    if (!xml1_add(check, parts, 4, &sum)
        || !xml1_add(check, whole, 1, &total)
        || money_is_near(check, sum, total))
    {
        return;
    }

    if (!(has_other_sources(check) && fund_is_official(check) == 1)) {
        total_fail(check, EHR_XML1_T_TONGCHI_BV);
    }
}


static void
totals_m22(ehr_check_t *check)
{
    static const uint32_t  parts[] = { EHR_XML1_T_BNCCT, EHR_XML1_T_BHTT,
                                       EHR_XML1_T_NGUONKHAC };
    static const uint32_t  whole[] = { EHR_XML1_T_TONGCHI_BH };

    ehr_decimal_t  sum, total;

    if (xml1_add(check, parts, 3, &sum) && xml1_add(check, whole, 1, &total)
        && !money_is_near(check, sum, total))
    {
        total_fail(check, EHR_XML1_T_TONGCHI_BH);
    }
}


static void
totals_m24(ehr_check_t *check)
{
    static const uint32_t  fund[] = { EHR_XML1_T_BHTT };
    static const uint32_t  bits = LINE_BIT(LINE_MUC_HUONG)
                                  | LINE_BIT(LINE_THANH_TIEN_BH);

    const claim_money_t  *money = money_of(check);
    ehr_decimal_t         total;

    if (money_is_uninsured(check)) {
        return;
    }

    if (money->xml2 < money->end && xml1_add(check, fund, 1, &total)
        && total <= 0)
    {
        total_fail(check, EHR_XML1_T_BHTT);
    }

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (line_knows(line, bits) && line->values[LINE_MUC_HUONG] <= 0
            && line->values[LINE_THANH_TIEN_BH] > 0)
        {
            line_fail(check, line, LINE_MUC_HUONG);
        }
    }
}
