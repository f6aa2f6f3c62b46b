/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What an administrator says about signatures of one kind, read once: the
 * authorities, and which certificates belong to which facility.  Refuses a
 * policy that could trust anybody.
 *
 * A list of pins has one row a line, "#" begins a comment:
 *
 *     99001  <SHA-256 of the certificate, 64 hex digits>
 *     99001  MST:0101234567
 */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ehr_id.h"
#include "ehr_signature_parts.h"


#define POLICY_CERTIFICATES  1024   /* in one bundle */
#define POLICY_PINS          65536
#define POLICY_LINE          512
#define POLICY_TAX_DIGITS    10     /* or these, "-" and three more */


typedef struct {
    const char  *path;
    uint32_t     line;
    char        *error;
} policy_file_t;


static int
policy_say(const policy_file_t *file, const char *what)
{
    if (file->line) {
        (void) snprintf(file->error, EHR_SIGNATURE_ERROR_MAX,
                        "\"%s\" line %u: %s", file->path, file->line, what);

    } else {
        (void) snprintf(file->error, EHR_SIGNATURE_ERROR_MAX, "\"%s\": %s",
                        file->path, what);
    }

    return 0;
}


ehr_rc_t
ehr_signature_mode_of_name(ehr_str_t name, ehr_signature_mode_e *mode)
{
    static const char *const  names[] = { "off", "when-present",
                                          "required" };

    for (int i = EHR_SIGNATURE_OFF; i <= EHR_SIGNATURE_REQUIRED; i++) {
        if (ehr_str_is(name, names[i])) {
            *mode = (ehr_signature_mode_e) i;

            return EHR_OK;
        }
    }

    return EHR_REFUSED;
}


static const char *
policy_path(const char *value, const char **path)
{
    if (value[0] == '\0' || *path) {
        return "needs a file, once";
    }

    *path = value;

    return NULL;
}


const char *
ehr_signature_setting(ehr_signature_settings_t *settings, const char *word)
{
    if (strncmp(word, "ca=", 3) == 0) {
        return policy_path(word + 3, &settings->ca_path);
    }

    if (strncmp(word, "pins=", 5) == 0) {
        return policy_path(word + 5, &settings->pins_path);
    }

    if (strcmp(word, "sha1=on") == 0) {
        settings->allows_sha1 = 1;

        return NULL;
    }

    if (strcmp(word, "sha1=off") == 0) {
        return NULL;
    }

    return "has an unknown setting: ca=, pins= or sha1=on|off";
}


/* --- authorities --------------------------------------------------------- */


static int
policy_read_bundle(X509_STORE *store, BIO *bio, const policy_file_t *file)
{
    X509      *x509;
    uint32_t   n;
    int        rc;

    for (n = 0; n <= POLICY_CERTIFICATES; n++) {
        x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (x509 == NULL) {
            break;
        }

        rc = X509_STORE_add_cert(store, x509);
        X509_free(x509);

        if (rc != 1) {
            return policy_say(file, "a certificate cannot be used");
        }
    }

    if (n > POLICY_CERTIFICATES) {
        return policy_say(file, "too many certificates");
    }

    /* the end of a bundle is the lack of one more */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return policy_say(file, "a certificate cannot be read");
    }

    return n ? 1 : policy_say(file, "no certificate in it");
}


static int
policy_authorities(ehr_signature_policy_t *policy, const char *path,
                   char *error)
{
    int            rc;
    BIO           *bio;
    policy_file_t  file = { path, 0, error };

    policy->authorities = X509_STORE_new();
    bio = BIO_new_file(path, "r");

    if (policy->authorities == NULL || bio == NULL) {
        BIO_free(bio);
        ERR_clear_error();

        return policy_say(&file, "cannot be opened");
    }

    rc = policy_read_bundle(policy->authorities, bio, &file);

    BIO_free(bio);
    ERR_clear_error();

    return rc;
}


/* --- pins ---------------------------------------------------------------- */


static int
policy_tax_code(ehr_sign_pin_t *pin, const char *text)
{
    size_t  n = strspn(text, "0123456789");

    if (n != POLICY_TAX_DIGITS || strlen(text) >= sizeof(pin->tax_code)) {
        return 0;
    }

    if (text[n] == '-') {
        if (strspn(text + n + 1, "0123456789") != 3) {
            return 0;
        }

        n += 4;
    }

    if (text[n] != '\0') {
        return 0;
    }

    memcpy(pin->tax_code, text, n + 1);

    return 1;
}


