/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a row of XML2 or XML3 costs: quantity, prices, ratios, amounts (rules
 * M1 to M8, M14).  Who pays for it is in money_payers.c.
 */

#include "codes.h"
#include "money.h"


#define MONEY_RANGE_DIGITS  13    /* INT64_MAX millionths */


static void money_m1(ehr_check_t *check);
static void money_m2(ehr_check_t *check);
static void money_m3(ehr_check_t *check);
static void money_m4(ehr_check_t *check);
static void money_m5(ehr_check_t *check);
static void money_m6(ehr_check_t *check);
static void money_m8(ehr_check_t *check);
static void money_m14(ehr_check_t *check);
static void money_range(ehr_check_t *check);


const ehr_rule_t  claims_money_rules[] = {

    { "M1", EHR_CLASS_C,
      "XML2: THANH_TIEN_BV phải bằng SO_LUONG × DON_GIA",
      "XML2: THANH_TIEN_BV must be SO_LUONG × DON_GIA",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2; mã chặn 47", money_m1 },

    { "M2", EHR_CLASS_C,
      "XML2: THANH_TIEN_BH phải bằng SO_LUONG × DON_GIA × TYLE_TT_BH / 100",
      "XML2: THANH_TIEN_BH must be SO_LUONG × DON_GIA × TYLE_TT_BH / 100",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2; mã chặn 3", money_m2 },

    { "M3", EHR_CLASS_C,
      "XML3: THANH_TIEN_BV phải bằng SO_LUONG × DON_GIA_BV × TYLE_TT_DV / 100",
      "XML3: THANH_TIEN_BV must be SO_LUONG × DON_GIA_BV × TYLE_TT_DV / 100",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3; mã chặn 52", money_m3 },

    { "M4", EHR_CLASS_C,
      "XML3: THANH_TIEN_BH phải bằng SO_LUONG × DON_GIA_BH × TYLE_TT_DV / 100 "
      "× TYLE_TT_BH / 100",
      "XML3: THANH_TIEN_BH must be SO_LUONG × DON_GIA_BH × TYLE_TT_DV / 100 "
      "× TYLE_TT_BH / 100",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3; mã chặn 3", money_m4 },

    { "M5", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML3: DON_GIA_BH thường không lớn hơn DON_GIA_BV; vật tư tái sử dụng "
      "thì hai giá bằng nhau; dịch vụ chưa được duyệt giá (mã .0000) thì "
      "DON_GIA_BH bằng 0",
      "XML3: DON_GIA_BH is normally not above DON_GIA_BV; for reused material "
      "both are equal; for a service without an approved price (code .0000) "
      "DON_GIA_BH is 0",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3", money_m5 },

    { "M6", EHR_CLASS_W,
      "XML3: TYLE_TT_DV của khám bệnh thường là 100, lần 2 đến lần 4 là 30, "
      "lần 5 là 10, từ lần 6 là 0; của giường là 100, 50, 33; của phẫu thuật "
      "là 100, 80, 50",
      "XML3: TYLE_TT_DV of examinations is normally 100, then 30 (2nd to "
      "4th), 10 (5th), 0 (6th on); of beds 100, 50, 33; of surgery 100, 80, "
      "50",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3", money_m6 },

    { "M8", EHR_CLASS_C,
      "XML2, XML3: PHAM_VI là 2 thì TYLE_TT_BH và THANH_TIEN_BH phải bằng 0",
      "XML2, XML3: where PHAM_VI is 2, TYLE_TT_BH and THANH_TIEN_BH must be 0",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3", money_m8 },

    { "M14", EHR_CLASS_S | EHR_CLASS_UNSURE,
      "MA_NHOM phải là 4, 5, 6, 7, 17 ở XML2; là 1, 2, 3, 8 đến 16, 18, 19 "
      "ở XML3",
      "MA_NHOM must be 4, 5, 6, 7, 17 in XML2; 1, 2, 3, 8 to 16, 18, 19 in "
      "XML3",
      "QĐ 5937/QĐ-BYT năm 2021; đặc tả kiểm tra của Cổng tiếp nhận theo QĐ "
      "4750; mã chặn 39, 43", money_m14 },

    { "M.RANGE", EHR_CLASS_C,
      "XML1, XML2, XML3: số tiền, số lượng hoặc đơn giá lớn quá mức có thể",
      "XML1, XML2, XML3: an amount, quantity or price is beyond all bounds",
      "Giới hạn của cổng: dưới 9 223 372 036 854 đồng", money_range },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- amounts ------------------------------------------------------------- */


/* What the row's own numbers give for an amount. */

typedef struct {
    unsigned  amount;         /* LINE_* */
    unsigned  n;
    unsigned  factors[4];
} formula_t;


static const formula_t  whole_price = {
    LINE_THANH_TIEN_BV, 2, { LINE_SO_LUONG, LINE_DON_GIA_BV }
};

static const formula_t  drug_insured = {
    LINE_THANH_TIEN_BH, 3, { LINE_SO_LUONG, LINE_DON_GIA_BH, LINE_TYLE_TT_BH }
};

static const formula_t  service_price = {
    LINE_THANH_TIEN_BV, 3, { LINE_SO_LUONG, LINE_DON_GIA_BV, LINE_TYLE_TT_DV }
};

static const formula_t  service_insured = {
    LINE_THANH_TIEN_BH, 4, { LINE_SO_LUONG, LINE_DON_GIA_BH, LINE_TYLE_TT_DV,
                             LINE_TYLE_TT_BH }
};


/* 0 beyond the range: no real row comes near it. */

static int
formula_product(const line_t *line, const formula_t *formula,
                ehr_decimal_t *product)
{
    ehr_decimal_t  values[4];
    unsigned       percents = 0;

    for (unsigned i = 0; i < formula->n; i++) {
        values[i] = line->values[formula->factors[i]];
        percents += formula->factors[i] == LINE_TYLE_TT_DV
                    || formula->factors[i] == LINE_TYLE_TT_BH;
    }

    return ehr_decimal_product(values, formula->n, percents, product);
}


static int
formula_is_known(const line_t *line, const formula_t *formula)
{
    uint32_t  bits = LINE_BIT(formula->amount);

    for (unsigned i = 0; i < formula->n; i++) {
        bits |= LINE_BIT(formula->factors[i]);
    }

    return line_knows(line, bits);
}


static int
formula_holds(const ehr_check_t *check, const line_t *line,
              const formula_t *formula)
{
    ehr_decimal_t  product;

    return formula_product(line, formula, &product)
           && money_is_near(check, line->values[formula->amount], product);
}


static void
money_m1(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml2; line < money->xml3; line++) {
        if (formula_is_known(line, &whole_price)
            && !formula_holds(check, line, &whole_price))
        {
            line_fail(check, line, LINE_THANH_TIEN_BV);
        }
    }
}


static void
money_m2(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml2; line < money->xml3; line++) {
        if (formula_is_known(line, &drug_insured)
            && !formula_holds(check, line, &drug_insured))
        {
            line_fail(check, line, LINE_THANH_TIEN_BH);
        }
    }
}


/* Decision 3176: when the difference of prices is not charged, only the
 * insurance's part is lowered (known from programs, not from its text). */

static int
is_near_undivided(const ehr_check_t *check, const line_t *line)
{
    ehr_decimal_t  product, lowered, factors[3];

    if (!line_knows(line, LINE_BIT(LINE_DON_GIA_BH))
        || !formula_product(line, &whole_price, &product))
    {
        return 0;
    }

    factors[0] = line->values[LINE_SO_LUONG];
    factors[1] = line->values[LINE_DON_GIA_BH];
    factors[2] = 100 * EHR_DECIMAL_ONE;

    return ehr_decimal_add(&factors[2], -line->values[LINE_TYLE_TT_DV])
           && ehr_decimal_product(factors, 3, 1, &lowered)
           && ehr_decimal_add(&product, -lowered)
           && money_is_near(check, line->values[LINE_THANH_TIEN_BV], product);
}


/* Decision 130 had no ratio of services in its formulas. */

static void
money_m3(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    int                   is_130 = ehr_text_is(check->doc->standard, "qd130");
    int                   is_3176 = ehr_text_is(check->doc->standard,
                                                "qd3176");

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (!formula_is_known(line, &service_price)
            || formula_holds(check, line, &service_price)
            || (is_130 && formula_holds(check, line, &whole_price))
            || (is_3176 && is_near_undivided(check, line)))
        {
            continue;
        }

        line_fail(check, line, LINE_THANH_TIEN_BV);
    }
}


/* Without the ratio of services it is the formula of drugs. */

static void
money_m4(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    int                   is_130 = ehr_text_is(check->doc->standard, "qd130");

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (!formula_is_known(line, &service_insured)
            || formula_holds(check, line, &service_insured)
            || (is_130 && formula_holds(check, line, &drug_insured)))
        {
            continue;
        }

        line_fail(check, line, LINE_THANH_TIEN_BH);
    }
}


/* --- prices and ratios --------------------------------------------------- */


static int
line_has_no_price(const line_t *line)
{
    static const char  suffix[] = ".0000";

    ehr_str_t  code = ehr_value(line->row, EHR_XML3_MA_DICH_VU);
    size_t     len = sizeof(suffix) - 1;

    return !line_is_material(line) && code.len > len
           && memcmp(code.data + code.len - len, suffix, len) == 0;
}


static void
money_m5(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml3; line < money->end; line++) {
        ehr_decimal_t  own = line->values[LINE_DON_GIA_BV];
        ehr_decimal_t  paid = line->values[LINE_DON_GIA_BH];

        if (!line_knows(line, LINE_BIT(LINE_DON_GIA_BV)
                              | LINE_BIT(LINE_DON_GIA_BH)))
        {
            continue;
        }

        if (paid > own
            || (paid != own
                && ehr_text_is(ehr_value(line->row, EHR_XML3_TAI_SU_DUNG),
                               "1"))
            || (paid != 0 && line_has_no_price(line)))
        {
            line_fail(check, line, LINE_DON_GIA_BH);
        }
    }
}


/* The ratio as a whole number; -1: it is none, or none that was read. */

static int
line_ratio(const line_t *line)
{
    ehr_decimal_t  ratio = line->values[LINE_TYLE_TT_DV];

    if (!line_knows(line, LINE_BIT(LINE_TYLE_TT_DV))
        || ratio < 0 || ratio > 100 * EHR_DECIMAL_ONE
        || ratio % EHR_DECIMAL_ONE != 0)
    {
        return -1;
    }

    return (int) (ratio / EHR_DECIMAL_ONE);
}


/* Examinations of one visit: full is how many were paid at 100, 30 and 10
 * before this one.  Stays of several days may hold several visits. */

static int
exam_ratio_is_usual(int ratio, int is_one_visit, unsigned *paid)
{
    static const struct {
        int       ratio;
        unsigned  most;
    } steps[] = { { 100, 1 }, { 30, 3 }, { 10, 1 } };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (ratio == steps[i].ratio) {
            paid[i]++;

            return !is_one_visit || paid[i] <= steps[i].most;
        }
    }

    return ratio == 0;
}


static int
ratio_is_usual(const line_t *line, int ratio)
{
    switch (line->group) {

    case 8:
        return ratio == 100 || ratio == 80 || ratio == 50;

    case 14:
    case 15:
    case 16:
        return ratio == 100 || ratio == 50 || ratio == 33;

    default:
        return 1;
    }
}


static void
money_m6(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    const ehr_row_t      *xml1 = claim_of(check)->xml1;
    int                   is_one_visit;
    unsigned              paid[3] = { 0, 0, 0 };

    is_one_visit = xml1 && ehr_text_is(ehr_value(xml1, EHR_XML1_MA_LOAI_KCB),
                                       "01");

    for (const line_t *line = money->xml3; line < money->end; line++) {
        int  is_usual, ratio = line_ratio(line);

        if (ratio < 0) {
            continue;
        }

        is_usual = line->group == 13
                   ? exam_ratio_is_usual(ratio, is_one_visit, paid)
                   : ratio_is_usual(line, ratio);

        if (!is_usual) {
            line_fail(check, line, LINE_TYLE_TT_DV);
        }
    }
}


/* --- scope and group ----------------------------------------------------- */


static void
money_m8(ehr_check_t *check)
{
    static const unsigned  zeros[] = { LINE_TYLE_TT_BH, LINE_THANH_TIEN_BH };

    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (line->scope != 2) {
            continue;
        }

        for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
            if (line_knows(line, LINE_BIT(zeros[i]))
                && line->values[zeros[i]] != 0)
            {
                line_fail(check, line, zeros[i]);
            }
        }
    }
}


