/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The validator of drivers' health examinations: which of the two forms lies
 * there, and which tables of rules it is held to.
 */

#include "driver_exam.h"


static int exam_validate(const ehr_host_t *host, ehr_call_t *call,
                         const ehr_plugin_document_t *doc);


static const ehr_plugin_kind_t  kinds[] = {
    { "driver_exam", 0, 0 },
    { NULL, 0, 0 }
};


static const ehr_rule_t *const  tables[] = {
    exam_paper_rules,
    exam_result_rules,
    ehr_person_rules,
    ehr_person_paper_rules,
    NULL
};


/* Sexes are 0 and 1 here, 1 and 2 everywhere else. */

static const ehr_person_t  outer_person = {
    EHR_SECTION_DRIVER_EXAM, EHR_DRIVER_EXAM_SOCMND_PASSPORT,
    EHR_DRIVER_EXAM_NGAYSINH, EHR_DRIVER_EXAM_GIOITINHVAL, EHR_NO_FIELD,
    EHR_DRIVER_EXAM_HOTEN, EHR_DRIVER_EXAM_NGAYTHANGNAMCAPCMND,
    EHR_DRIVER_EXAM_NOICAP, EHR_DRIVER_EXAM_NGAYKETLUAN, "01"
};

static const ehr_person_t  signed_person = {
    EHR_SECTION_SIGNDATA, EHR_SIGNDATA_SOCMND_PASSPORT,
    EHR_SIGNDATA_NGAYSINH, EHR_SIGNDATA_GIOITINHVAL, EHR_NO_FIELD,
    EHR_SIGNDATA_HOTEN, EHR_SIGNDATA_NGAYTHANGNAMCAPCMD,
    EHR_SIGNDATA_NOICAP, EHR_SIGNDATA_NGAYKETLUAN, "01"
};


static const exam_fields_t  outer_fields = {
    EHR_SECTION_DRIVER_EXAM, EHR_DRIVER_EXAM_SO,
    EHR_DRIVER_EXAM_SOCMND_PASSPORT, EHR_DRIVER_EXAM_MATINH_THUONGTRU,
    EHR_DRIVER_EXAM_MAHUYEN_THUONGTRU, EHR_DRIVER_EXAM_MAXA_THUONGTRU,
    EHR_DRIVER_EXAM_NONGDOCON, EHR_DRIVER_EXAM_MATUY,
    EHR_DRIVER_EXAM_NGAYKETLUAN, EHR_DRIVER_EXAM_KETLUAN,
    EHR_DRIVER_EXAM_HANGBANGLAI, EHR_DRIVER_EXAM_NGAYKHAMLAI,
    EHR_DRIVER_EXAM_LYDO
};

static const exam_fields_t  signed_fields = {
    EHR_SECTION_SIGNDATA, EHR_SIGNDATA_SO, EHR_SIGNDATA_SOCMND_PASSPORT,
    EHR_SIGNDATA_MATINH_THUONGTRU, EHR_SIGNDATA_MAHUYEN_THUONGTRU,
    EHR_SIGNDATA_MAXA_THUONGTRU, EHR_SIGNDATA_NONGDOCON,
    EHR_SIGNDATA_MATUY, EHR_SIGNDATA_NGAYKETLUAN, EHR_SIGNDATA_KETLUAN,
    EHR_SIGNDATA_HANGBANGLAI, EHR_SIGNDATA_NGAYKHAMLAI, EHR_SIGNDATA_LYDO
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    .name = "driver_exam",
    .version = "1.0.0",
    .kinds = kinds,
    .validate = exam_validate,
    .fields_digest = EHR_FIELDS_DIGEST,
    .rules = tables
};


static int
exam_validate(const ehr_host_t *host, ehr_call_t *call,
              const ehr_plugin_document_t *doc)
{
    exam_t       exam;
    ehr_check_t  check = { host, call, doc, NULL, &exam, 0 };
    int          is_outer;

    is_outer = ehr_flat(&check, EHR_SECTION_DRIVER_EXAM) != NULL;

    exam.subject.people = is_outer ? &outer_person : &signed_person;
    exam.subject.npeople = 1;
    exam.subject.card = NULL;
    exam.subject.papers = NULL;
    exam.subject.npapers = 0;
    exam.subject.today = ehr_day_now(host->now_ms(call));
    exam.fields = is_outer ? &outer_fields : &signed_fields;
    exam.row = ehr_flat(&check, exam.fields->section);

    if (exam.row == NULL) {
        return 0;
    }

    exam.is_concluded = ehr_person_day(ehr_value(exam.row,
                                                 exam.fields->concluded),
                                       &exam.concluded);

    return ehr_rules_run(&check, tables);
}
