/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads a document and holds it against the contract of ehr_document.h: what
 * is accepted has no error, what is refused says why, every row of the record
 * set can be read to its last byte.
 */

#include <stdio.h>

#include <openssl/evp.h>

#include "document.h"
#include "ehr_fields.h"


int
fuzz_form(ehr_str_t content)
{
    return content.len && content.data[0] == '{' ? EHR_CONTENT_JSON
                                                 : EHR_CONTENT_XML;
}


/* --- what must hold ------------------------------------------------------ */


static void
check_row(const ehr_section_t *section, const ehr_row_t *row)
{
    volatile char  last;

    for (uint32_t i = 0; i < section->nfields; i++) {
        ehr_str_t  value = row->values[i];

        fuzz_check(value.data != NULL || value.len == 0);

        if (value.len) {
            last = value.data[0];
            last = value.data[value.len - 1];
            (void) last;
        }
    }
}


static void
check_sections(const ehr_document_t *doc)
{
    for (uint32_t id = 0; id < EHR_SECTION_LAST; id++) {
        const ehr_section_t  *section = &doc->sections[id];

        fuzz_check(section->nrows == 0
                   || (section->flags & EHR_SECTION_PRESENT));

        for (uint32_t i = 0; i < section->nrows; i++) {
            check_row(section, &section->rows[i]);
        }
    }
}


static void
check_problem(const ehr_document_t *doc, ehr_arena_t *arena)
{
    ehr_problem_view_t  view;

    memset(&view, 0, sizeof(view));
    view.problem = doc->problem;
    view.detail = doc->detail[EHR_LANG_VI];
    view.findings = &doc->findings;

    fuzz_check_json(ehr_problem_render(&view, arena));
}


void
fuzz_check_document(ehr_rc_t rc, const ehr_document_t *doc,
                    ehr_arena_t *arena)
{
    fuzz_check(rc == EHR_OK || rc == EHR_REFUSED);
    fuzz_check(doc->kind < EHR_KIND_LAST);

    fuzz_check_findings(&doc->findings, arena);

    if (rc == EHR_OK) {
        fuzz_check(doc->problem == EHR_PROBLEM_NONE);
        fuzz_check(doc->findings.nerrors == 0);
        fuzz_check(doc->kind != EHR_KIND_UNKNOWN);
        fuzz_check(doc->business_key.len > 0
                   || (doc->kind != EHR_KIND_CLAIM
                       && doc->kind != EHR_KIND_CHECKIN));

    } else {
        fuzz_check(doc->problem > EHR_PROBLEM_NONE
                   && doc->problem < EHR_PROBLEM_LAST);
        check_problem(doc, arena);
    }

    if (doc->sections) {
        check_sections(doc);
    }
}


ehr_rc_t
fuzz_document(ehr_str_t content, int form, ehr_arena_t *arena,
              ehr_document_t *doc)
{
    ehr_rc_t              rc;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = content;
    in.content_form = form;
    in.facility = ehr_str(FUZZ_FACILITY);
    in.standard = ehr_str("");
    in.cpu_now_ns = fuzz_cpu_ns;

    rc = ehr_document_read(&in, arena, doc);
    fuzz_check_document(rc, doc, arena);

    return rc;
}


/* --- a driver's examination ---------------------------------------------- */


static const char  exam_head[] =
    "{\"SO\": \"00001/GKSKLX/99001/26\", \"HOTEN\": \"Nguyễn Văn Mẫu\","
    "\"GIOITINHVAL\": \"0\", \"NGAYSINH\": \"15/06/1990\","
    "\"DIACHITHUONGTRU\": \"Số 1\", \"MATINH_THUONGTRU\": \"01\","
    "\"MAHUYEN_THUONGTRU\": \"\", \"MAXA_THUONGTRU\": \"00004\","
    "\"SOCMND_PASSPORT\": \"001090000001\","
    "\"NGAYTHANGNAMCAPCMND\": \"10/07/2024\","
    "\"NOICAP\": \"Bộ Công an\", \"IDBENHVIEN\": \"99001\","
    "\"BENHVIEN\": \"Bệnh viện Ví Dụ\", \"NONGDOCON\": \"0\","
    "\"DVINONGDOCON\": \"0\", \"MATUY\": \"0\","
    "\"NGAYKETLUAN\": \"20/03/2026\","
    "\"BACSYKETLUAN\": \"Lê Thị Thử Nghiệm\", \"KETLUAN\": \"A0-1\","
    "\"HANGBANGLAI\": \"B\", \"NGAYKHAMLAI\": \"\", \"LYDO\": \"\","
    "\"TINHTRANGBENH\": \"Bình thường\", \"STATE\": \"ADD\","
    "\"SIGNDATA\": \"";


ehr_str_t
fuzz_exam(ehr_str_t signed_xml, ehr_arena_t *arena)
{
    size_t      head = sizeof(exam_head) - 1;
    char       *text = ehr_arena_alloc(arena,
                                       head + signed_xml.len / 3 * 4 + 8);
    ehr_str_t   s = { text, head };

    fuzz_check(text != NULL);
    memcpy(text, exam_head, head);

    s.len += (size_t) EVP_EncodeBlock((unsigned char *) text + head,
                                      (const unsigned char *) signed_xml.data,
                                      (int) signed_xml.len);
    memcpy(text + s.len, "\"}", 2);
    s.len += 2;

    return s;
}
