/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Citizens' numbers and what stands beside them (rules ID02 to ID19).  A
 * number is never used to change or fill in anything else: registers hold
 * corrected sexes and mistaken birthdays, so most of this only warns.
 */

#include "ehr_person.h"

#include "ehr_province.h"
#include "ehr_shape.h"


#define ADULT_AGE     14    /* a card for every citizen from that age */
#define AGE_MAX       120
#define NEW_ISSUER    20240701    /* the Ministry issues, to children too */


/* One person in one row. */

typedef struct {
    const ehr_person_t  *fields;
    const ehr_row_t     *row;
    ehr_day_t            today;
} person_at_t;

/* The field that is wrong, or EHR_NO_FIELD. */
typedef uint32_t (*person_rule_f)(const person_at_t *at);


static void person_id02(ehr_check_t *check);
static void person_id03(ehr_check_t *check);
static void person_id05(ehr_check_t *check);
static void person_id06(ehr_check_t *check);
static void person_id07(ehr_check_t *check);
static void person_id08(ehr_check_t *check);
static void person_id09(ehr_check_t *check);
static void person_id11(ehr_check_t *check);
static void person_id12(ehr_check_t *check);
static void person_id13(ehr_check_t *check);
static void person_id18(ehr_check_t *check);
static void person_id19(ehr_check_t *check);


#define PERSON_SOURCE  "Thông tư 59/2021/TT-BCA, cấu trúc số định danh"
#define PERSON_HABIT   "Lỗi thường gặp khi làm sạch dữ liệu định danh"


