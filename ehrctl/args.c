/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The command line.  Decides which verb is meant, which options it takes and
 * what they are worth; the help is made from the same tables.  Does nothing
 * itself.
 */

#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "output.h"


#define GROUP_COMMON   0x01
#define GROUP_CONNECT  0x02
#define GROUP_CHANGE   0x04
#define GROUP_MATCH    0x08
#define GROUP_ADD      0x10
#define GROUP_REASON   0x20
#define GROUP_VERIFY   0x40
#define GROUP_PLUGINS  0x80
#define GROUP_PATHS    0x100
#define GROUP_FILTER   0x200
#define GROUP_DECIDE   0x400
#define GROUP_RELEASE  0x800

#define ARGS_MAX       4096   /* words of a command line */
#define OPERANDS_ANY   (-1)   /* one or more, to ctl->paths */
#define OPERANDS_MAYBE (-2)   /* one or none */


typedef struct {
    const char     *name;
    const char     *value;    /* as the help calls it; NULL: a flag */
    unsigned        groups;
    size_t          offset;   /* of const char *, or of int for a flag */
    const char     *help;
} option_t;

typedef struct {
    const char     *noun;
    const char     *verb;
    const char     *operands;
    int             noperands;
    unsigned        groups;
    ehrctl_run_pt   run;
    const char     *help;
    const char     *more;
} verb_t;


static const option_t  options[] = {

    { "name", "TEXT", GROUP_ADD, offsetof(ehrctl_t, name),
      "the facility's name (required)" },

    { "standard", "NAME", GROUP_ADD, offsetof(ehrctl_t, standard),
      "qd130, qd4750 or qd3176; by the document's dates when not given" },

    { "kinds", "A,B", GROUP_ADD, offsetof(ehrctl_t, kinds),
      "kinds of document it may send; all when not given" },

    { "rate", "RATE", GROUP_ADD, offsetof(ehrctl_t, rate),
      "50r/s, 90r/m or off; the gateway's rate when not given" },

    { "burst", "N", GROUP_ADD, offsetof(ehrctl_t, burst),
      "documents it may send at once" },

    { "reason", "TEXT", GROUP_REASON, offsetof(ehrctl_t, reason),
      "why, for those who look later (required)" },

    { "facility", "CODE", GROUP_FILTER, offsetof(ehrctl_t, facility),
      "of this facility" },

    { "partner", "NAME", GROUP_FILTER, offsetof(ehrctl_t, partner),
      "for this partner" },

    { "kind", "KIND", GROUP_FILTER, offsetof(ehrctl_t, kind),
      "of this kind" },

    { "state", "STATE", GROUP_FILTER, offsetof(ehrctl_t, state),
      "in this state" },

    { "why", "REASON", GROUP_FILTER, offsetof(ehrctl_t, why),
      "with this reason; login. is all that begin so" },

    { "since", "TIME", GROUP_FILTER, offsetof(ehrctl_t, since),
      "received since then (2026-11-21T03:04:05Z)" },

    { "until", "TIME", GROUP_FILTER, offsetof(ehrctl_t, until),
      "received before then" },

    { "rate", "N", GROUP_DECIDE, offsetof(ehrctl_t, rate),
      "deliveries a second, of many; 10 when not given" },

    { "no-wait", NULL, GROUP_DECIDE, offsetof(ehrctl_t, is_no_wait),
      "do not wait for the job's end" },

    { "force", NULL, GROUP_DECIDE, offsetof(ehrctl_t, is_forced),
      "one document: send again though it may arrive twice" },

    { "as", "STATE", GROUP_RELEASE, offsetof(ehrctl_t, as),
      "accepted or refused: by your word, nothing is sent" },

    { "partner-ref", "TEXT", GROUP_RELEASE, offsetof(ehrctl_t, partner_ref),
      "the partner's reference, with --as accepted" },

    { "dry-run", NULL, GROUP_CHANGE, offsetof(ehrctl_t, is_dry_run),
      "check everything, change nothing" },

    { "if-match", "VERSION", GROUP_MATCH, offsetof(ehrctl_t, if_match),
      "only if the facility still has this version" },

    { "jwks", "FILE", GROUP_VERIFY, offsetof(ehrctl_t, jwks),
      "the gateway's public keys (/.well-known/jwks.json)" },

    { "key", "FILE", GROUP_VERIFY, offsetof(ehrctl_t, key),
      "or one public key in PEM" },

    { "facility", "CODE", GROUP_PATHS, offsetof(ehrctl_t, facility),
      "the sender; the document's own facility when not given" },

    { "standard", "NAME", GROUP_PATHS, offsetof(ehrctl_t, standard),
      "as of the facility; by the document's dates when not given" },

    { "plugins", "DIR", GROUP_PLUGINS, offsetof(ehrctl_t, plugins),
      "folder of the validators [EHR_PLUGINS]" },

    { "config", "FILE", GROUP_PATHS, offsetof(ehrctl_t, config),
      "the gateway's nginx.conf, or some lines of it" },

    { "set", "LIST", GROUP_PATHS, offsetof(ehrctl_t, set),
      "as in ehr_validator: rule.M1=warning,rule.M2=off" },

    { "server", "URL", GROUP_CONNECT, offsetof(ehrctl_t, server),
      "the admin API [EHR_ADMIN]" },

    { "cert", "FILE", GROUP_CONNECT, offsetof(ehrctl_t, cert),
      "administrator's certificate [EHR_ADMIN_CERT]" },

    { "key", "FILE", GROUP_CONNECT, offsetof(ehrctl_t, key),
      "its private key [EHR_ADMIN_KEY]" },

    { "ca", "FILE", GROUP_CONNECT, offsetof(ehrctl_t, ca),
      "CA that signed the server [EHR_ADMIN_CA]" },

    { "output", "FORM", GROUP_COMMON, offsetof(ehrctl_t, output_name),
      "table (default) or json" },

    { NULL, NULL, 0, 0, NULL }
};


