/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The validator of insurance claims: what its tables of rules say of a claim
 * as a whole.  It knows nothing of single fields, which the host has checked
 * already.
 */

#include "claims.h"


#define CLAIMS_TOLERANCE  (2 * EHR_DECIMAL_ONE)   /* rule M25 */


static const char *claims_check(const ehr_host_t *host, ehr_call_t *call);
static int claims_validate(const ehr_host_t *host, ehr_call_t *call,
                           const ehr_plugin_document_t *doc);


static const ehr_plugin_kind_t  kinds[] = {
    { "claim", 0, 0 },
    { NULL, 0, 0 }
};


static const ehr_rule_t *const  tables[] = {
    claims_form_rules,
    claims_form_row_rules,
    claims_number_rules,
    ehr_card_rules,
    claims_card_rules,
    ehr_person_rules,
    ehr_person_paper_rules,
    ehr_person_nation_rules,
    claims_identity_rules,
    claims_link_rules,
    claims_repeat_rules,
    claims_time_rules,
    claims_stay_rules,
    claims_row_time_rules,
    claims_paper_rules,
    claims_money_rules,
    claims_payer_rules,
    claims_package_rules,
    claims_total_rules,
    claims_level_rules,
    claims_required_rules,
    claims_need_rules,
    claims_result_rules,
    claims_codelist_rules,
    claims_route_rules,
    NULL
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    .name = "claims",
    .version = "1.0.0",
    .kinds = kinds,
    .check = claims_check,
    .validate = claims_validate,
    .fields_digest = EHR_FIELDS_DIGEST,
    .rules = tables
};


/* 1, or 0 when the setting is no amount from 0 on. */

static int
claims_tolerance(const ehr_host_t *host, ehr_call_t *call, ehr_decimal_t *d)
{
    const char  *value = host->setting(call, "tolerance");
    ehr_str_t    text = { value, value ? strlen(value) : 0 };

    *d = CLAIMS_TOLERANCE;

    return value == NULL || (ehr_decimal_parse(text, d) && *d >= 0);
}


static const char *
claims_check(const ehr_host_t *host, ehr_call_t *call)
{
    ehr_decimal_t  d;

    if (!claims_tolerance(host, call, &d)) {
        return "set.tolerance must be an amount of money, as in 2";
    }

    return NULL;
}


/* As yyyymmdd; 0 when it is not known. */

static uint32_t
claims_day(const ehr_row_t *xml1)
{
    ehr_day_t  day;

    if (xml1 == NULL
        || !ehr_day_parse(ehr_value(xml1, EHR_XML1_NGAY_RA), &day))
    {
        return 0;
    }

    return ehr_day_number(day);
}


static int
claims_validate(const ehr_host_t *host, ehr_call_t *call,
                const ehr_plugin_document_t *doc)
{
    claim_t      claim;
    ehr_check_t  check = { host, call, doc, NULL, &claim, 0 };

    if (!claims_tolerance(host, call, &claim.tolerance)) {
        return -1;
    }

    claim.xml1 = ehr_flat(&check, EHR_SECTION_XML1);
    claim.today = ehr_day_now(host->now_ms(call));
    claims_subject(&claim.subject, claim.today);
    claim.day = claims_day(claim.xml1);
    claim.money = claims_money_read(&check);

    if (claim.money == NULL) {
        return -1;
    }

    return ehr_rules_run(&check, tables);
}