const ehr_rule_t  ehr_person_rules[] = {

    { "ID02", EHR_CLASS_W,
      "Số giấy tờ có khoảng trắng, dấu hoặc chữ xen giữa; bỏ đi thì thành "
      "một số đúng dạng",
      "The number has spaces, signs or letters inside; without them it has a "
      "right form",
      PERSON_HABIT, person_id02 },

    { "ID03", EHR_CLASS_C,
      "Số căn cước chỉ có 11 chữ số; có thể đã mất số 0 ở đầu khi qua bảng "
      "tính",
      "The citizen's number has only 11 digits; a spreadsheet may have lost "
      "its first 0",
      PERSON_HABIT, person_id03 },

    { "ID05", EHR_CLASS_W,
      "Ba số đầu của số căn cước không phải mã tỉnh nào đã biết",
      "The first three digits of the citizen's number are no known province",
      PERSON_SOURCE, person_id05 },

    { "ID06", EHR_CLASS_W,
      "Chữ số thứ tư của số căn cước không khớp giới tính",
      "The fourth digit of the citizen's number does not agree with the sex",
      PERSON_SOURCE, person_id06 },

    { "ID07", EHR_CLASS_W,
      "Các chữ số thứ tư đến thứ sáu của số căn cước không khớp năm sinh",
      "The fourth to sixth digits of the citizen's number do not agree with "
      "the year of birth",
      PERSON_SOURCE, person_id07 },

    { "ID08", EHR_CLASS_W,
      "Họ tên có chữ số, dấu hỏi hoặc hai khoảng trắng liền nhau",
      "The name has digits, question marks or two spaces in a row",
      PERSON_HABIT, person_id08 },

    { "ID09", EHR_CLASS_W,
      "Trẻ dưới 14 tuổi mang số căn cước của người lớn; có thể là số của "
      "người giám hộ",
      "A child under 14 has the number of an adult, perhaps the guardian's",
      PERSON_HABIT, person_id09 },

    { "ID11", EHR_CLASS_C,
      "Số giấy tờ là số giả (cùng một chữ số, hoặc các số liên tiếp)",
      "The number is made up (one digit throughout, or digits in a row)",
      PERSON_HABIT, person_id11 },

    { "ID18", EHR_CLASS_W,
      "Ngày sinh không thể có: sau ngày của hồ sơ, quá 120 tuổi, hoặc là "
      "ngày điền thay 01/01/1900",
      "The day of birth is impossible: behind the document's day, more than "
      "120 years before it, or the stand-in 01/01/1900",
      PERSON_HABIT, person_id18 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


const ehr_rule_t  ehr_person_paper_rules[] = {

    { "ID12", EHR_CLASS_W,
      "Ngày cấp căn cước bị thiếu, ở tương lai, hoặc trước khi đủ 14 tuổi "
      "(cấp trước 01/07/2024)",
      "The citizen's card has no day of issue, one in the future, or one "
      "before the age of 14 (issued before 01/07/2024)",
      "Luật Căn cước 26/2023/QH15; " PERSON_HABIT, person_id12 },

    { "ID13", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "Nơi cấp căn cước không hợp với ngày cấp: Bộ Công an cấp từ "
      "01/07/2024, Cục Cảnh sát QLHC về TTXH trước ngày đó",
      "The issuer of the citizen's card does not go with its day: the "
      "Ministry of Public Security from 01/07/2024, its department before",
      "Luật Căn cước 26/2023/QH15", person_id13 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


const ehr_rule_t  ehr_person_nation_rules[] = {

    { "ID19", EHR_CLASS_W,
      "Loại số giấy tờ không hợp với quốc tịch: hộ chiếu cho công dân Việt "
      "Nam, hoặc số căn cước cho quốc tịch khác",
      "The kind of number does not go with the nationality: a passport for a "
      "Vietnamese, or a citizen's number for a foreigner",
      PERSON_HABIT, person_id19 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- one person ---------------------------------------------------------- */


static ehr_str_t
person_text(const person_at_t *at, uint32_t field)
{
    static const ehr_str_t  none = ehr_null_string;

    return field == EHR_NO_FIELD ? none : ehr_value(at->row, field);
}


static ehr_str_t
person_number(const person_at_t *at)
{
    return person_text(at, at->fields->number);
}


static int
has_citizen_number(const person_at_t *at)
{
    return ehr_id_form(person_number(at)) == EHR_ID_CITIZEN;
}


static uint32_t
wrong_form(const person_at_t *at, ehr_id_form_e form)
{
    return ehr_id_form(person_number(at)) == form ? at->fields->number
                                                  : EHR_NO_FIELD;
}


/* Of a citizen's number. */

static uint32_t
number_year(ehr_str_t number)
{
    const char  *d = number.data;

    return 1900 + 100 * (uint32_t) ((d[3] - '0') / 2)
           + 10 * (uint32_t) (d[4] - '0') + (uint32_t) (d[5] - '0');
}


/* The day the age counts for. */

static ehr_day_t
person_event(const person_at_t *at)
{
    ehr_day_t  day;

    return ehr_person_day(person_text(at, at->fields->day), &day) ? day
                                                                  : at->today;
}


static uint32_t
person_birth_year(const person_at_t *at)
{
    return ehr_person_year(person_text(at, at->fields->birth));
}


/* Of a child's record: the number is that of somebody 14 years older. */

static int
is_guardians(const person_at_t *at)
{
    uint32_t  born = person_birth_year(at);
    uint32_t  year = ehr_day_number(person_event(at)) / 10000;

    return born > 0 && born <= year && year - born <= ADULT_AGE
           && number_year(person_number(at)) + ADULT_AGE <= born;
}


static void
people_each(ehr_check_t *check, person_rule_f rule)
{
    const ehr_subject_t  *subject = check->data;

    for (size_t n = 0; n < subject->npeople; n++) {
        const ehr_person_t   *person = &subject->people[n];
        const ehr_section_t  *s = ehr_section(check, person->section);

        for (uint32_t i = 0; i < s->nrows; i++) {
            person_at_t  at = { person, &s->rows[i], subject->today };
            uint32_t     field = rule(&at);

            if (field != EHR_NO_FIELD) {
                ehr_fail(check, s, at.row, field);
            }
        }
    }
}


/* --- rules --------------------------------------------------------------- */


static uint32_t
wrong_id02(const person_at_t *at)
{
    return wrong_form(at, EHR_ID_SPOILED);
}


static void
person_id02(ehr_check_t *check)
{
    people_each(check, wrong_id02);
}


static uint32_t
wrong_id03(const person_at_t *at)
{
    return wrong_form(at, EHR_ID_SHORT);
}


static void
person_id03(ehr_check_t *check)
{
    people_each(check, wrong_id03);
}


static uint32_t
wrong_id05(const person_at_t *at)
{
    if (has_citizen_number(at)
        && !ehr_province_is_prefix(person_number(at)))
    {
        return at->fields->number;
    }

    return EHR_NO_FIELD;
}


static void
person_id05(ehr_check_t *check)
{
    people_each(check, wrong_id05);
}


/* A sex that is undetermined or not told proves nothing. */

static uint32_t
wrong_id06(const person_at_t *at)
{
    ehr_str_t    sex = person_text(at, at->fields->sex);
    const char  *sexes = at->fields->sexes;
    int          is_female;

    if (sex.len != 1 || sexes == NULL || !has_citizen_number(at)
        || (sex.data[0] != sexes[0] && sex.data[0] != sexes[1]))
    {
        return EHR_NO_FIELD;
    }

    is_female = (person_number(at).data[3] - '0') % 2;

    return sex.data[0] == sexes[is_female] ? EHR_NO_FIELD
                                           : at->fields->number;
}


static void
person_id06(ehr_check_t *check)
{
    people_each(check, wrong_id06);
}


static uint32_t
wrong_id07(const person_at_t *at)
{
    uint32_t  born = person_birth_year(at);

    if (born == 0 || !has_citizen_number(at) || is_guardians(at)
        || number_year(person_number(at)) == born)
    {
        return EHR_NO_FIELD;
    }

    return at->fields->number;
}


static void
person_id07(ehr_check_t *check)
{
    people_each(check, wrong_id07);
}


/* A question mark is what a conversion leaves of a Vietnamese letter. */

static uint32_t
wrong_id08(const person_at_t *at)
{
    ehr_str_t  name = person_text(at, at->fields->name);

    for (size_t i = 0; i < name.len; i++) {
        if (ehr_is_digit(name.data[i]) || name.data[i] == '?'
            || (i > 0 && ehr_is_blank(name.data[i])
                && ehr_is_blank(name.data[i - 1])))
        {
            return at->fields->name;
        }
    }

    return EHR_NO_FIELD;
}


static void
person_id08(ehr_check_t *check)
{
    people_each(check, wrong_id08);
}


static uint32_t
wrong_id09(const person_at_t *at)
{
    return has_citizen_number(at) && is_guardians(at) ? at->fields->number
                                                      : EHR_NO_FIELD;
}


static void
person_id09(ehr_check_t *check)
{
    people_each(check, wrong_id09);
}


static uint32_t
wrong_id11(const person_at_t *at)
{
    return wrong_form(at, EHR_ID_DUMMY);
}


static void
person_id11(ehr_check_t *check)
{
    people_each(check, wrong_id11);
}


static int
is_too_young(const person_at_t *at, ehr_day_t issued)
{
    ehr_day_t  birth;

    return ehr_day_number(issued) < NEW_ISSUER
           && ehr_person_day(person_text(at, at->fields->birth), &birth)
           && ehr_day_age(birth, issued) < ADULT_AGE;
}


static uint32_t
wrong_id12(const person_at_t *at)
{
    uint32_t   field = at->fields->issued;
    ehr_str_t  text = person_text(at, field);
    ehr_day_t  issued;

    if (field == EHR_NO_FIELD || !has_citizen_number(at)) {
        return EHR_NO_FIELD;
    }

    if (text.len == 0) {
        return field;
    }

    if (!ehr_person_day(text, &issued)) {
        return EHR_NO_FIELD;
    }

    return issued > at->today || is_too_young(at, issued) ? field
                                                          : EHR_NO_FIELD;
}


static void
person_id12(ehr_check_t *check)
{
    people_each(check, wrong_id12);
}


static int
is_ministry(ehr_str_t issuer)
{
    return ehr_text_is(issuer, "Bộ Công an")
           || ehr_text_is(issuer, "Bộ Công An")
           || ehr_text_is(issuer, "Bộ công an")
           || ehr_text_is(issuer, "BỘ CÔNG AN");
}


static int
is_department(ehr_str_t issuer)
{
    return ehr_text_begins(issuer, "Cục ") || ehr_text_begins(issuer, "CỤC ")
           || ehr_text_begins(issuer, "cục ")
           || ehr_text_begins(issuer, "CCS");
}


/* An issuer in other words is left alone: only the usual two are known. */

static uint32_t
wrong_id13(const person_at_t *at)
{
    ehr_str_t  issuer = person_text(at, at->fields->issuer);
    ehr_day_t  issued;
    int        is_new;

    if (at->fields->issuer == EHR_NO_FIELD || !has_citizen_number(at)) {
        return EHR_NO_FIELD;
    }

    if (issuer.len == 0) {
        return at->fields->issuer;
    }

    if (!ehr_person_day(person_text(at, at->fields->issued), &issued)) {
        return EHR_NO_FIELD;
    }

    is_new = ehr_day_number(issued) >= NEW_ISSUER;

    return (is_new ? is_department(issuer) : is_ministry(issuer))
           ? at->fields->issuer : EHR_NO_FIELD;
}


static void
person_id13(ehr_check_t *check)
{
    people_each(check, wrong_id13);
}


/* Where only the year is known the year is compared. */

static uint32_t
wrong_id18(const person_at_t *at)
{
    ehr_str_t  text = person_text(at, at->fields->birth);
    ehr_day_t  birth, event = person_event(at);
    uint32_t   born = ehr_person_year(text);
    uint32_t   year = ehr_day_number(event) / 10000;

    if (born == 0) {
        return EHR_NO_FIELD;
    }

    if (!ehr_person_day(text, &birth)) {
        return born > year || year - born > AGE_MAX ? at->fields->birth
                                                    : EHR_NO_FIELD;
    }

    return birth > event || ehr_day_age(birth, event) > AGE_MAX
           || ehr_day_number(birth) == 19000101 ? at->fields->birth
                                                : EHR_NO_FIELD;
}


static void
person_id18(ehr_check_t *check)
{
    people_each(check, wrong_id18);
}


static uint32_t
wrong_id19(const person_at_t *at)
{
    ehr_str_t      nation = person_text(at, at->fields->nationality);
    ehr_id_form_e  form = ehr_id_form(person_number(at));
    int            is_ours = ehr_text_is(nation, "000");

    if (nation.len == 0) {
        return EHR_NO_FIELD;
    }

    return (is_ours ? form == EHR_ID_PASSPORT : form == EHR_ID_CITIZEN)
           ? at->fields->number : EHR_NO_FIELD;
}


static void
person_id19(ehr_check_t *check)
{
    people_each(check, wrong_id19);
}
