/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What sections of a claim say of each other, and how their rows are
 * numbered (rules L2 to L14).
 */

#include "claims.h"


static void link_l2(ehr_check_t *check);


const ehr_rule_t  claims_link_rules[] = {

    { "L2", EHR_CLASS_S,
      "STT của mỗi bảng phải tăng dần từ 1, mỗi dòng thêm 1",
      "STT of each table must count the rows: 1, 2, 3 ...",
      "QĐ 4750/QĐ-BYT, Phụ lục", link_l2 },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


/* One word a table is enough: after a slip all rows are off. */

static void
link_l2_rows(ehr_check_t *check, const ehr_section_t *section, uint32_t stt)
{
    ehr_decimal_t  number;

    for (uint32_t i = 0; i < section->nrows; i++) {
        const ehr_row_t  *row = &section->rows[i];

        if (ehr_number(row, stt, &number)
            && number != (ehr_decimal_t) (i + 1) * EHR_DECIMAL_ONE)
        {
            ehr_fail(check, section, row, stt);

            return;
        }
    }
}


static void
link_l2(ehr_check_t *check)
{
    static const struct {
        uint32_t  section;
        uint32_t  stt;
    } tables[] = {
        { EHR_SECTION_XML2, EHR_XML2_STT },
        { EHR_SECTION_XML3, EHR_XML3_STT },
        { EHR_SECTION_XML4, EHR_XML4_STT },
        { EHR_SECTION_XML5, EHR_XML5_STT }
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        link_l2_rows(check, ehr_section(check, tables[i].section),
                     tables[i].stt);
    }
}
