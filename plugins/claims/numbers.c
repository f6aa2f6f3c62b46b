/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How numbers are written, beyond what the tables of fields say of their type
 * (rule F6).
 */

#include "claims.h"

#include "ehr_shape.h"


#define AMOUNT_PLACES    2
#define QUANTITY_PLACES  3
#define WEIGHT_PLACES    2
#define WEIGHT_MAX       6      /* characters; beyond: the table tells */
#define RATIO_MAX        (100 * EHR_DECIMAL_ONE)


static void number_f6_2(ehr_check_t *check);
static void number_f6_3(ehr_check_t *check);


#define NUMBER_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục"


const ehr_rule_t  claims_number_rules[] = {

    { "F6.2", EHR_CLASS_S,
      "Số lượng và đơn giá có nhiều nhất 3 chữ số thập phân, số tiền nhiều "
      "nhất 2, tỷ lệ là số nguyên từ 0 đến 100",
      "Quantities and prices have at most 3 decimals, amounts at most 2, "
      "ratios are whole numbers from 0 to 100",
      NUMBER_SOURCE ", XML1, XML2, XML3", number_f6_2 },

    { "F6.3", EHR_CLASS_S,
      "XML1: CAN_NANG là số kg, dấu thập phân là dấu chấm, nhiều nhất 2 chữ "
      "số thập phân; mỗi phần tử của CAN_NANG_CON là số gam",
      "XML1: CAN_NANG is a number of kilograms with a decimal point and at "
      "most 2 decimals; each part of CAN_NANG_CON a number of grams",
      NUMBER_SOURCE ", XML1", number_f6_3 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static int
is_amount(ehr_str_t value)
{
    return ehr_decimal_places(value) <= AMOUNT_PLACES;
}


static int
is_quantity(ehr_str_t value)
{
    return ehr_decimal_places(value) <= QUANTITY_PLACES;
}


static int
is_ratio(ehr_str_t value)
{
    ehr_decimal_t  d;

    return !ehr_decimal_parse(value, &d)
           || (d >= 0 && d <= RATIO_MAX && ehr_decimal_places(value) == 0);
}


static void
number_f6_2_amounts(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_T_THUOC },
        { EHR_SECTION_XML1, EHR_XML1_T_VTYT },
        { EHR_SECTION_XML1, EHR_XML1_T_TONGCHI_BV },
        { EHR_SECTION_XML1, EHR_XML1_T_TONGCHI_BH },
        { EHR_SECTION_XML1, EHR_XML1_T_BNTT },
        { EHR_SECTION_XML1, EHR_XML1_T_BNCCT },
        { EHR_SECTION_XML1, EHR_XML1_T_BHTT },
        { EHR_SECTION_XML1, EHR_XML1_T_NGUONKHAC },
        { EHR_SECTION_XML1, EHR_XML1_T_BHTT_GDV },
        { EHR_SECTION_XML2, EHR_XML2_THANH_TIEN_BV },
        { EHR_SECTION_XML2, EHR_XML2_THANH_TIEN_BH },
        { EHR_SECTION_XML2, EHR_XML2_T_NGUONKHAC },
        { EHR_SECTION_XML2, EHR_XML2_T_BNTT },
        { EHR_SECTION_XML2, EHR_XML2_T_BNCCT },
        { EHR_SECTION_XML2, EHR_XML2_T_BHTT },
        { EHR_SECTION_XML3, EHR_XML3_THANH_TIEN_BV },
        { EHR_SECTION_XML3, EHR_XML3_THANH_TIEN_BH },
        { EHR_SECTION_XML3, EHR_XML3_T_NGUONKHAC },
        { EHR_SECTION_XML3, EHR_XML3_T_BNTT },
        { EHR_SECTION_XML3, EHR_XML3_T_BNCCT },
        { EHR_SECTION_XML3, EHR_XML3_T_BHTT }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_amount);
}


static void
number_f6_2(ehr_check_t *check)
{
    static const ehr_place_t   quantity_rows[] = {
        { EHR_SECTION_XML2, EHR_XML2_SO_LUONG },
        { EHR_SECTION_XML2, EHR_XML2_DON_GIA },
        { EHR_SECTION_XML3, EHR_XML3_SO_LUONG },
        { EHR_SECTION_XML3, EHR_XML3_DON_GIA_BV },
        { EHR_SECTION_XML3, EHR_XML3_DON_GIA_BH }
    };
    static const ehr_place_t   ratio_rows[] = {
        { EHR_SECTION_XML2, EHR_XML2_TYLE_TT_BH },
        { EHR_SECTION_XML3, EHR_XML3_TYLE_TT_DV },
        { EHR_SECTION_XML3, EHR_XML3_TYLE_TT_BH }
    };
    static const ehr_places_t  quantities = ehr_places(quantity_rows);
    static const ehr_places_t  ratios = ehr_places(ratio_rows);

    number_f6_2_amounts(check);
    ehr_check_shape(check, &quantities, is_quantity);
    ehr_check_shape(check, &ratios, is_ratio);
}


/* Weights are text in the tables, so these do not tell what is no number. */

static int
is_number_from_0(ehr_str_t value)
{
    ehr_decimal_t  d;

    return ehr_decimal_parse(value, &d) && d >= 0;
}


static int
is_longer(ehr_str_t value, size_t max)
{
    size_t  n = 0;

    for (size_t i = 0; i < value.len; i++) {
        n += ((signed char) value.data[i] > (signed char) 0xbf);
    }

    return n > max;
}


static int
is_weight(ehr_str_t value)
{
    return is_longer(value, WEIGHT_MAX)
           || (is_number_from_0(value)
               && ehr_decimal_places(value) <= WEIGHT_PLACES);
}


/* A comma is told by F5. */

static int
is_child_weight(ehr_str_t part)
{
    return memchr(part.data, ',', part.len) || is_number_from_0(part);
}


static void
number_f6_3(ehr_check_t *check)
{
    static const ehr_place_t   weight_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_CAN_NANG }
    };
    static const ehr_place_t   child_rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_CAN_NANG_CON }
    };
    static const ehr_places_t  weights = ehr_places(weight_rows);
    static const ehr_places_t  children = ehr_places(child_rows);

    ehr_check_shape(check, &weights, is_weight);
    ehr_check_shapes(check, &children, is_child_weight);
}