static const verb_t  verbs[] = {

    { "facility", "add", "CODE", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_ADD|GROUP_CHANGE, ehrctl_facility_add,
      "enrol a facility (certificates follow)",
      "CODE is the facility's MA_CSKCB." },

    { "facility", "list", "", 0,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_facility_list,
      "all facilities", NULL },

    { "facility", "show", "CODE", 1,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_facility_show,
      "one facility with its certificates", NULL },

    { "facility", "suspend", "CODE", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_REASON|GROUP_CHANGE|GROUP_MATCH,
      ehrctl_facility_suspend,
      "refuse the facility until it is resumed",
      "Effective at once on every worker; access tokens issued before are\n"
      "void.  What it sent already is still delivered." },

    { "facility", "resume", "CODE", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE|GROUP_MATCH,
      ehrctl_facility_resume,
      "let a suspended facility in again", NULL },

    { "facility", "cert-add", "CODE FILE", 2,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE|GROUP_MATCH,
      ehrctl_facility_cert_add,
      "enrol a certificate (PEM) of a facility",
      "A facility has at most two certificates, so that one can replace the\n"
      "other.  FILE holds exactly one; a file with a private key is refused\n"
      "here and never sent." },

    { "facility", "cert-remove", "CODE SHA256|FILE", 2,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE|GROUP_MATCH,
      ehrctl_facility_cert_remove,
      "remove a certificate of a facility",
      "The certificate is named by the SHA-256 of its DER, in hexadecimal,\n"
      "or by a PEM file." },

    { "partner", "list", "", 0,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_partner_list,
      "all partners, their lanes and what waits for them", NULL },

    { "partner", "show", "NAME", 1,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_partner_show,
      "one partner", NULL },

    { "partner", "pause", "NAME", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_REASON|GROUP_CHANGE,
      ehrctl_partner_pause,
      "send the partner nothing until it is resumed",
      "Durable; every worker obeys with its next look.  Documents are still\n"
      "accepted for it." },

    { "partner", "resume", "NAME", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE, ehrctl_partner_resume,
      "send again", NULL },

    { "partner", "probe", "NAME", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE, ehrctl_partner_probe,
      "try a failing partner now instead of at the end of its wait", NULL },

    { "queue", "", "", 0,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_queue,
      "how much waits for each partner, by age", NULL },

    { "document", "list", "", 0,
      GROUP_COMMON|GROUP_CONNECT|GROUP_FILTER, ehrctl_document_list,
      "deliveries, newest first", NULL },

    { "document", "show", "ID", 1,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_document_show,
      "one document and its deliveries", NULL },

    { "document", "timeline", "ID", 1,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_document_timeline,
      "every decision about a document, oldest first", NULL },

    { "document", "hold", "[ID]", OPERANDS_MAYBE,
      GROUP_COMMON|GROUP_CONNECT|GROUP_FILTER|GROUP_DECIDE|GROUP_REASON
      |GROUP_CHANGE|GROUP_MATCH, ehrctl_document_hold,
      "send nothing until it is released",
      "Without ID: all that the filter selects, by a job with a speed;\n"
      "--dry-run counts them first." },

    { "document", "release", "[ID]", OPERANDS_MAYBE,
      GROUP_COMMON|GROUP_CONNECT|GROUP_FILTER|GROUP_DECIDE|GROUP_REASON
      |GROUP_CHANGE|GROUP_MATCH
      |GROUP_RELEASE, ehrctl_document_release,
      "what is held is sent; what is uncertain is decided",
      "What is uncertain: --as accepted or --as refused when the partner was\n"
      "asked, --force when it has not got it.  Without ID: all that are held\n"
      "and that the filter selects." },

    { "document", "replay", "[ID]", OPERANDS_MAYBE,
      GROUP_COMMON|GROUP_CONNECT|GROUP_FILTER|GROUP_DECIDE|GROUP_REASON
      |GROUP_CHANGE|GROUP_MATCH, ehrctl_document_replay,
      "send again what the partner has answered",
      "Where it may arrive twice only with ID and --force.  Without ID:\n"
      "--partner and --state are required." },

    { "job", "list", "", 0,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_job_list,
      "decisions about many, and how far they are", NULL },

    { "job", "pause", "JOB", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE, ehrctl_job_pause,
      "a job rests", NULL },

    { "job", "resume", "JOB", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE, ehrctl_job_resume,
      "it goes on", NULL },

    { "job", "cancel", "JOB", 1,
      GROUP_COMMON|GROUP_CONNECT|GROUP_CHANGE, ehrctl_job_cancel,
      "it ends where it is", NULL },

    { "doctor", "", "", 0,
      GROUP_COMMON|GROUP_CONNECT, ehrctl_doctor,
      "what is wrong, or will be, and what to do",
      "Every role may ask.  Exit status 1 when a check failed; a warning is\n"
      "none." },

    { "receipt", "verify", "FILE", 1,
      GROUP_COMMON|GROUP_VERIFY, ehrctl_receipt_verify,
      "is this receipt the gateway's, and what does it say",
      "FILE holds the receipt (JWS), or the gateway's answer (JSON) with the\n"
      "receipt in it; - is the standard input.  No connection is made." },

    { "validate", "", "FILE|FOLDER...", OPERANDS_ANY,
      GROUP_COMMON|GROUP_PLUGINS|GROUP_PATHS, ehrctl_validate,
      "what the gateway would say, without one",
      "Folders are searched for *.xml and *.json.  No connection is made,\n"
      "nothing is kept.  Exit status 1 when a file has an error." },

    { "rules", "", "", 0, GROUP_COMMON|GROUP_PLUGINS, ehrctl_rules,
      "the rules of the validators", NULL },

    { NULL, NULL, NULL, 0, 0, NULL, NULL, NULL }
};


