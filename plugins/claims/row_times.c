/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Days and times of single rows: orders, performances, results, notes (rules
 * D2 to D5, D7).
 */

#include "claims.h"

#include <stdlib.h>


#define RESULT_DAYS  60     /* a result may come so long after discharge */


static void time_d2(ehr_check_t *check);
static void time_d3(ehr_check_t *check);
static void time_d4(ehr_check_t *check);
static void time_d5(ehr_check_t *check);
static void time_d7_2(ehr_check_t *check);
static void time_d7_3(ehr_check_t *check);


#define ROW_SOURCE  "QĐ 4750/QĐ-BYT, Phụ lục, XML2, XML3"
#define ROW_CHECKS  "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750"
#define ROW_HABIT   "Phần mềm kiểm tra hồ sơ QĐ 3176"


const ehr_rule_t  claims_row_time_rules[] = {

    { "D2", EHR_CLASS_W,
      "XML2, XML3: NGAY_YL nằm ngoài khoảng từ NGAY_VAO đến NGAY_RA",
      "XML2, XML3: NGAY_YL is not between NGAY_VAO and NGAY_RA",
      ROW_SOURCE, time_d2 },

    { "D3", EHR_CLASS_S,
      "XML2, XML3: NGAY_TH_YL trước NGAY_YL",
      "XML2, XML3: NGAY_TH_YL is before NGAY_YL",
      ROW_CHECKS, time_d3 },

    { "D4", EHR_CLASS_S,
      "XML3: NGAY_KQ trước NGAY_YL hoặc trước NGAY_TH_YL",
      "XML3: NGAY_KQ is before NGAY_YL or before NGAY_TH_YL",
      ROW_CHECKS, time_d4 },

    { "D5", EHR_CLASS_W,
      "XML3, XML4: NGAY_KQ sau NGAY_RA quá 60 ngày",
      "XML3, XML4: NGAY_KQ is more than 60 days behind NGAY_RA",
      ROW_SOURCE, time_d5 },

    { "D7.2", EHR_CLASS_W,
      "XML5: THOI_DIEM_DBLS nằm ngoài khoảng từ NGAY_VAO đến NGAY_RA",
      "XML5: THOI_DIEM_DBLS is not between NGAY_VAO and NGAY_RA",
      ROW_HABIT, time_d7_2 },

    { "D7.3", EHR_CLASS_W,
      "XML3: hai phẫu thuật (MA_NHOM 8) tính đủ giá (TYLE_TT_DV 100) có thời "
      "gian từ NGAY_TH_YL đến NGAY_KQ chồng nhau",
      "XML3: two operations (MA_NHOM 8) at the full price (TYLE_TT_DV 100) "
      "overlap between NGAY_TH_YL and NGAY_KQ",
      ROW_HABIT, time_d7_3 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- inside the stay (D2, D5, D7.2) -------------------------------------- */


typedef struct {
    ehr_minute_t  came;
    ehr_minute_t  left;
} stay_t;


/* 0 when its ends cannot be read or are in disorder. */

static int
stay_of(const ehr_check_t *check, stay_t *stay)
{
    const ehr_row_t  *xml1 = claim_of(check)->xml1;

    return xml1 != NULL && ehr_time(xml1, EHR_XML1_NGAY_VAO, &stay->came)
           && ehr_time(xml1, EHR_XML1_NGAY_RA, &stay->left)
           && stay->came <= stay->left;
}


static void
must_be_inside(ehr_check_t *check, const stay_t *stay, uint32_t section,
               uint32_t field)
{
    const ehr_section_t  *s = ehr_section(check, section);
    ehr_minute_t          minute;

    for (uint32_t i = 0; i < s->nrows; i++) {
        if (ehr_time(&s->rows[i], field, &minute)
            && (minute < stay->came || minute > stay->left))
        {
            ehr_fail(check, s, &s->rows[i], field);
        }
    }
}


static void
time_d2(ehr_check_t *check)
{
    stay_t  stay;

    if (stay_of(check, &stay)) {
        must_be_inside(check, &stay, EHR_SECTION_XML2, EHR_XML2_NGAY_YL);
        must_be_inside(check, &stay, EHR_SECTION_XML3, EHR_XML3_NGAY_YL);
    }
}


static void
time_d7_2(ehr_check_t *check)
{
    stay_t  stay;

    if (stay_of(check, &stay)) {
        must_be_inside(check, &stay, EHR_SECTION_XML5,
                       EHR_XML5_THOI_DIEM_DBLS);
    }
}


/* Only too late: a result before its order is told by D4. */

static void
time_d5(ehr_check_t *check)
{
    stay_t  stay;

    if (!stay_of(check, &stay)) {
        return;
    }

    stay.came = INT64_MIN;
    stay.left += (ehr_minute_t) RESULT_DAYS * EHR_DAY_MINUTES;

    must_be_inside(check, &stay, EHR_SECTION_XML3, EHR_XML3_NGAY_KQ);
    must_be_inside(check, &stay, EHR_SECTION_XML4, EHR_XML4_NGAY_KQ);
}


/* --- order inside a row (D3, D4) ----------------------------------------- */


static int
is_before(const ehr_row_t *row, uint32_t field, uint32_t other)
{
    ehr_minute_t  minute, bound;

    return ehr_time(row, field, &minute) && ehr_time(row, other, &bound)
           && minute < bound;
}


static void
time_d3(ehr_check_t *check)
{
    static const struct {
        uint32_t  section;
        uint32_t  done;
        uint32_t  ordered;
    } tables[] = {
        { EHR_SECTION_XML2, EHR_XML2_NGAY_TH_YL, EHR_XML2_NGAY_YL },
        { EHR_SECTION_XML3, EHR_XML3_NGAY_TH_YL, EHR_XML3_NGAY_YL }
    };

    for (size_t n = 0; n < sizeof(tables) / sizeof(tables[0]); n++) {
        const ehr_section_t  *s = ehr_section(check, tables[n].section);

        for (uint32_t i = 0; i < s->nrows; i++) {
            if (is_before(&s->rows[i], tables[n].done, tables[n].ordered)) {
                ehr_fail(check, s, &s->rows[i], tables[n].done);
            }
        }
    }
}


static void
time_d4(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML3);

    for (uint32_t i = 0; i < s->nrows; i++) {
        const ehr_row_t  *row = &s->rows[i];

        if (is_before(row, EHR_XML3_NGAY_KQ, EHR_XML3_NGAY_YL)
            || is_before(row, EHR_XML3_NGAY_KQ, EHR_XML3_NGAY_TH_YL))
        {
            ehr_fail(check, s, row, EHR_XML3_NGAY_KQ);
        }
    }
}


/* --- operations (D7.3) --------------------------------------------------- */


typedef struct {
    ehr_minute_t      begin;
    ehr_minute_t      end;
    const ehr_row_t  *row;
} operation_t;


static int
operation_order(const void *a, const void *b)
{
    const operation_t  *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}


static int
operation_read(const ehr_row_t *row, operation_t *op)
{
    op->row = row;

    return ehr_text_is(ehr_value(row, EHR_XML3_MA_NHOM), "8")
           && ehr_text_is(ehr_value(row, EHR_XML3_TYLE_TT_DV), "100")
           && ehr_time(row, EHR_XML3_NGAY_TH_YL, &op->begin)
           && ehr_time(row, EHR_XML3_NGAY_KQ, &op->end);
}


/* Those of one operation are priced lower from the second on (M6), so two at
 * the full price were two times. */

static void
time_d7_3(ehr_check_t *check)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_XML3);
    operation_t          *ops, op;
    ehr_minute_t          end = INT64_MIN;
    size_t                n = 0, most = 0;

    for (uint32_t i = 0; i < s->nrows; i++) {
        most += operation_read(&s->rows[i], &op);
    }

    if (most < 2) {
        return;
    }

    ops = check->host->alloc(check->call, most * sizeof(operation_t));
    if (ops == NULL) {
        check->is_broken = 1;

        return;
    }

    for (uint32_t i = 0; i < s->nrows; i++) {
        if (operation_read(&s->rows[i], &op)) {
            ops[n++] = op;
        }
    }

    qsort(ops, n, sizeof(operation_t), operation_order);

    for (size_t i = 0; i < n; i++) {
        if (ops[i].begin < end) {
            ehr_fail(check, s, ops[i].row, EHR_XML3_NGAY_TH_YL);
        }

        end = ops[i].end > end ? ops[i].end : end;
    }
}