static void
money_m14(ehr_check_t *check)
{
    static const ehr_code_t  drug_rows[] = {
        { "17", 0, 0 }, { "4", 0, 0 }, { "5", 0, 0 }, { "6", 0, 0 },
        { "7", 0, 0 }
    };

    /* 19: decision 4750 */
    static const ehr_code_t  service_rows[] = {
        { "1", 0, 0 }, { "10", 0, 0 }, { "11", 0, 0 }, { "12", 0, 0 },
        { "13", 0, 0 }, { "14", 0, 0 }, { "15", 0, 0 }, { "16", 0, 0 },
        { "18", 0, 0 }, { "19", 20240101, 0 }, { "2", 0, 0 }, { "3", 0, 0 },
        { "8", 0, 0 }, { "9", 0, 0 }
    };

    static const ehr_codes_t  drugs = ehr_codes(drug_rows);
    static const ehr_codes_t  services = ehr_codes(service_rows);

    const claim_money_t  *money = money_of(check);
    uint32_t              day = claim_of(check)->day;

    for (const line_t *line = money->xml2; line < money->end; line++) {
        int        is_drug = line < money->xml3;
        uint32_t   field = is_drug ? EHR_XML2_MA_NHOM : EHR_XML3_MA_NHOM;
        ehr_str_t  code = ehr_value(line->row, field);

        if (!ehr_text_is_digits(code)) {
            continue;
        }

        code = code_plain(code);

        if (!ehr_code_find(is_drug ? &drugs : &services, code, day)) {
            ehr_fail(check, line->section, line->row, field);
        }
    }
}


