/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One section against one table of one standard: the first two bytes choose
 * the table, the rest is the XML.
 */

#include "document.h"
#include "ehr_section.h"
#include "ehr_tables.h"


void
fuzz_begin(void)
{
}


static const ehr_section_table_t *
section_table(ehr_str_t *bytes)
{
    const ehr_standard_t  *standard;

    standard = &ehr_standards[fuzz_byte(bytes) % ehr_nstandards];

    return &standard->sections[fuzz_byte(bytes) % standard->nsections];
}


static void
section_read(ehr_reading_t *reading, const ehr_section_table_t *table,
             ehr_str_t bytes)
{
    ehr_rc_t          rc;
    ehr_scan_t        scan;
    ehr_reader_t      section;
    ehr_scan_input_t  in;
    ehr_scan_fault_t  fault;

    ehr_section_begin(&section, table, reading, &scan);

    memset(&in, 0, sizeof(in));
    in.content = bytes;
    in.limits = &ehr_scan_section;
    in.events = ehr_section_events(&section);
    in.cpu_now_ns = fuzz_cpu_ns;

    rc = ehr_scan(&scan, &in, &fault);
    fuzz_check(rc == EHR_OK || rc == EHR_REFUSED);

    if (rc == EHR_OK) {
        ehr_section_end(&section);

    } else {
        ehr_report_xml(reading, table, &fault);
        fuzz_check(reading->findings->nerrors
                   || table->severity == EHR_SEVERITY_WARNING);
    }
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    const ehr_section_table_t  *table = section_table(&bytes);
    ehr_reading_t               reading;
    ehr_findings_t              findings;

    memset(&reading, 0, sizeof(reading));
    memset(&findings, 0, sizeof(findings));
    findings.arena = arena;
    reading.arena = arena;
    reading.findings = &findings;
    reading.sender = ehr_str(FUZZ_FACILITY);
    reading.kind = EHR_KIND_CLAIM;

    fuzz_check(ehr_records_begin(&reading.records, arena, bytes.len)
               == EHR_OK);

    section_read(&reading, table, bytes);
    fuzz_check(!reading.is_broken);
    fuzz_check_findings(&findings, arena);
}
