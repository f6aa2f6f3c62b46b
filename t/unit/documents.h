/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests of documents: the samples, claims put together from sections,
 * one reading and questions to its findings.
 */

#ifndef EHR_TEST_DOCUMENTS_H
#define EHR_TEST_DOCUMENTS_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "ehr_document.h"


#define DOC_FACILITY  "99999"
#define DOC_ARENA     (64 * 1024 * 1024)

/* CPU for the largest document there may be, valid or not: the best of so
 * many readings, since a busy machine makes even CPU time longer. */
#define DOC_FLOODS    5
#if defined(__SANITIZE_ADDRESS__)
#define DOC_FLOOD_NS  (4000 * 1000000LL)
#else
#define DOC_FLOOD_NS  (200 * 1000000LL)
#endif


typedef struct {
    ehr_arena_t     *arena;
    ehr_document_t   doc;
    ehr_rc_t         rc;
} doc_read_t;


/* One section of a claim: XML1 ... and its XML, or what is said to be it. */

typedef struct {
    const char  *name;
    ehr_str_t    xml;
} doc_part_t;


static inline int64_t
doc_cpu_ns(void)
{
    struct timespec  t;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);

    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}


/* A file below t/samples, NUL-terminated; the caller frees data. */

static inline ehr_str_t
doc_file(const char *name)
{
    char       path[512], *data;
    FILE      *f;
    long       size;
    ehr_str_t  s;

    (void) snprintf(path, sizeof(path), "%s/t/samples/%s", EHR_TOP, name);

    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    assert_true(size >= 0);
    rewind(f);

    data = malloc((size_t) size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t) size, f), (size_t) size);
    data[size] = '\0';
    (void) fclose(f);

    s.data = data;
    s.len = (size_t) size;

    return s;
}


static inline void
doc_free(ehr_str_t s)
{
    free((void *) (uintptr_t) s.data);
}


/* text with its first "from" replaced; frees text. */

static inline ehr_str_t
doc_swap(ehr_str_t text, const char *from, const char *to)
{
    const char  *at = memmem(text.data, text.len, from, strlen(from));
    size_t       before;
    char        *data;
    ehr_str_t    s;

    assert_non_null(at);
    before = (size_t) (at - text.data);
    s.len = text.len - strlen(from) + strlen(to);

    data = malloc(s.len + 1);
    assert_non_null(data);
    memcpy(data, text.data, before);
    memcpy(data + before, to, strlen(to));
    memcpy(data + before + strlen(to), at + strlen(from),
           text.len - before - strlen(from));
    data[s.len] = '\0';
    s.data = data;

    doc_free(text);

    return s;
}


/* The voucher of the samples twice in one file, which says it has count. */

static inline ehr_str_t
doc_vouchers(const char *count)
{
    ehr_str_t   s = doc_file("voucher-99001.xml");
    const char *begin = strstr(s.data, "<HOSO>"), *end;
    char        text[8192], number[64];

    assert_non_null(begin);
    end = strstr(begin, "</HOSO>");
    assert_non_null(end);
    (void) snprintf(text, sizeof(text), "%.*s</HOSO></DANHSACHHOSO>",
                    (int) (end - begin), begin);
    s = doc_swap(s, "</DANHSACHHOSO>", text);
    (void) snprintf(number, sizeof(number), "<SOLUONGHOSO>%s<", count);

    return doc_swap(s, "<SOLUONGHOSO>1<", number);
}


static inline ehr_str_t
doc_base64(ehr_str_t bytes)
{
    char       *text = malloc(bytes.len / 3 * 4 + 8);
    ehr_str_t   s;

    assert_non_null(text);
    s.data = text;
    s.len = (size_t) EVP_EncodeBlock((unsigned char *) text,
                                     (const unsigned char *) bytes.data,
                                     (int) bytes.len);

    return s;
}


/* A claim around ready-made NOIDUNGFILE texts. */

static inline ehr_str_t
doc_envelope(const doc_part_t *contents, size_t n)
{
    static const char  head[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>" DOC_FACILITY "</MACSKCB>"
        "</THONGTINDONVI>\n<THONGTINHOSO><NGAYLAP>20260107</NGAYLAP>"
        "<SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO>\n";
    static const char  tail[] =
        "</HOSO></DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>\n";
    size_t             size = sizeof(head) + sizeof(tail);
    char              *data, *p;
    ehr_str_t          s;

    for (size_t i = 0; i < n; i++) {
        size += contents[i].xml.len + 128;
    }

    data = malloc(size);
    assert_non_null(data);
    p = stpcpy(data, head);

    for (size_t i = 0; i < n; i++) {
        p += sprintf(p, "<FILEHOSO><LOAIHOSO>%s</LOAIHOSO><NOIDUNGFILE>",
                     contents[i].name);
        memcpy(p, contents[i].xml.data, contents[i].xml.len);
        p += contents[i].xml.len;
        p += sprintf(p, "</NOIDUNGFILE></FILEHOSO>\n");
    }

    p = stpcpy(p, tail);
    s.data = data;
    s.len = (size_t) (p - data);

    return s;
}


static inline ehr_str_t
doc_claim(const doc_part_t *parts, size_t n)
{
    doc_part_t  contents[16];
    ehr_str_t   s;

    assert_true(n <= 16);

    for (size_t i = 0; i < n; i++) {
        contents[i].name = parts[i].name;
        contents[i].xml = doc_base64(parts[i].xml);
    }

    s = doc_envelope(contents, n);

    for (size_t i = 0; i < n; i++) {
        doc_free(contents[i].xml);
    }

    return s;
}


/* doc_done() is due. */

static inline doc_read_t
doc_read_as(ehr_str_t content, const char *facility, const char *standard)
{
    doc_read_t            r;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = content;
    in.content_form = EHR_CONTENT_XML;
    in.facility = ehr_str(facility);
    in.standard = ehr_str(standard);
    in.cpu_now_ns = doc_cpu_ns;

    r.arena = ehr_arena_create(DOC_ARENA);
    assert_non_null(r.arena);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);

    return r;
}


static inline doc_read_t
doc_read(ehr_str_t content)
{
    return doc_read_as(content, DOC_FACILITY, "");
}


static inline void
doc_done(doc_read_t *r)
{
    ehr_arena_destroy(r->arena);
    r->arena = NULL;
}


/* The finding with that code in that row, or NULL. */

static inline const ehr_finding_t *
doc_finding(const doc_read_t *r, const char *code, uint32_t row)
{
    for (size_t i = 0; i < r->doc.findings.n; i++) {
        const ehr_finding_t  *f = &r->doc.findings.items[i];

        if (ehr_str_is(f->code, code) && f->row == row) {
            return f;
        }
    }

    return NULL;
}


static inline void
doc_print(const doc_read_t *r)
{
    for (size_t i = 0; i < r->doc.findings.n; i++) {
        const ehr_finding_t  *f = &r->doc.findings.items[i];

        print_message("%.*s row %u line %u\n", (int) f->code.len,
                      f->code.data, f->row, f->line);
    }
}


/* Exactly this error, alone. */

static inline void
doc_expect_one(const doc_read_t *r, const char *code, uint32_t row)
{
    if (r->doc.findings.nerrors != 1 || !doc_finding(r, code, row)) {
        doc_print(r);
        fail_msg("expected %s in row %u alone", code, row);
    }
}


#endif /* EHR_TEST_DOCUMENTS_H */
