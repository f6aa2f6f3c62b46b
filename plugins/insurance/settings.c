/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What an administrator may change: paths, lists of result codes, texts,
 * times.  The table holds the names, the defaults and how each is checked;
 * what a setting means is decided where it is used.
 */

#include <stdio.h>
#include <string.h>

#include "insurance.h"


#define MAX_VALUE     1024
#define MAX_SENTENCE  160
#define MAX_SECONDS   86400


typedef const char *(*check_pt)(const char *value);

typedef struct {
    const char  *name;
    const char  *value;
    check_pt     check;
} setting_t;


static const char *check_path(const char *value);
static const char *check_codes(const char *value);
static const char *check_texts(const char *value);
static const char *check_seconds(const char *value);


static const setting_t  settings[] = {

    { "path.login", "/api/token/take", check_path },
    { "path.checkin.qd130", "/api/qd130/checkInKcbQd130", check_path },
    { "path.checkin.qd4750", "/api/qd130/checkInKcbQd4750", check_path },
    { "path.checkin.qd3176", "/api/qd130/checkInKcbQd3176", check_path },
    { "path.claim.qd130", "/api/qd130/guiHoSoXmlQD130", check_path },
    { "path.claim.qd4750", "/api/qd130/guiHoSoXmlQD4750", check_path },
    { "path.claim.qd3176", "/api/qd130/guiHoSoXmlQD3176", check_path },

    { "codes.accepted", "200", check_codes },
    { "codes.expired", "401 501", check_codes },
    { "codes.account", "403", check_codes },
    { "codes.configuration", "402 054 055", check_codes },
    { "codes.window", "701", check_codes },
    { "codes.size", "1001", check_codes },
    { "codes.wait", "124", check_codes },
    { "codes.refused", "123 125 201 202 204 205 10", check_codes },
    { "codes.retry", "500 100 101 408", check_codes },

    { "accepted_texts", "thành công", check_texts },
    { "doubtful_texts", "không|chưa|lỗi|sai|cảnh báo|từ chối", check_texts },
    { "expired_texts", "token không đúng", check_texts },

    { "wait_seconds", "900", check_seconds },
    { "session_seconds", "600", check_seconds },
    { "session_margin_seconds", "60", check_seconds }
};

#define NSETTINGS  (sizeof(settings) / sizeof(settings[0]))


const char *
insurance_setting(const insurance_t *in, const char *name)
{
    size_t       i;
    const char  *value;

    value = in->host->setting(in->call, name);
    if (value != NULL) {
        return value;
    }

    for (i = 0; i < NSETTINGS; i++) {
        if (strcmp(settings[i].name, name) == 0) {
            return settings[i].value;
        }
    }

    return NULL;
}


int64_t
insurance_setting_ms(const insurance_t *in, const char *name)
{
    int64_t      sec;
    const char  *p;

    p = insurance_setting(in, name);

    for (sec = 0; *p >= '0' && *p <= '9' && sec <= MAX_SECONDS; p++) {
        sec = sec * 10 + (*p - '0');
    }

    return sec * 1000;
}


const char *
insurance_settings_check(const insurance_t *in)
{
    size_t       i;
    char        *sentence;
    const char  *value, *fault;

    for (i = 0; i < NSETTINGS; i++) {
        value = insurance_setting(in, settings[i].name);
        fault = strlen(value) > MAX_VALUE ? "is too long"
                                          : settings[i].check(value);
        if (fault == NULL) {
            continue;
        }

        sentence = in->host->alloc(in->call, MAX_SENTENCE);
        if (sentence == NULL) {
            return fault;
        }

        snprintf(sentence, MAX_SENTENCE, "setting \"%s\" %s",
                 settings[i].name, fault);
        return sentence;
    }

    return NULL;
}


int
insurance_is_path(const char *path)
{
    static const char  safe[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~";

    return path[0] == '/' && path[strspn(path, safe)] == '\0';
}


static const char *
check_path(const char *value)
{
    return insurance_is_path(value)
               ? NULL
               : "must start with \"/\" and hold only letters, digits and "
                 "\"/-._~\"";
}


/* An empty list is right: no code means that. */

static const char *
check_codes(const char *value)
{
    return value[strspn(value, "0123456789 ,")] == '\0'
               ? NULL
               : "must be numbers, separated by blanks";
}


static const char *
check_texts(const char *value)
{
    size_t  n;

    while (*value) {
        n = strcspn(value, "|");
        if (strspn(value, " \t") >= n) {
            return "must be phrases, none empty, separated by \"|\"";
        }

        value += n + (value[n] == '|');
    }

    return NULL;
}


static const char *
check_seconds(const char *value)
{
    size_t  n;

    n = strspn(value, "0123456789");

    return n > 0 && n <= 5 && value[n] == '\0'
               ? NULL
               : "must be a number of seconds, at most 99999";
}
