/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The validator of birth and death notices: who stands where in them, and
 * which tables of rules they are held to.
 */

#include "notices.h"


static int notices_validate(const ehr_host_t *host, ehr_call_t *call,
                            const ehr_plugin_document_t *doc);


static const ehr_plugin_kind_t  kinds[] = {
    { "birth_notice", 0, 0 },
    { "death_notice", 0, 0 },
    { NULL, 0, 0 }
};


static const ehr_rule_t *const  tables[] = {
    notices_birth_rules,
    notices_death_rules,
    notices_paper_rules,
    ehr_person_rules,
    ehr_person_paper_rules,
    ehr_person_nation_rules,
    NULL
};


/* The mother, who carried the child for her, their husbands; the dead. */

static const ehr_person_t  people[] = {

    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_SO_CCCD_NND, EHR_HSDLGCS_NGAYSINH_NND,
      EHR_NO_FIELD, EHR_HSDLGCS_MA_QUOCTICH_NND, EHR_HSDLGCS_HOTEN_NND,
      EHR_HSDLGCS_NGAYCAP_CCCD_NND, EHR_HSDLGCS_NOICAP_CCCD_NND,
      EHR_HSDLGCS_NGAY_CT, NULL },

    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_SO_CCCD_MTH, EHR_HSDLGCS_NGAYSINH_MTH,
      EHR_NO_FIELD, EHR_HSDLGCS_MA_QUOCTICH_MTH, EHR_HSDLGCS_HOTEN_MTH,
      EHR_HSDLGCS_NGAYCAP_CCCD_MTH, EHR_HSDLGCS_NOICAP_CCCD_MTH,
      EHR_HSDLGCS_NGAY_CT, NULL },

    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_SO_CCCD_CHA_NND,
      EHR_HSDLGCS_NGAYSINH_CHA_NND, EHR_NO_FIELD, EHR_NO_FIELD,
      EHR_HSDLGCS_HO_TEN_CHA, EHR_HSDLGCS_NGAYCAP_CCCD_CHA_NND,
      EHR_HSDLGCS_NOICAP_CCCD_CHA_NND, EHR_HSDLGCS_NGAY_CT, NULL },

    { EHR_SECTION_HSDLGCS, EHR_HSDLGCS_SO_CCCD_CHA_MTH,
      EHR_HSDLGCS_NGAYSINH_CHA_MTH, EHR_NO_FIELD, EHR_NO_FIELD,
      EHR_HSDLGCS_HO_TEN_CHA_MTH, EHR_HSDLGCS_NGAYCAP_CCCD_CHA_MTH,
      EHR_HSDLGCS_NOICAP_CCCD_CHA_MTH, EHR_HSDLGCS_NGAY_CT, NULL },

    { EHR_SECTION_HSDLGBT, EHR_HSDLGBT_SO_GIAYTO, EHR_HSDLGBT_NGAY_SINH,
      EHR_HSDLGBT_GIOI_TINH, EHR_HSDLGBT_MA_QUOCTICH, EHR_HSDLGBT_HO_TEN,
      EHR_HSDLGBT_NGAY_CAP, EHR_HSDLGBT_NOI_CAP, EHR_HSDLGBT_NGAY_TV, "12" }
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    .name = "notices",
    .version = "1.0.0",
    .kinds = kinds,
    .validate = notices_validate,
    .fields_digest = EHR_FIELDS_DIGEST,
    .rules = tables
};


static int
notices_validate(const ehr_host_t *host, ehr_call_t *call,
                 const ehr_plugin_document_t *doc)
{
    ehr_subject_t  subject = { people, sizeof(people) / sizeof(people[0]),
                               NULL, ehr_day_now(host->now_ms(call)),
                               NULL, 0 };
    ehr_check_t    check = { host, call, doc, NULL, &subject, 0 };

    return ehr_rules_run(&check, tables);
}
