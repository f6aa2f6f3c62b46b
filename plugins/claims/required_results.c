/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What results and papers must hold: XML4, and what decision 3176 added for
 * XML4, XML8, XML10, XML14 (rules R7, R10).
 */

#include <stdlib.h>

#include "money.h"


static void results_r7(ehr_check_t *check);
static void results_r10a(ehr_check_t *check);
static void results_r10b(ehr_check_t *check);
static void results_r10c(ehr_check_t *check);
static void results_r10d(ehr_check_t *check);
static void results_r10e(ehr_check_t *check);


const ehr_rule_t  claims_result_rules[] = {

    { "R7", EHR_CLASS_C,
      "XML4: có GIA_TRI thì phải có NGAY_KQ; kết quả chẩn đoán hình ảnh "
      "(MA_NHOM 2) phải có MO_TA hoặc KET_LUAN",
      "XML4: with GIA_TRI there must be NGAY_KQ; results of imaging (MA_NHOM "
      "2) must have MO_TA or KET_LUAN",
      "Đặc tả kiểm tra của Cổng tiếp nhận theo QĐ 4750", results_r7 },

    { "R10a", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML4: có GIA_TRI thì KET_LUAN thường để trống",
      "XML4: with GIA_TRI, KET_LUAN is normally empty",
      "QĐ 3176/QĐ-BYT theo phần mềm đã công bố", results_r10a },

    { "R10b", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML4: có DON_VI_DO thì thường phải có MA_CHI_SO",
      "XML4: with DON_VI_DO, MA_CHI_SO is normally filled",
      "QĐ 3176/QĐ-BYT theo phần mềm đã công bố", results_r10b },

    { "R10c", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML10: CHAN_DOAN_RV thường phải có chữ dưỡng thai",
      "XML10: CHAN_DOAN_RV normally holds the words 'dưỡng thai'",
      "QĐ 3176/QĐ-BYT theo phần mềm đã công bố", results_r10c },

    { "R10d", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML8: NGAY_SINHCON, NGAY_CONCHET, SO_CONCHET thường phải đủ cả ba hoặc "
      "để trống cả ba, và NGAY_CONCHET không trước NGAY_SINHCON",
      "XML8: NGAY_SINHCON, NGAY_CONCHET, SO_CONCHET are normally filled all "
      "or none, and NGAY_CONCHET is not before NGAY_SINHCON",
      "QĐ 3176/QĐ-BYT theo phần mềm đã công bố", results_r10d },

    { "R10e", EHR_CLASS_W | EHR_CLASS_UNSURE,
      "XML8, XML14: NGAY_CT thường không trước NGAY_RA",
      "XML8, XML14: NGAY_CT is normally not before NGAY_RA",
      "QĐ 3176/QĐ-BYT theo phần mềm đã công bố", results_r10e },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* --- results of imaging -------------------------------------------------- */


typedef struct {
    ehr_str_t  *codes;        /* ascending */
    size_t      n;
} services_t;


static int
code_order(const void *one, const void *two)
{
    const ehr_str_t  *a = one, *b = two;
    size_t            len = a->len < b->len ? a->len : b->len;
    int               order = len ? memcmp(a->data, b->data, len) : 0;

    if (order == 0 && a->len != b->len) {
        order = a->len < b->len ? -1 : 1;
    }

    return order;
}


/* Services of imaging in XML3; n is 0 without any, or without memory. */

static services_t
imaging_services(ehr_check_t *check)
{
    const claim_money_t  *money = money_of(check);
    services_t            imaging = { NULL, 0 };
    size_t                n = 0;

    for (const line_t *line = money->xml3; line < money->end; line++) {
        n += (line->group == 2);
    }

    if (n == 0) {
        return imaging;
    }

    imaging.codes = check->host->alloc(check->call, n * sizeof(ehr_str_t));
    if (imaging.codes == NULL) {
        check->is_broken = 1;

        return imaging;
    }

    for (const line_t *line = money->xml3; line < money->end; line++) {
        if (line->group == 2
            && !ehr_is_empty(line->row, EHR_XML3_MA_DICH_VU))
        {
            imaging.codes[imaging.n++] = ehr_value(line->row,
                                                   EHR_XML3_MA_DICH_VU);
        }
    }

    qsort(imaging.codes, imaging.n, sizeof(ehr_str_t), code_order);

    return imaging;
}


static int
is_without_reading(const ehr_row_t *row, const services_t *imaging)
{
    ehr_str_t  service = ehr_value(row, EHR_XML4_MA_DICH_VU);

    return imaging->n > 0 && service.len > 0
           && ehr_is_empty(row, EHR_XML4_GIA_TRI)
           && ehr_is_empty(row, EHR_XML4_MO_TA)
           && ehr_is_empty(row, EHR_XML4_KET_LUAN)
           && bsearch(&service, imaging->codes, imaging->n,
                      sizeof(ehr_str_t), code_order);
}


static void
results_r7(ehr_check_t *check)
{
    const ehr_section_t  *xml4 = ehr_section(check, EHR_SECTION_XML4);
    services_t            imaging = { NULL, 0 };

    if (xml4->nrows > 0) {
        imaging = imaging_services(check);
    }

    for (uint32_t i = 0; i < xml4->nrows; i++) {
        const ehr_row_t  *row = &xml4->rows[i];

        if (!ehr_is_empty(row, EHR_XML4_GIA_TRI)
            && ehr_is_empty(row, EHR_XML4_NGAY_KQ))
        {
            ehr_fail(check, xml4, row, EHR_XML4_NGAY_KQ);
        }

        if (is_without_reading(row, &imaging)) {
            ehr_fail(check, xml4, row, EHR_XML4_KET_LUAN);
        }
    }
}


/* --- decision 3176 ------------------------------------------------------- */


static int
is_3176(const ehr_check_t *check)
{
    return ehr_text_is(check->doc->standard, "qd3176");
}


static void
results_r10a(ehr_check_t *check)
{
    const ehr_section_t  *xml4 = ehr_section(check, EHR_SECTION_XML4);

    for (uint32_t i = 0; is_3176(check) && i < xml4->nrows; i++) {
        const ehr_row_t  *row = &xml4->rows[i];

        if (!ehr_is_empty(row, EHR_XML4_GIA_TRI)
            && !ehr_is_empty(row, EHR_XML4_KET_LUAN))
        {
            ehr_fail(check, xml4, row, EHR_XML4_KET_LUAN);
        }
    }
}


/* TEN_CHI_SO must be filled in any case: the table of fields says so. */

static void
results_r10b(ehr_check_t *check)
{
    const ehr_section_t  *xml4 = ehr_section(check, EHR_SECTION_XML4);

    for (uint32_t i = 0; is_3176(check) && i < xml4->nrows; i++) {
        const ehr_row_t  *row = &xml4->rows[i];

        if (!ehr_is_empty(row, EHR_XML4_DON_VI_DO)
            && ehr_is_empty(row, EHR_XML4_MA_CHI_SO))
        {
            ehr_fail(check, xml4, row, EHR_XML4_MA_CHI_SO);
        }
    }
}


/* The words stand there, in small or capital letters of the composed form. */

static size_t
words_match(const char *at, const char *end)
{
    static const char *const  letters[][2] = {
        { "d", "D" }, { "ư", "Ư" }, { "ỡ", "Ỡ" }, { "n", "N" },
        { "g", "G" }, { " ", " " }, { "t", "T" }, { "h", "H" },
        { "a", "A" }, { "i", "I" }
    };

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        size_t  len = strlen(letters[i][0]);

        if ((size_t) (end - at) < len
            || (memcmp(at, letters[i][0], len) != 0
                && memcmp(at, letters[i][1], len) != 0))
        {
            return 0;
        }

        at += len;
    }

    return 1;
}


