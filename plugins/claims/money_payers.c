/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who pays for a row of XML2 or XML3: the patient, the fund, other sources
 * (rules M9 to M12).  A row whose payers do not add up (M12) is not looked at
 * any further: how it should have been split cannot be known then.
 */

#include "money.h"


#define SOURCES_KNOWN  (LINE_BIT(LINE_T_NGUONKHAC_NSNN)                       \
                        | LINE_BIT(LINE_T_NGUONKHAC_VTNN)                     \
                        | LINE_BIT(LINE_T_NGUONKHAC_VTTN)                     \
                        | LINE_BIT(LINE_T_NGUONKHAC_CL))

#define PAYERS_KNOWN  (LINE_BIT(LINE_THANH_TIEN_BV) | LINE_BIT(LINE_T_BNTT)   \
                       | LINE_BIT(LINE_T_BNCCT) | LINE_BIT(LINE_T_BHTT)       \
                       | LINE_BIT(LINE_T_NGUONKHAC))

#define SPLIT_KNOWN   (PAYERS_KNOWN | LINE_BIT(LINE_THANH_TIEN_BH)            \
                       | LINE_BIT(LINE_MUC_HUONG))


/* What three payers pay. */

typedef struct {
    ehr_decimal_t  bntt;
    ehr_decimal_t  bncct;
    ehr_decimal_t  bhtt;
} split_t;


static void payers_m9(ehr_check_t *check);
static void payers_m10(ehr_check_t *check);
static void payers_m11(ehr_check_t *check);
static void payers_m12(ehr_check_t *check);


