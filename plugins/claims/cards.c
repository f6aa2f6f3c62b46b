/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance card in a claim, where it is more than in other documents: a
 * list, and next to benefit levels (rules K3 to K12).  The card by itself is
 * in ehr_card.c.
 */

#include "money.h"

#include "ehr_shape.h"


static void card_k3(ehr_check_t *check);
static void card_k4(ehr_check_t *check);
static void card_k7(ehr_check_t *check);
static void card_k12(ehr_check_t *check);


const ehr_rule_t  claims_card_rules[] = {

    { "K3", EHR_CLASS_C,
      "XML2, XML3: đúng tuyến hoặc cấp cứu thì MUC_HUONG phải theo ký tự thứ "
      "ba của thẻ: 1, 2, 5 là 100; 3 là 95; 4 là 80 (hoặc 100)",
      "XML2, XML3: on the right route or in an emergency MUC_HUONG follows "
      "the card's third character: 1, 2, 5: 100; 3: 95; 4: 80 (or 100)",
      "Nghị định 146/2018/NĐ-CP; tài liệu phần mềm HIS", card_k3 },

    { "K4", EHR_CLASS_C,
      "XML1: MA_THE_BHYT, MA_DKBD, GT_THE_TU, GT_THE_DEN phải có cùng số "
      "phần tử, cách nhau bằng dấu chấm phẩy",
      "XML1: MA_THE_BHYT, MA_DKBD, GT_THE_TU, GT_THE_DEN must have the same "
      "number of parts, a semicolon between",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 20", card_k4 },

    { "K7", EHR_CLASS_C,
      "XML1: với thẻ tạm (MA_DKBD là mã tỉnh + 000) GT_THE_TU là ngày vào "
      "viện, GT_THE_DEN là ngày ra viện",
      "XML1: with a temporary card (MA_DKBD is province + 000) GT_THE_TU is "
      "the day of arrival, GT_THE_DEN that of discharge",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1", card_k7 },

    { "K12", EHR_CLASS_S,
      "XML1: MA_KHUVUC là K1, K2, K3 hoặc để trống",
      "XML1: MA_KHUVUC is K1, K2, K3 or empty",
      "QĐ 4750/QĐ-BYT, Phụ lục, XML1; mã chặn 38", card_k12 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- level (K3) ---------------------------------------------------------- */


/* The level that a card gives; NULL: its form is wrong, which K1 tells. */

static const char *
card_level(ehr_str_t card)
{
    if (!ehr_is_card(card)) {
        return NULL;
    }

    switch (card.data[2]) {

    case '3':
        return "95";

    case '4':
        return "80";

    default:
        return "100";
    }
}


/* Of a list of cards, read once: there may be as many as rows. */

typedef struct {
    int  gives_any;           /* a card that is no card: any level may be */
    int  gives_80;
    int  gives_95;
} levels_t;


static levels_t
cards_levels(ehr_str_t cards)
{
    ehr_list_t   list = ehr_list(cards, ';');
    ehr_str_t    card;
    const char  *given;
    levels_t     levels = { 0, 0, 0 };

    while (ehr_list_next(&list, &card)) {
        given = card_level(ehr_text_trim(card));

        levels.gives_any |= (given == NULL);
        levels.gives_80 |= (given && strcmp(given, "80") == 0);
        levels.gives_95 |= (given && strcmp(given, "95") == 0);
    }

    return levels;
}


/* Off the route levels are products; others than these are told by M26. */

static void
card_k3_rows(ehr_check_t *check, const levels_t *levels, uint32_t id,
             uint32_t field)
{
    const ehr_section_t  *s = ehr_section(check, id);

    for (uint32_t i = 0; i < s->nrows; i++) {
        ehr_str_t  level = ehr_value(&s->rows[i], field);

        if ((ehr_text_is(level, "80") && !levels->gives_80)
            || (ehr_text_is(level, "95") && !levels->gives_95))
        {
            ehr_fail(check, s, &s->rows[i], field);
        }
    }
}


static void
card_k3(ehr_check_t *check)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_str_t         route;
    levels_t          levels;

    if (xml1 == NULL || ehr_is_empty(xml1, EHR_XML1_MA_THE_BHYT)) {
        return;
    }

    levels = cards_levels(ehr_value(xml1, EHR_XML1_MA_THE_BHYT));

    if (levels.gives_any) {
        return;
    }

    route = ehr_value(xml1, EHR_XML1_MA_DOITUONG_KCB);

    if (ehr_text_begins(route, "1.") || ehr_text_is(route, "2")) {
        card_k3_rows(check, &levels, EHR_SECTION_XML2, EHR_XML2_MUC_HUONG);
        card_k3_rows(check, &levels, EHR_SECTION_XML3, EHR_XML3_MUC_HUONG);
    }
}


/* --- lists --------------------------------------------------------------- */


/* Its parts are what was meant: an empty one, or two with a comma between,
 * are told by F5. */

static int
is_countable(ehr_str_t value)
{
    ehr_list_t  list = ehr_list(value, ';');
    ehr_str_t   part;

    while (ehr_list_next(&list, &part)) {
        if (part.len == 0 || memchr(part.data, ',', part.len)) {
            return 0;
        }
    }

    return 1;
}


/* The last day may be an empty part (K9). */

static int
is_miscounted(const ehr_row_t *row, uint32_t field, size_t cards)
{
    ehr_str_t  value = ehr_value(row, field);
    size_t     parts = ehr_list_count(value, ';');

    return parts > 0 && parts != cards
           && (field == EHR_XML1_GT_THE_DEN || is_countable(value));
}


/* Fields that are empty are told by others (K9, K11), a card of who is not
 * insured by K10. */

static void
card_k4(ehr_check_t *check)
{
    static const uint32_t  beside[] = { EHR_XML1_MA_DKBD, EHR_XML1_GT_THE_TU,
                                        EHR_XML1_GT_THE_DEN };

    const ehr_row_t  *row = claim_of(check)->xml1;
    ehr_str_t         cards;

    if (row == NULL || money_is_uninsured(check)) {
        return;
    }

    cards = ehr_value(row, EHR_XML1_MA_THE_BHYT);

    if (cards.len == 0 || !is_countable(cards)) {
        return;
    }

    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        if (is_miscounted(row, beside[i], ehr_list_count(cards, ';'))) {
            ehr_fail(check, ehr_section(check, EHR_SECTION_XML1), row,
                     beside[i]);
        }
    }
}


static int
is_same_day(ehr_str_t day, ehr_str_t minute)
{
    ehr_day_t  a, b;

    return !ehr_day_parse(day, &a) || !ehr_day_parse(minute, &b) || a == b;
}


/* Only a temporary card that stands alone: next to the card that replaces it
 * its last day is not known. */

static void
card_k7(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML1);
    const ehr_row_t      *row = claim_of(check)->xml1;
    ehr_str_t             facility, from, until;

    if (row == NULL || money_is_uninsured(check)) {
        return;
    }

    facility = ehr_value(row, EHR_XML1_MA_DKBD);
    from = ehr_value(row, EHR_XML1_GT_THE_TU);
    until = ehr_value(row, EHR_XML1_GT_THE_DEN);

    if (facility.len != EHR_FACILITY_LEN || !ehr_text_ends(facility, "000")) {
        return;
    }

    if (!is_same_day(from, ehr_value(row, EHR_XML1_NGAY_VAO))) {
        ehr_fail(check, s, row, EHR_XML1_GT_THE_TU);
    }

    if (!is_same_day(until, ehr_value(row, EHR_XML1_NGAY_RA))) {
        ehr_fail(check, s, row, EHR_XML1_GT_THE_DEN);
    }
}


static int
is_zone(ehr_str_t value)
{
    return ehr_text_in(value, "K1 K2 K3");
}


static void
card_k12(ehr_check_t *check)
{
    static const ehr_place_t   rows[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_KHUVUC }
    };
    static const ehr_places_t  places = ehr_places(rows);

    ehr_check_shape(check, &places, is_zone);
}