static void
results_r10c(ehr_check_t *check)
{
    const ehr_row_t  *row = ehr_flat(check, EHR_SECTION_XML10);
    ehr_str_t         text;

    if (!is_3176(check) || row == NULL
        || ehr_is_empty(row, EHR_XML10_CHAN_DOAN_RV))
    {
        return;
    }

    text = ehr_value(row, EHR_XML10_CHAN_DOAN_RV);

    for (size_t i = 0; i < text.len; i++) {
        if (words_match(text.data + i, text.data + text.len)) {
            return;
        }
    }

    ehr_fail(check, ehr_section(check, EHR_SECTION_XML10), row,
             EHR_XML10_CHAN_DOAN_RV);
}


static void
results_r10d(ehr_check_t *check)
{
    static const uint32_t  fields[] = { EHR_XML8_NGAY_SINHCON,
                                        EHR_XML8_NGAY_CONCHET,
                                        EHR_XML8_SO_CONCHET };

    const ehr_section_t  *xml8 = ehr_section(check, EHR_SECTION_XML8);
    const ehr_row_t      *row = ehr_flat(check, EHR_SECTION_XML8);
    size_t                i, filled = 0;
    ehr_day_t             born, died;

    if (!is_3176(check) || row == NULL) {
        return;
    }

    for (i = 0; i < 3; i++) {
        filled += !ehr_is_empty(row, fields[i]);
    }

    for (i = 0; filled > 0 && i < 3; i++) {
        if (ehr_is_empty(row, fields[i])) {
            ehr_fail(check, xml8, row, fields[i]);
        }
    }

    if (ehr_day_parse(ehr_value(row, EHR_XML8_NGAY_SINHCON), &born)
        && ehr_day_parse(ehr_value(row, EHR_XML8_NGAY_CONCHET), &died)
        && died < born)
    {
        ehr_fail(check, xml8, row, EHR_XML8_NGAY_CONCHET);
    }
}


static void
paper_is_not_before_discharge(ehr_check_t *check, uint32_t id,
                              uint32_t field)
{
    const ehr_row_t  *row = ehr_flat(check, id);
    const ehr_row_t  *xml1 = claim_of(check)->xml1;
    ehr_day_t         paper, discharge;

    if (row && xml1
        && ehr_day_parse(ehr_value(row, field), &paper)
        && ehr_day_parse(ehr_value(xml1, EHR_XML1_NGAY_RA), &discharge)
        && paper < discharge)
    {
        ehr_fail(check, ehr_section(check, id), row, field);
    }
}


static void
results_r10e(ehr_check_t *check)
{
    if (is_3176(check)) {
        paper_is_not_before_discharge(check, EHR_SECTION_XML8,
                                      EHR_XML8_NGAY_CT);
        paper_is_not_before_discharge(check, EHR_SECTION_XML14,
                                      EHR_XML14_NGAY_CT);
    }
}