typedef struct {
    ehrctl_t      *ctl;
    const verb_t  *verb;
    const char    *words[ARGS_MAX];
    int            nwords;
    int            is_help;
} args_t;


static const option_t *
option_find(const char *name, size_t len, unsigned groups)
{
    for (const option_t *o = options; o->name != NULL; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0
            && (o->groups & groups))
        {
            return o;
        }
    }

    return NULL;
}


static void
verb_help(const verb_t *verb)
{
    (void) printf("usage: ehrctl %s%s%s%s%s [options]\n\n%s\n", verb->noun,
                  verb->verb[0] ? " " : "", verb->verb,
                  verb->operands[0] ? " " : "", verb->operands, verb->help);

    if (verb->more != NULL) {
        (void) printf("\n%s\n", verb->more);
    }

    (void) printf("\noptions:\n");

    for (const option_t *o = options; o->name != NULL; o++) {
        if (o->groups & verb->groups) {
            (void) printf("  --%-9s %-8s %s\n", o->name,
                          o->value ? o->value : "", o->help);
        }
    }

    if (verb->groups & GROUP_CONNECT) {
        (void) printf("\nWithout cert, key and ca: admin.pem, admin.key and"
                      " server-ca.pem of the\nfolder EHR_PKI.\n");
    }

    (void) printf("\nexit status: 0 done, 1 refused or failed, 2 usage\n");
}


