/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The reader of XML beside libxml2, which verifies signatures: whatever is
 * accepted must be the same document to both.  The first byte chooses the
 * bounds.
 */

#include <utf8proc.h>

#include "../unit/scan_agrees.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
    xmlInitParser();
}


/* By other hands than the scan's. */

static void
check_text(ehr_str_t text)
{
    size_t             i;
    utf8proc_int32_t   c;
    utf8proc_ssize_t   n;

    for (i = 0; i < text.len; i += (size_t) n) {
        n = utf8proc_iterate((const utf8proc_uint8_t *) text.data + i,
                             (utf8proc_ssize_t) (text.len - i), &c);
        fuzz_check(n > 0);
        fuzz_check(c >= ' ' || c == '\t' || c == '\r' || c == '\n');
        fuzz_check(c != 0xfffe && c != 0xffff);
    }
}


/* Without listeners the verdict is the same. */

static void
check_verdict(ehr_str_t bytes, const ehr_scan_limits_t *limits)
{
    ehr_rc_t          rc;
    ehr_scan_t        scan;
    ehr_scan_input_t  in;
    ehr_scan_fault_t  fault, heard;
    agrees_log_t      log;

    memset(&in, 0, sizeof(in));
    in.content = bytes;
    in.limits = limits;
    rc = ehr_scan(&scan, &in, &fault);

    fuzz_check(scan.skip <= bytes.len);
    fuzz_check(fault.offset <= bytes.len);
    fuzz_check(fault.line <= bytes.len + 1);
    fuzz_check(fault.kind < EHR_SCAN_LAST);
    fuzz_check((rc == EHR_OK) == (fault.kind == EHR_SCAN_OK));
    fuzz_check((fault.line == 0) == (fault.kind == EHR_SCAN_EMPTY));

    if (rc == EHR_OK) {
        check_text(bytes);
    }

    fuzz_check(agrees_scan(bytes, limits, &scan, &log, &heard) == rc);
    fuzz_check(memcmp(&heard, &fault, sizeof(fault)) == 0);
    free(log.text);
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    static const ehr_scan_limits_t  narrow = { 4, 3, 64, 12, 80 };

    const ehr_scan_limits_t  *limits[] = { &ehr_scan_document,
                                           &ehr_scan_section, &narrow };
    const ehr_scan_limits_t  *chosen = limits[fuzz_byte(&bytes) % 3];
    agrees_e                  agrees;

    check_verdict(bytes, chosen);

    agrees = agrees_with_libxml2(bytes, chosen);
    fuzz_check(agrees != AGREES_STRICTER);
    fuzz_check(agrees != AGREES_LAXER);
    fuzz_check(agrees != AGREES_NOT);
}
