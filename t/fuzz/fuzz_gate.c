/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The byte gates of XML and JSON over any bytes: what they let through is
 * UTF-8 without control characters, and a refusal stands inside the input.
 * The first byte chooses the limits.
 */

#include <utf8proc.h>

#include "ehr_gate.h"
#include "ehr_json_gate.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
}


/* By other hands than the gates'. */

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
    }
}


static void
gate_xml(ehr_str_t bytes, const ehr_gate_limits_t *limits)
{
    ehr_gate_e         gate;
    ehr_gate_result_t  result;

    memset(&result, 0, sizeof(result));
    gate = ehr_gate_check(bytes, limits, &result);

    fuzz_check(gate < EHR_GATE_LAST);
    fuzz_check(result.skip <= bytes.len);

    if (gate == EHR_GATE_EMPTY) {
        fuzz_check(result.line == 0);

        return;
    }

    if (gate != EHR_GATE_OK) {
        fuzz_check(result.offset <= bytes.len);
        fuzz_check(result.line >= 1 && result.line <= bytes.len + 1);

        return;
    }

    bytes.data += result.skip;
    bytes.len -= result.skip;

    fuzz_check(bytes.len > 0);
    fuzz_check(memmem(bytes.data, bytes.len, "\xEF\xBF\xBF", 3) == NULL);
    check_text(bytes);
}


static void
gate_json(ehr_str_t bytes)
{
    ehr_json_gate_e         gate;
    ehr_json_gate_result_t  result;

    memset(&result, 0, sizeof(result));
    gate = ehr_json_gate_check(bytes, &result);

    fuzz_check(result.skip <= bytes.len);

    if (gate == EHR_JSON_GATE_OK) {
        check_text(bytes);
    }
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    static const ehr_gate_limits_t  narrow = { 4, 3, 64, 12, 80 };

    switch (fuzz_byte(&bytes) % 4) {

    case 0:
        gate_xml(bytes, &ehr_gate_document);
        break;

    case 1:
        gate_xml(bytes, &ehr_gate_section);
        break;

    case 2:
        gate_xml(bytes, &narrow);
        break;

    default:
        gate_json(bytes);
        break;
    }
}