static void
main_help(void)
{
    (void) printf("usage: ehrctl NOUN VERB [operands] [options]\n\n");

    for (const verb_t *v = verbs; v->noun != NULL; v++) {
        int  n = printf("  %s%s%s %s", v->noun, v->verb[0] ? " " : "",
                        v->verb, v->operands);

        (void) printf("%*s%s\n", n < 40 ? 40 - n : 1, "", v->help);
    }

    (void) printf("\n  ehrctl NOUN VERB --help    about one verb\n"
                  "  ehrctl --version\n\n"
                  "ehrctl is a client of the gateway's admin API; validate"
                  " and rules work without\none.  It speaks"
                  " Vietnamese where LANG begins with vi, else English.\n");
}


static int
usage(const char *what, const char *which)
{
    (void) fprintf(stderr, "ehrctl: %s%s%s\ntry: ehrctl --help\n", what,
                   which[0] ? ": " : "", which);

    return EHRCTL_USAGE;
}


/* The verb is known: now the option is, too. */

static int
option_set(args_t *args, const char *word, const char *next, int *took)
{
    void            *field;
    size_t           len;
    const char      *value;
    const option_t  *o;

    len = strcspn(word, "=");
    value = word[len] == '=' ? word + len + 1 : NULL;

    o = option_find(word, len, args->verb->groups);
    if (o == NULL) {
        return usage("unknown option", word);
    }

    field = (char *) args->ctl + o->offset;

    if (o->value == NULL) {
        if (value != NULL) {
            return usage("the option takes no value", o->name);
        }

        *(int *) field = 1;
        return EHRCTL_OK;
    }

    if (value == NULL) {
        value = next;
        *took = 1;
    }

    if (value == NULL) {
        return usage("the option needs a value", o->name);
    }

    if (*(const char **) field != NULL) {
        return usage("the option is given twice", o->name);
    }

    *(const char **) field = value;

    return EHRCTL_OK;
}


/* Options may stand anywhere, also before the verb, so the verb is found
 * first: words that begin with "--" and their values are passed by. */

static void
verb_find(args_t *args, int argc, char **argv)
{
    size_t           len;
    const char      *words[2] = { NULL, NULL };
    const option_t  *o;

    for (int i = 1, n = 0; i < argc && n < 2; i++) {
        if (strcmp(argv[i], "--") == 0) {
            break;
        }

        if (strncmp(argv[i], "--", 2) != 0) {
            words[n++] = argv[i];
            continue;
        }

        len = strcspn(argv[i] + 2, "=");
        o = option_find(argv[i] + 2, len, ~0u);

        if (o != NULL && o->value != NULL && argv[i][2 + len] == '\0') {
            i++;
        }
    }

    if (words[0] == NULL) {
        return;
    }

    for (const verb_t *v = verbs; v->noun != NULL; v++) {
        const char  *verb = v->verb[0] ? words[1] : "";

        if (strcmp(v->noun, words[0]) == 0 && verb != NULL
            && strcmp(v->verb, verb) == 0)
        {
            args->verb = v;
            return;
        }
    }
}


static int
words_read(args_t *args, int argc, char **argv)
{
    int  status, took, only_operands = 0;

    for (int i = 1; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = 1;
            continue;
        }

        if (only_operands || strncmp(argv[i], "--", 2) != 0) {
            args->words[args->nwords++] = argv[i];
            continue;
        }

        took = 0;
        status = option_set(args, argv[i] + 2, i + 1 < argc ? argv[i + 1]
                                                            : NULL, &took);
        if (status != EHRCTL_OK) {
            return status;
        }

        i += took;
    }

    return EHRCTL_OK;
}


/* The first words are noun and verb, if it has one. */

static int
operands_check(args_t *args)
{
    ehrctl_t  *ctl = args->ctl;
    int        first = args->verb->verb[0] ? 2 : 1;
    int        n = args->nwords - first;

    if (args->verb->noperands == OPERANDS_ANY ? n < 1
        : args->verb->noperands == OPERANDS_MAYBE ? n > 1
        : n != args->verb->noperands)
    {
        return usage("wrong number of operands, expected",
                     args->verb->operands[0] ? args->verb->operands : "none");
    }

    if (args->verb->noperands == OPERANDS_ANY) {
        ctl->npaths = n;
        ctl->paths = ehr_arena_alloc(ctl->arena, (size_t) n * sizeof(char *));

        if (ctl->paths == NULL) {
            return output_failure("no memory", NULL);
        }

        memcpy(ctl->paths, args->words + first, (size_t) n * sizeof(char *));

        return EHRCTL_OK;
    }

    for (int i = first; i < args->nwords; i++) {
        ctl->operands[ctl->noperands++] = args->words[i];
    }

    return EHRCTL_OK;
}


