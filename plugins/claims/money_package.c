/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Packages of material used in one service: their ceiling and the service
 * they belong to (rules M7, M29).  Rows are compared by sorting, so that many
 * of them cost little more than few.
 */

#include <stdlib.h>

#include "money.h"


#define PACKAGE_SERVICE_FROM  20210801    /* M29 */


static void package_m7(ehr_check_t *check);
static void package_m29(ehr_check_t *check);


const ehr_rule_t  claims_package_rules[] = {

    { "M7", EHR_CLASS_C,
      "XML3: T_BHTT của vật tư, gói vật tư không được vượt trần T_TRANTT",
      "XML3: T_BHTT of material, or of its package, must not be above the "
      "ceiling T_TRANTT",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML3", package_m7 },

    { "M29", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "XML3: vật tư trong gói (GOI_VTYT) thường phải có dòng dịch vụ cùng "
      "MA_DICH_VU",
      "XML3: material of a package (GOI_VTYT) normally needs a service row "
      "with the same MA_DICH_VU",
      "Danh sách mã lỗi chặn hồ sơ sai logic, mã 102", package_m29 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- rows in the order of their service ---------------------------------- */


typedef struct {
    const line_t  **lines;
    size_t          n;
} sorted_t;


static int
text_order(ehr_str_t a, ehr_str_t b)
{
    size_t  len = a.len < b.len ? a.len : b.len;
    int     order = len ? memcmp(a.data, b.data, len) : 0;

    if (order == 0 && a.len != b.len) {
        order = a.len < b.len ? -1 : 1;
    }

    return order;
}


static int
service_order(const line_t *a, const line_t *b)
{
    return text_order(ehr_value(a->row, EHR_XML3_MA_DICH_VU),
                      ehr_value(b->row, EHR_XML3_MA_DICH_VU));
}


/* By service, package, row: the last so that equal rows keep their order. */

static int
package_order(const void *one, const void *two)
{
    const line_t  *a = *(const line_t *const *) one;
    const line_t  *b = *(const line_t *const *) two;
    int            order = service_order(a, b);

    if (order == 0) {
        order = text_order(ehr_value(a->row, EHR_XML3_GOI_VTYT),
                           ehr_value(b->row, EHR_XML3_GOI_VTYT));
    }

    return order ? order : (a > b) - (a < b);
}


static int
line_is_packed(const line_t *line)
{
    return line_is_material(line)
           && !ehr_is_empty(line->row, EHR_XML3_GOI_VTYT);
}


/* n is 0 where no row is of a package, or without memory. */

static sorted_t
packages_sort(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    const line_t         *line = money->xml3;
    sorted_t              sorted = { NULL, 0 };

    while (line < money->end && !line_is_packed(line)) {
        line++;
    }

    if (line == money->end) {
        return sorted;
    }

    sorted.lines = check->host->alloc(check->call,
                                      (size_t) (money->end - money->xml3)
                                      * sizeof(const line_t *));
    if (sorted.lines == NULL) {
        check->is_broken = 1;

        return sorted;
    }

    for (line = money->xml3; line < money->end; line++) {
        sorted.lines[sorted.n++] = line;
    }

    qsort(sorted.lines, sorted.n, sizeof(const line_t *), package_order);

    return sorted;
}


/* --- ceiling ------------------------------------------------------------- */


static int
is_same_package(const line_t *a, const line_t *b)
{
    return service_order(a, b) == 0
           && ehr_text_eq(ehr_value(a->row, EHR_XML3_GOI_VTYT),
                          ehr_value(b->row, EHR_XML3_GOI_VTYT));
}


/* The rows from..to are of one package: together not above the highest
 * ceiling that one of them names. */

static void
package_check(ehr_check_t *check, const line_t **from, const line_t **to)
{
    const line_t   *named = NULL;     /* it says the highest ceiling */
    ehr_decimal_t   sum = 0, ceiling, highest = 0;

    for (/* void */; from < to; from++) {
        const line_t  *line = *from;

        if (!line_is_packed(line)) {
            continue;
        }

        if (!line_knows(line, LINE_BIT(LINE_T_BHTT))
            || !ehr_decimal_add(&sum, line->values[LINE_T_BHTT]))
        {
            return;
        }

        if (line_ceiling(line, &ceiling) && ceiling > highest) {
            named = line;
            highest = ceiling;
        }
    }

    if (named && sum > highest && !money_is_near(check, sum, highest)) {
        line_fail(check, named, LINE_T_BHTT);
    }
}


/* Rows without a package, by themselves. */

static void
package_m7_single(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    ehr_decimal_t         ceiling;

    for (const line_t *line = money->xml3; line < money->end; line++) {
        ehr_decimal_t  paid = line->values[LINE_T_BHTT];

        if (!line_is_packed(line)
            && line_knows(line, LINE_BIT(LINE_T_BHTT))
            && line_ceiling(line, &ceiling)
            && paid > ceiling && !money_is_near(check, paid, ceiling))
        {
            line_fail(check, line, LINE_T_BHTT);
        }
    }
}


static void
package_m7(ehr_check_t *check)
{
    sorted_t  sorted = packages_sort(check);
    size_t    first = 0;

    package_m7_single(check);

    for (size_t i = 1; i <= sorted.n; i++) {
        if (i == sorted.n
            || !is_same_package(sorted.lines[i], sorted.lines[first]))
        {
            package_check(check, &sorted.lines[first], &sorted.lines[i]);
            first = i;
        }
    }
}


/* --- service ------------------------------------------------------------- */


/* The rows from..to have one service code. */

static void
service_check(ehr_check_t *check, const line_t **from, const line_t **to)
{
    int  is_coded = !ehr_is_empty((*from)->row, EHR_XML3_MA_DICH_VU);

    for (const line_t **at = from; at < to; at++) {
        if (is_coded && !line_is_material(*at)) {
            return;
        }
    }

    for (const line_t **at = from; at < to; at++) {
        if (line_is_packed(*at)) {
            ehr_fail(check, (*at)->section, (*at)->row, EHR_XML3_MA_DICH_VU);
        }
    }
}


static void
package_m29(ehr_check_t *check)
{
    const claim_t  *claim = claim_of(check);
    sorted_t        sorted;
    size_t          first = 0;

    if ((claim->day && claim->day < PACKAGE_SERVICE_FROM)
        || ehr_is_unread(ehr_section(check, EHR_SECTION_XML3)))
    {
        return;
    }

    sorted = packages_sort(check);

    for (size_t i = 1; i <= sorted.n; i++) {
        if (i == sorted.n
            || service_order(sorted.lines[i], sorted.lines[first]) != 0)
        {
            service_check(check, &sorted.lines[first], &sorted.lines[i]);
            first = i;
        }
    }
}