/* --- bounds -------------------------------------------------------------- */


/* A number by its form, but not one that could be read. */

static int
is_beyond_range(ehr_str_t text)
{
    ehr_decimal_t  d;
    size_t         digits = 0, points = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.') {
            points++;

        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            digits += (points == 0);

        } else if (i > 0 || text.data[i] != '-') {
            return 0;
        }
    }

    return points <= 1 && digits >= MONEY_RANGE_DIGITS
           && !ehr_decimal_parse(text, &d);
}


static void
range_of_xml1(ehr_check_t *check)
{
    static const uint32_t  fields[] = {
        EHR_XML1_T_THUOC, EHR_XML1_T_VTYT, EHR_XML1_T_TONGCHI_BV,
        EHR_XML1_T_TONGCHI_BH, EHR_XML1_T_BNTT, EHR_XML1_T_BNCCT,
        EHR_XML1_T_BHTT, EHR_XML1_T_NGUONKHAC, EHR_XML1_T_BHTT_GDV
    };

    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    for (size_t i = 0; xml1 && i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (is_beyond_range(ehr_value(xml1, fields[i]))) {
            ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), xml1,
                     fields[i]);
        }
    }
}


static void
range_of_line(ehr_check_t *check, const line_t *line)
{
    for (unsigned i = 0; i < LINE_NVALUES; i++) {
        int  is_again = i > 0 && line->fields[i] == line->fields[i - 1];

        if (!line_knows(line, LINE_BIT(i)) && !is_again
            && is_beyond_range(ehr_value(line->row, line->fields[i])))
        {
            line_fail(check, line, i);
        }
    }
}


/* Without it a number too large to be computed with would escape all other
 * rules. */

static void
money_range(ehr_check_t *check)
{
    static const uint32_t  all = LINE_BIT(LINE_NVALUES) - 1;

    const claim_money_t  *money = money_of(check);

    range_of_xml1(check);

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (!line_knows(line, all)) {
            range_of_line(check, line);
        }
    }
}