static int
words_check(args_t *args)
{
    ehrctl_t  *ctl = args->ctl;
    int        status = operands_check(args);

    if (status != EHRCTL_OK) {
        return status;
    }

    if (ctl->output_name == NULL || strcmp(ctl->output_name, "table") == 0) {
        ctl->output = EHRCTL_TABLE;

    } else if (strcmp(ctl->output_name, "json") == 0) {
        ctl->output = EHRCTL_JSON;

    } else {
        return usage("output must be table or json", "");
    }

    if ((args->verb->groups & GROUP_REASON) && ctl->reason == NULL) {
        return usage("the option is required", "--reason");
    }

    if ((args->verb->groups & GROUP_ADD) && ctl->name == NULL) {
        return usage("the option is required", "--name");
    }

    if ((args->verb->groups & GROUP_VERIFY)
        && (ctl->jwks == NULL) == (ctl->key == NULL))
    {
        return usage("one of --jwks and --key is required", "");
    }

    return EHRCTL_OK;
}


ehrctl_run_pt
ehrctl_args_read(ehrctl_t *ctl, int argc, char **argv, int *status)
{
    int     wants_help = argc == 2 && strcmp(argv[1], "help") == 0;
    args_t  args = { .ctl = ctl };

    *status = EHRCTL_USAGE;

    if (argc > ARGS_MAX) {
        *status = usage("too many words", "");
        return NULL;
    }

    verb_find(&args, argc, argv);

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        wants_help |= strcmp(argv[i], "--help") == 0;
    }

    if (wants_help) {
        *status = EHRCTL_OK;

        if (args.verb != NULL) {
            verb_help(args.verb);

        } else {
            main_help();
        }

        return NULL;
    }

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void) printf("ehrctl %s\n", EHRCTL_VERSION);
        *status = EHRCTL_OK;
        return NULL;
    }

    if (args.verb == NULL) {
        *status = usage(argc < 2 ? "nothing to do" : "unknown command", "");
        return NULL;
    }

    *status = words_read(&args, argc, argv);

    if (*status == EHRCTL_OK) {
        *status = words_check(&args);
    }

    return *status == EHRCTL_OK ? args.verb->run : NULL;
}


static const char *
from_environment(ehrctl_t *ctl, const char *variable, const char *file)
{
    int          n;
    char         path[4096];
    const char  *value, *pki;

    value = getenv(variable);
    if (value != NULL && value[0] != '\0') {
        return value;
    }

    pki = getenv("EHR_PKI");
    if (pki == NULL || pki[0] == '\0') {
        return NULL;
    }

    n = snprintf(path, sizeof(path), "%s/%s", pki, file);
    if (n < 0 || (size_t) n >= sizeof(path)) {
        return NULL;
    }

    return ehr_arena_dup(ctl->arena, path, (size_t) n).data;
}


int
ehrctl_args_connection(ehrctl_t *ctl)
{
    if (ctl->server == NULL) {
        ctl->server = getenv("EHR_ADMIN");
    }

    if (ctl->cert == NULL) {
        ctl->cert = from_environment(ctl, "EHR_ADMIN_CERT", "admin.pem");
    }

    if (ctl->key == NULL) {
        ctl->key = from_environment(ctl, "EHR_ADMIN_KEY", "admin.key");
    }

    if (ctl->ca == NULL) {
        ctl->ca = from_environment(ctl, "EHR_ADMIN_CA", "server-ca.pem");
    }

    if (ctl->server == NULL || ctl->server[0] == '\0') {
        return usage("no server: give --server or set EHR_ADMIN", "");
    }

    if (ctl->cert == NULL || ctl->key == NULL || ctl->ca == NULL) {
        return usage("no certificate, key or CA: give --cert, --key and --ca,"
                     " or set EHR_PKI", "");
    }

    return EHRCTL_OK;
}
