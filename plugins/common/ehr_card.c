/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance card of a visit: its form, its days, and what must stand
 * beside it (rules K1 to K11, ID15, ID16); the form of cards in other papers.
 * Whether a card exists is known to the insurer only.
 */

#include "ehr_person.h"

#include "ehr_shape.h"


#define CARD_DIGITS  2       /* where its digits begin: behind the object */
#define CARD_MAX     32      /* of a card with signs between */


static void card_k1(ehr_check_t *check);
static void card_k5(ehr_check_t *check);
static void card_k6(ehr_check_t *check);
static void card_k8(ehr_check_t *check);
static void card_k9(ehr_check_t *check);
static void card_k10(ehr_check_t *check);
static void card_k11(ehr_check_t *check);
static void card_id15(ehr_check_t *check);
static void card_id16(ehr_check_t *check);


#define CARD_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục, XML1"


const ehr_rule_t  ehr_card_rules[] = {

    { "K1", EHR_CLASS_S,
      "Mã thẻ BHYT phải có 15 ký tự: 2 chữ hoa, 1 chữ số từ 1 đến 5, 2 chữ "
      "số mã tỉnh, 10 chữ số mã số BHXH",
      "An insurance card has 15 characters: 2 capital letters, a digit from "
      "1 to 5, 2 digits of the province, 10 of the social-insurance number",
      CARD_SOURCE "; CV 1923/BHXH-CNTT; mã chặn 17", card_k1 },

    { "K5", EHR_CLASS_C,
      "GT_THE_TU và GT_THE_DEN gồm các ngày 8 chữ số, và GT_THE_TU không "
      "sau GT_THE_DEN",
      "GT_THE_TU and GT_THE_DEN are days of 8 digits, and GT_THE_TU is not "
      "behind GT_THE_DEN",
      "Mã chặn 18, 19", card_k5 },

    { "K6", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Không thẻ nào có giá trị vào ngày NGAY_VAO",
      "No card is valid on the day of NGAY_VAO",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", card_k6 },

    { "K8", EHR_CLASS_C,
      "MA_DKBD là mã tỉnh + 000 thì MA_THE_BHYT phải là thẻ tạm TE1 (HG4 "
      "với người hiến tạng) của cùng tỉnh",
      "MA_DKBD of province + 000 goes with a temporary card TE1 (HG4 of a "
      "donor) of the same province",
      CARD_SOURCE, card_k8 },

    { "K9", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "GT_THE_DEN chỉ được để trống với thẻ QN, HC, LS, XK, CY, CA",
      "GT_THE_DEN may be empty only with cards QN, HC, LS, XK, CY, CA",
      CARD_SOURCE, card_k9 },

    { "K10", EHR_CLASS_C,
      "MA_DOITUONG_KCB là 9 (không khám BHYT) thì MA_THE_BHYT, MA_DKBD, "
      "GT_THE_TU, GT_THE_DEN phải để trống",
      "With MA_DOITUONG_KCB 9 (not insured) MA_THE_BHYT, MA_DKBD, GT_THE_TU, "
      "GT_THE_DEN must be empty",
      CARD_SOURCE, card_k10 },

    { "K11", EHR_CLASS_C | EHR_CLASS_UNSURE,
      "Có MA_THE_BHYT thì phải có MA_DKBD và GT_THE_TU",
      "With MA_THE_BHYT there must be MA_DKBD and GT_THE_TU",
      "Phần mềm kiểm tra hồ sơ QĐ 3176", card_k11 },

    { "ID15", EHR_CLASS_C,
      "Mã thẻ BHYT viết sai ký tự: chữ thường, chữ O thay số 0, chữ I thay "
      "số 1, hoặc có dấu xen giữa",
      "The insurance card is misspelt: small letters, O for 0, I for 1, or "
      "signs between",
      "Lỗi thường gặp khi làm sạch dữ liệu định danh", card_id15 },

    { "ID16", EHR_CLASS_C,
      "Mọi thẻ đã hết hạn trước ngày NGAY_VAO",
      "Every card ended before the day of NGAY_VAO",
      "Lỗi thường gặp khi làm sạch dữ liệu định danh", card_id16 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


typedef struct {
    ehr_check_t          *check;
    const ehr_card_t     *fields;
    const ehr_section_t  *section;
    const ehr_row_t      *row;
} card_at_t;

typedef void (*card_rule_f)(const card_at_t *at);


static ehr_str_t
card_text(const card_at_t *at, uint32_t field)
{
    return ehr_value(at->row, field);
}


static int
is_uninsured(const card_at_t *at)
{
    return ehr_text_is(card_text(at, at->fields->kind), "9");
}


/* Where there must be no card nothing but K10 speaks of it. */

static void
cards_each_of(ehr_check_t *check, card_rule_f rule, int uninsured)
{
    const ehr_subject_t  *subject = check->data;
    card_at_t             at = { check, subject->card, NULL, NULL };

    if (at.fields == NULL) {
        return;
    }

    at.section = ehr_section(check, at.fields->section);

    for (uint32_t i = 0; i < at.section->nrows; i++) {
        at.row = &at.section->rows[i];

        if (is_uninsured(&at) == uninsured) {
            rule(&at);
        }
    }
}


static void
cards_each(ehr_check_t *check, card_rule_f rule)
{
    cards_each_of(check, rule, 0);
}


static void
card_fail(const card_at_t *at, uint32_t field)
{
    ehr_fail(at->check, at->section, at->row, field);
}


/* --- form ---------------------------------------------------------------- */


static char
card_letter(char c, size_t place)
{
    if (place < CARD_DIGITS) {
        return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
    }

    if (c == 'O' || c == 'o') {
        return '0';
    }

    return c == 'I' || c == 'i' || c == 'l' ? '1' : c;
}


/* Wrong as it stands, and right once it is spelt as it was meant. */

static int
is_misspelt(ehr_str_t card)
{
    char       text[CARD_MAX];
    ehr_str_t  meant = { text, 0 };

    if (ehr_is_card(card) || card.len > CARD_MAX) {
        return 0;
    }

    for (size_t i = 0; i < card.len; i++) {
        char  c = card.data[i];

        if (!ehr_is_blank(c) && c != '-' && c != '.') {
            text[meant.len] = card_letter(c, meant.len);
            meant.len++;
        }
    }

    return ehr_is_card(meant);
}


/* What is wrong with it. */

enum {
    CARD_FORMLESS = 1,        /* beyond spelling */
    CARD_MISSPELT = 2
};


static int
card_fault(ehr_str_t card)
{
    card = ehr_text_trim(card);

    if (is_misspelt(card)) {
        return CARD_MISSPELT;
    }

    return ehr_is_card(card) ? 0 : CARD_FORMLESS;
}


/* A list that falls into wrong parts is told by F5. */

static int
cards_fault(ehr_str_t cards)
{
    ehr_list_t  list = ehr_list(cards, ';');
    ehr_str_t   card;
    int         fault = 0;

    while (ehr_list_next(&list, &card)) {
        if (card.len > 0 && memchr(card.data, ',', card.len) == NULL) {
            fault |= card_fault(card);
        }
    }

    return fault;
}


static int
value_fault(ehr_str_t value, uint32_t is_list)
{
    if (value.len == 0) {
        return 0;
    }

    return is_list ? cards_fault(value) : card_fault(value);
}


static void
at_k1(const card_at_t *at)
{
    if (value_fault(card_text(at, at->fields->card), at->fields->is_list)
        & CARD_FORMLESS)
    {
        card_fail(at, at->fields->card);
    }
}


static void
at_id15(const card_at_t *at)
{
    if (value_fault(card_text(at, at->fields->card), at->fields->is_list)
        & CARD_MISSPELT)
    {
        card_fail(at, at->fields->card);
    }
}


/* The same text stands in the visit: it is wrong once. */

static int
is_of_visit(const ehr_check_t *check, ehr_str_t value)
{
    const ehr_subject_t  *subject = check->data;
    const ehr_card_t     *fields = subject->card;
    const ehr_section_t  *s = ehr_section(check, fields->section);

    for (uint32_t i = 0; i < s->nrows; i++) {
        if (ehr_text_eq(value, ehr_value(&s->rows[i], fields->card))) {
            return 1;
        }
    }

    return 0;
}


static void
paper_form(ehr_check_t *check, const ehr_paper_card_t *paper, int fault)
{
    const ehr_section_t  *s = ehr_section(check, paper->section);

    for (uint32_t i = 0; i < s->nrows; i++) {
        ehr_str_t  value = ehr_value(&s->rows[i], paper->card);

        if ((value_fault(value, paper->is_list) & fault)
            && !is_of_visit(check, value))
        {
            ehr_fail(check, s, &s->rows[i], paper->card);
        }
    }
}


static void
papers_form(ehr_check_t *check, int fault)
{
    const ehr_subject_t  *subject = check->data;

    for (size_t i = 0; i < subject->npapers; i++) {
        paper_form(check, &subject->papers[i], fault);
    }
}


static void
card_k1(ehr_check_t *check)
{
    cards_each(check, at_k1);
    papers_form(check, CARD_FORMLESS);
}


static void
card_id15(ehr_check_t *check)
{
    cards_each(check, at_id15);
    papers_form(check, CARD_MISSPELT);
}


/* --- days ---------------------------------------------------------------- */


/* Parts are days or empty. */

static int
are_days(ehr_str_t days)
{
    ehr_list_t  list = ehr_list(days, ';');
    ehr_str_t   part;
    ehr_day_t   day;

    while (ehr_list_next(&list, &part)) {
        part = ehr_text_trim(part);

        if (part.len > 0
            && (!ehr_is_digits(part, 8) || !ehr_day_parse(part, &day)))
        {
            return 0;
        }
    }

    return 1;
}


static int
part_day(ehr_str_t part, ehr_day_t *day)
{
    return ehr_day_parse(ehr_text_trim(part), day);
}


static int
are_in_order(ehr_str_t from, ehr_str_t until)
{
    ehr_list_t  from_list = ehr_list(from, ';');
    ehr_list_t  until_list = ehr_list(until, ';');
    ehr_str_t   first, last;
    ehr_day_t   first_day, last_day;

    while (ehr_list_next(&from_list, &first)
           && ehr_list_next(&until_list, &last))
    {
        if (part_day(first, &first_day) && part_day(last, &last_day)
            && first_day > last_day)
        {
            return 0;
        }
    }

    return 1;
}


/* The form of a single day is the field table's. */

static void
at_k5(const card_at_t *at)
{
    ehr_str_t  from = card_text(at, at->fields->from);
    ehr_str_t  until = card_text(at, at->fields->until);
    int        is_from = are_days(from), is_until = are_days(until);

    if (!is_from && at->fields->is_list) {
        card_fail(at, at->fields->from);
    }

    if (!is_until && at->fields->is_list) {
        card_fail(at, at->fields->until);
    }

    if (is_from && is_until && !are_in_order(from, until)) {
        card_fail(at, at->fields->until);
    }
}


static void
card_k5(ehr_check_t *check)
{
    cards_each(check, at_k5);
}


/* How the cards stand to the day of arrival. */

typedef enum {
    CARDS_UNKNOWN,
    CARDS_COVER,
    CARDS_OTHER,          /* before, with a gap, or later */
    CARDS_ENDED           /* all before */
} cards_cover_e;


static cards_cover_e
cards_cover(const card_at_t *at)
{
    ehr_list_t  from_list = ehr_list(card_text(at, at->fields->from), ';');
    ehr_list_t  until_list = ehr_list(card_text(at, at->fields->until), ';');
    ehr_day_t   arrival, first, last;
    ehr_str_t   from, until;
    int         n = 0, ended = 0;

    if (!ehr_day_parse(card_text(at, at->fields->arrival), &arrival)) {
        return CARDS_UNKNOWN;
    }

    while (ehr_list_next(&from_list, &from)
           && ehr_list_next(&until_list, &until))
    {
        if (!part_day(from, &first) || !part_day(until, &last)) {
            return CARDS_UNKNOWN;
        }

        if (first <= arrival && arrival <= last) {
            return CARDS_COVER;
        }

        n++;
        ended += last < arrival;
    }

    if (n == 0) {
        return CARDS_UNKNOWN;
    }

    return ended == n ? CARDS_ENDED : CARDS_OTHER;
}


static void
at_k6(const card_at_t *at)
{
    if (cards_cover(at) == CARDS_OTHER) {
        card_fail(at, at->fields->from);
    }
}


static void
card_k6(ehr_check_t *check)
{
    cards_each(check, at_k6);
}


static void
at_id16(const card_at_t *at)
{
    if (cards_cover(at) == CARDS_ENDED) {
        card_fail(at, at->fields->until);
    }
}


static void
card_id16(ehr_check_t *check)
{
    cards_each(check, at_id16);
}


/* --- what stands beside -------------------------------------------------- */


static int
is_temporary(ehr_str_t card, ehr_str_t facility)
{
    return (ehr_text_begins(card, "TE1") || ehr_text_begins(card, "HG4"))
           && memcmp(card.data + 3, facility.data, 2) == 0;
}


/* Only cards of a right form: the rest is told by K1. */

static void
at_k8(const card_at_t *at)
{
    ehr_list_t  cards = ehr_list(card_text(at, at->fields->card), ';');
    ehr_list_t  facilities = ehr_list(card_text(at, at->fields->facility),
                                      ';');
    ehr_str_t   card, facility;

    while (ehr_list_next(&cards, &card)
           && ehr_list_next(&facilities, &facility))
    {
        if (ehr_is_card(card) && facility.len == EHR_FACILITY_LEN
            && ehr_text_ends(facility, "000")
            && !is_temporary(card, facility))
        {
            card_fail(at, at->fields->facility);

            return;
        }
    }
}


static void
card_k8(ehr_check_t *check)
{
    cards_each(check, at_k8);
}


static int
may_be_endless(ehr_str_t card)
{
    ehr_str_t  object = { card.data, 2 };

    return card.len >= object.len && ehr_text_in(object, "QN HC LS XK CY CA");
}


/* A list that is shorter is told by K4, one with an empty card by F5. */

static void
at_k9(const card_at_t *at)
{
    ehr_str_t   days = card_text(at, at->fields->until), card, until;
    ehr_list_t  cards = ehr_list(card_text(at, at->fields->card), ';');
    ehr_list_t  untils = ehr_list(days, ';');

    while (ehr_list_next(&cards, &card)) {
        if (!ehr_list_next(&untils, &until) && days.len > 0) {
            return;
        }

        if (until.len == 0 && card.len > 0
            && !may_be_endless(ehr_text_trim(card)))
        {
            card_fail(at, at->fields->until);

            return;
        }
    }
}


static void
card_k9(ehr_check_t *check)
{
    cards_each(check, at_k9);
}


static void
at_k10(const card_at_t *at)
{
    const uint32_t  fields[] = { at->fields->card, at->fields->facility,
                                 at->fields->from, at->fields->until };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!ehr_is_empty(at->row, fields[i])) {
            card_fail(at, fields[i]);
        }
    }
}


static void
card_k10(ehr_check_t *check)
{
    cards_each_of(check, at_k10, 1);
}


static void
at_k11(const card_at_t *at)
{
    if (ehr_is_empty(at->row, at->fields->card)) {
        return;
    }

    if (ehr_is_empty(at->row, at->fields->facility)) {
        card_fail(at, at->fields->facility);
    }

    if (ehr_is_empty(at->row, at->fields->from)) {
        card_fail(at, at->fields->from);
    }
}


static void
card_k11(ehr_check_t *check)
{
    cards_each(check, at_k11);
}
