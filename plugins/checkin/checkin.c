/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The validator of check-ins: what one row says of the beginning of a visit.
 * The card and the person are looked at as in a claim.
 */

#include "checkin.h"


static int checkin_validate(const ehr_host_t *host, ehr_call_t *call,
                            const ehr_plugin_document_t *doc);


static const ehr_plugin_kind_t  kinds[] = {
    { "checkin", 0, 0 },
    { NULL, 0, 0 }
};


static const ehr_rule_t *const  tables[] = {
    checkin_visit_rules,
    checkin_number_rules,
    checkin_code_rules,
    ehr_card_rules,
    ehr_person_rules,
    NULL
};


static const ehr_person_t  people[] = {
    { EHR_SECTION_CHECKIN, EHR_CHECKIN_SO_CCCD, EHR_CHECKIN_NGAY_SINH,
      EHR_CHECKIN_GIOI_TINH, EHR_NO_FIELD, EHR_CHECKIN_HO_TEN, EHR_NO_FIELD,
      EHR_NO_FIELD, EHR_CHECKIN_NGAY_VAO, "12" }
};


static const ehr_card_t  card = {
    EHR_SECTION_CHECKIN, EHR_CHECKIN_MA_THE_BHYT, EHR_CHECKIN_MA_DKBD,
    EHR_CHECKIN_GT_THE_TU, EHR_CHECKIN_GT_THE_DEN,
    EHR_CHECKIN_MA_DOITUONG_KCB, EHR_CHECKIN_NGAY_VAO, 0
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    .name = "checkin",
    .version = "1.0.0",
    .kinds = kinds,
    .validate = checkin_validate,
    .fields_digest = EHR_FIELDS_DIGEST,
    .rules = tables
};


static int
checkin_validate(const ehr_host_t *host, ehr_call_t *call,
                 const ehr_plugin_document_t *doc)
{
    ehr_subject_t  subject = { people, sizeof(people) / sizeof(people[0]),
                               &card, ehr_day_now(host->now_ms(call)),
                               NULL, 0 };
    ehr_check_t    check = { host, call, doc, NULL, &subject, 0 };

    return ehr_rules_run(&check, tables);
}