static int
policy_pin(ehr_signature_policy_t *policy, char *row,
           const policy_file_t *file)
{
    char             *save, *facility, *who;
    ehr_sign_pin_t   *pin = &policy->pins[policy->npins];

    row[strcspn(row, "#\r\n")] = '\0';

    facility = strtok_r(row, " \t", &save);
    if (facility == NULL) {
        return 1;
    }

    who = strtok_r(NULL, " \t", &save);

    if (who == NULL || strtok_r(NULL, " \t", &save) != NULL) {
        return policy_say(file, "a facility and one value are wanted");
    }

    if (strlen(facility) > EHR_FACILITY_MAX) {
        return policy_say(file, "the facility's code is too long");
    }

    memset(pin, 0, sizeof(*pin));
    memcpy(pin->facility, facility, strlen(facility));

    if (strncmp(who, "MST:", 4) == 0) {
        if (policy->authorities == NULL) {
            return policy_say(file, "a tax code needs ca=: without one "
                              "anybody can write it into a certificate");
        }

        if (!policy_tax_code(pin, who + 4)) {
            return policy_say(file, "not a tax code of 10 or 10-3 digits");
        }

    } else if (ehr_unhex(ehr_str(who), pin->sha256, EHR_SHA256_LEN)
               != EHR_OK)
    {
        return policy_say(file, "neither 64 hex digits nor MST:...");
    }

    policy->npins++;

    return 1;
}


static int
policy_room(ehr_signature_policy_t *policy, size_t *allocated,
            const policy_file_t *file)
{
    size_t           n;
    ehr_sign_pin_t  *pins;

    if (policy->npins < *allocated) {
        return 1;
    }

    if (policy->npins == POLICY_PINS) {
        return policy_say(file, "too many rows");
    }

    n = *allocated ? 2 * *allocated : 64;

    pins = realloc(policy->pins, n * sizeof(ehr_sign_pin_t));
    if (pins == NULL) {
        return policy_say(file, "no memory");
    }

    policy->pins = pins;
    *allocated = n;

    return 1;
}


static int
policy_read_pins(ehr_signature_policy_t *policy, FILE *f, policy_file_t *file)
{
    char    row[POLICY_LINE];
    size_t  allocated = 0;

    while (fgets(row, sizeof(row), f)) {
        file->line++;

        if (strlen(row) == sizeof(row) - 1) {
            return policy_say(file, "the line is too long");
        }

        if (!policy_room(policy, &allocated, file)
            || !policy_pin(policy, row, file))
        {
            return 0;
        }
    }

    file->line = 0;

    if (ferror(f)) {
        return policy_say(file, "cannot be read");
    }

    return policy->npins ? 1 : policy_say(file, "no row in it");
}


static int
policy_pins(ehr_signature_policy_t *policy, const char *path, char *error)
{
    int             rc;
    FILE           *f;
    policy_file_t   file = { path, 0, error };

    f = fopen(path, "re");
    if (f == NULL) {
        return policy_say(&file, "cannot be opened");
    }

    policy->has_pins = 1;
    rc = policy_read_pins(policy, f, &file);

    (void) fclose(f);

    return rc;
}


/* --- all of it ----------------------------------------------------------- */


static int
policy_fill(ehr_signature_policy_t *policy,
            const ehr_signature_settings_t *settings, char *error)
{
    if (ehr_sign_shape(settings->kind) == NULL) {
        (void) snprintf(error, EHR_SIGNATURE_ERROR_MAX,
                        "documents of the kind \"%s\" carry no XML signature",
                        ehr_kind_name(settings->kind));

        return 0;
    }

    if (settings->ca_path
        && !policy_authorities(policy, settings->ca_path, error))
    {
        return 0;
    }

    if (settings->pins_path
        && !policy_pins(policy, settings->pins_path, error))
    {
        return 0;
    }

    if (settings->mode != EHR_SIGNATURE_OFF && !settings->ca_path
        && !settings->pins_path)
    {
        (void) snprintf(error, EHR_SIGNATURE_ERROR_MAX,
                        "needs ca= or pins=: without them it would trust "
                        "anybody");

        return 0;
    }

    if (ehr_sign_library_init() != EHR_OK) {
        (void) snprintf(error, EHR_SIGNATURE_ERROR_MAX,
                        "xmlsec cannot be made ready");

        return 0;
    }

    return 1;
}


ehr_signature_policy_t *
ehr_signature_policy_load(const ehr_signature_settings_t *settings,
                          char error[EHR_SIGNATURE_ERROR_MAX])
{
    ehr_signature_policy_t  *policy;

    error[0] = '\0';

    policy = calloc(1, sizeof(ehr_signature_policy_t));
    if (policy == NULL) {
        (void) snprintf(error, EHR_SIGNATURE_ERROR_MAX, "no memory");

        return NULL;
    }

    policy->kind = settings->kind;
    policy->mode = settings->mode;
    policy->allows_sha1 = settings->allows_sha1;

    if (!policy_fill(policy, settings, error)) {
        ehr_signature_policy_free(policy);

        return NULL;
    }

    return policy;
}


void
ehr_signature_policy_free(ehr_signature_policy_t *policy)
{
    if (policy == NULL) {
        return;
    }

    X509_STORE_free(policy->authorities);
    free(policy->pins);
    free(policy);
}
