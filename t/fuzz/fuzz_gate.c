/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The byte gate of JSON over any bytes: what it lets through is UTF-8 without
 * control characters.
 */

#include <utf8proc.h>

#include "ehr_json_gate.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
}


/* By other hands than the gate's. */

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
    gate_json(bytes);
}