const ehr_rule_t  claims_payer_rules[] = {

    { "M9", EHR_CLASS_C,
      "XML2, XML3: T_NGUONKHAC phải bằng tổng T_NGUONKHAC_NSNN, "
      "T_NGUONKHAC_VTNN, T_NGUONKHAC_VTTN, T_NGUONKHAC_CL, không âm và không "
      "lớn hơn THANH_TIEN_BV",
      "XML2, XML3: T_NGUONKHAC must be the sum of T_NGUONKHAC_NSNN, "
      "T_NGUONKHAC_VTNN, T_NGUONKHAC_VTTN, T_NGUONKHAC_CL, not negative and "
      "not above THANH_TIEN_BV",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3; mã chặn 51, 56", payers_m9 },

    { "M10", EHR_CLASS_C,
      "XML2, XML3: không có nguồn khác chi trả thì T_BHTT = THANH_TIEN_BH × "
      "MUC_HUONG / 100, T_BNCCT = THANH_TIEN_BH − T_BHTT, T_BNTT = "
      "THANH_TIEN_BV − THANH_TIEN_BH",
      "XML2, XML3: without other sources T_BHTT = THANH_TIEN_BH × MUC_HUONG / "
      "100, T_BNCCT = THANH_TIEN_BH − T_BHTT, T_BNTT = THANH_TIEN_BV − "
      "THANH_TIEN_BH",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3; mã chặn 48", payers_m10 },

    { "M11", EHR_CLASS_W,
      "XML2, XML3: tiền nguồn khác thường được trừ lần lượt vào T_BNTT, "
      "T_BNCCT, T_BHTT; hoặc trừ vào tổng trước khi chia; với thuốc ARV thì "
      "thay cho T_BNCCT",
      "XML2, XML3: money of other sources is normally taken off T_BNTT, "
      "T_BNCCT, T_BHTT in this order; or off the total before it is split; "
      "for ARV it stands for T_BNCCT",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3", payers_m11 },

    { "M12", EHR_CLASS_C,
      "XML2, XML3: THANH_TIEN_BV phải bằng T_BNTT + T_BNCCT + T_BHTT + "
      "T_NGUONKHAC",
      "XML2, XML3: THANH_TIEN_BV must be T_BNTT + T_BNCCT + T_BHTT + "
      "T_NGUONKHAC",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 41, 45", payers_m12 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- sums of a row ------------------------------------------------------- */


/* Beyond the range: its end, which is equal to no amount. */

static ehr_decimal_t
line_add(const line_t *line, unsigned first, unsigned last)
{
    ehr_decimal_t  sum = 0;

    for (unsigned i = first; i <= last; i++) {
        if (!ehr_decimal_add(&sum, line->values[i])) {
            return INT64_MAX;
        }
    }

    return sum;
}


static int
other_sources_are_wrong(const ehr_check_t *check, const line_t *line)
{
    ehr_decimal_t  other = line->values[LINE_T_NGUONKHAC];

    if (!line_knows(line, LINE_BIT(LINE_T_NGUONKHAC))) {
        return 0;
    }

    if (other < 0) {
        return 1;
    }

    if (line_knows(line, LINE_BIT(LINE_THANH_TIEN_BV))
        && other > line->values[LINE_THANH_TIEN_BV]
        && !money_is_near(check, other, line->values[LINE_THANH_TIEN_BV]))
    {
        return 1;
    }

    return line_knows(line, SOURCES_KNOWN)
           && !money_is_near(check, other,
                             line_add(line, LINE_T_NGUONKHAC_NSNN,
                                      LINE_T_NGUONKHAC_CL));
}


static void
payers_m9(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (other_sources_are_wrong(check, line)) {
            line_fail(check, line, LINE_T_NGUONKHAC);
        }
    }
}


/* T_NGUONKHAC, T_BNTT, T_BNCCT, T_BHTT are neighbours among the values. */

static int
payers_are_unequal(const ehr_check_t *check, const line_t *line)
{
    return line_knows(line, PAYERS_KNOWN)
           && !money_is_near(check, line->values[LINE_THANH_TIEN_BV],
                             line_add(line, LINE_T_NGUONKHAC, LINE_T_BHTT));
}


static void
payers_m12(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (payers_are_unequal(check, line)) {
            line_fail(check, line, LINE_THANH_TIEN_BV);
        }
    }
}


/* --- how it is split ----------------------------------------------------- */


/* A ceiling lowers what the fund pays, by rules of its own (M7). */

static int
line_has_ceiling(const claim_money_t *money, const line_t *line)
{
    ehr_decimal_t  ceiling;

    return line >= money->xml3
           && (line_ceiling(line, &ceiling)
               || !ehr_is_empty(line->row, EHR_XML3_GOI_VTYT));
}


/* Rows whose split follows from their own numbers. */

static int
line_can_be_split(const ehr_check_t *check, const line_t *line)
{
    return line_knows(line, SPLIT_KNOWN)
           && line->scope != 3
           && line->values[LINE_THANH_TIEN_BH]
              <= line->values[LINE_THANH_TIEN_BV]
           && !line_has_ceiling(money_of(check), line)
           && !payers_are_unequal(check, line);
}


/* Without other sources; 1, or 0 beyond the range. */

static int
line_split(const line_t *line, split_t *split)
{
    ehr_decimal_t  factors[2];

    factors[0] = line->values[LINE_THANH_TIEN_BH];
    factors[1] = line->values[LINE_MUC_HUONG];

    split->bntt = line->values[LINE_THANH_TIEN_BV];
    split->bncct = line->values[LINE_THANH_TIEN_BH];

    return ehr_decimal_product(factors, 2, 1, &split->bhtt)
           && ehr_decimal_add(&split->bncct, -split->bhtt)
           && ehr_decimal_add(&split->bntt,
                              -line->values[LINE_THANH_TIEN_BH]);
}


static int
split_holds(const ehr_check_t *check, const line_t *line,
            const split_t *split)
{
    return money_is_near(check, line->values[LINE_T_BNTT], split->bntt)
           && money_is_near(check, line->values[LINE_T_BNCCT], split->bncct)
           && money_is_near(check, line->values[LINE_T_BHTT], split->bhtt);
}


/* The insurance's part is named before the patient's. */

static unsigned
split_wrong_field(const ehr_check_t *check, const line_t *line,
                  const split_t *split)
{
    if (!money_is_near(check, line->values[LINE_T_BHTT], split->bhtt)) {
        return LINE_T_BHTT;
    }

    if (!money_is_near(check, line->values[LINE_T_BNCCT], split->bncct)) {
        return LINE_T_BNCCT;
    }

    return LINE_T_BNTT;
}


static void
payers_m10(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    split_t               split;

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (line->values[LINE_T_NGUONKHAC] == 0
            && line_can_be_split(check, line)
            && line_split(line, &split)
            && !split_holds(check, line, &split))
        {
            line_fail(check, line, split_wrong_field(check, line, &split));
        }
    }
}


/* --- other sources ------------------------------------------------------- */


static void
payer_relieve(ehr_decimal_t *payer, ehr_decimal_t *other)
{
    ehr_decimal_t  part = *other < *payer ? *other : *payer;

    *payer -= part;
    *other -= part;
}


static int
is_split_in_order(const ehr_check_t *check, const line_t *line, split_t split)
{
    ehr_decimal_t  other = line->values[LINE_T_NGUONKHAC];

    payer_relieve(&split.bntt, &other);
    payer_relieve(&split.bncct, &other);
    payer_relieve(&split.bhtt, &other);

    return split_holds(check, line, &split);
}


static int
is_split_as_arv(const ehr_check_t *check, const line_t *line, split_t split)
{
    if (!money_is_near(check, line->values[LINE_T_NGUONKHAC], split.bncct)) {
        return 0;
    }

    split.bncct = 0;

    return split_holds(check, line, &split);
}


/* The rest of the insurance's scope is shared by fund and patient. */

static int
is_split_after(const ehr_check_t *check, const line_t *line)
{
    line_t         rest = *line;
    ehr_decimal_t  other = line->values[LINE_T_NGUONKHAC];
    split_t        split;

    rest.values[LINE_THANH_TIEN_BV] -= other;
    rest.values[LINE_THANH_TIEN_BH] -= other;

    return other <= line->values[LINE_THANH_TIEN_BH]
           && line_split(&rest, &split)
           && split_holds(check, line, &split);
}


static void
payers_m11(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    split_t               split;

    for (const line_t *line = money->xml2; line < money->end; line++) {
        if (line->values[LINE_T_NGUONKHAC] > 0
            && line_can_be_split(check, line)
            && line_split(line, &split)
            && !is_split_in_order(check, line, split)
            && !is_split_as_arv(check, line, split)
            && !is_split_after(check, line))
        {
            line_fail(check, line, LINE_T_NGUONKHAC);
        }
    }
}
