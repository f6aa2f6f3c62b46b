/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The whole contract between the gateway and a plugin.
 *
 * A plugin is a shared object that exports one constant symbol,
 *
 *     const ehr_plugin_t  ehr_plugin = { EHR_PLUGIN_INIT, "name", ... };
 *
 * A partner plugin is two pure functions: prepare() turns a delivery into the
 * next HTTP request, judge() turns the partner's answer into an outcome.  A
 * third one, query(), asks what became of a delivery of which nobody knows.  A
 * validator plugin is one: validate() turns a document into findings.  The
 * host does all input and output; a plugin opens no socket, starts no thread,
 * keeps no mutable static and reads no clock but the host's.
 *
 * Compatibility: the major number must be equal, and the minor one not newer
 * than the host's: a plugin may call whatever its own header has, and asks
 * nobody.  With a minor number ehr_plugin_t and ehr_host_t grow at the end,
 * and nothing else changes; the host reads no member that an older plugin
 * does not have (EHR_PLUGIN_HAS).  Sizes and versions are checked by
 * "nginx -t", and any doubt about a plugin stops the start.
 */

#ifndef EHR_PLUGIN_H
#define EHR_PLUGIN_H


#include <stddef.h>
#include <stdint.h>


#define EHR_ABI_MAJOR  1
#define EHR_ABI_MINOR  2

/* Of prepare(), judge() and query(): there is no memory now for what
 * host->alloc() does not give, a library's above all; called again later
 * (1.2). */
#define EHR_PLUGIN_NO_MEMORY  (-2)


/* Bytes with a length; never NUL-terminated unless said.  data may be NULL
 * only when len is 0. */

typedef struct {
    const char  *data;
    size_t       len;
} ehr_str_t;


#define ehr_string(literal)  { literal, sizeof(literal) - 1 }
#define ehr_null_string      { NULL, 0 }


/* One call of a plugin function; belongs to the host, opaque to plugins. */

typedef struct ehr_call_s  ehr_call_t;


typedef enum {
    EHR_SEVERITY_ERROR = 1,
    EHR_SEVERITY_WARNING
} ehr_severity_e;


/*
 * What a validator says of one place in a document.  Texts name fields and
 * rows, never a value of the document: they reach logs and answers.  Strings
 * must live as long as the call's memory (literals, or host->alloc()).
 */

typedef struct {
    uint32_t    size;         /* sizeof(ehr_finding_t) as compiled */
    uint32_t    severity;     /* ehr_severity_e */
    uint32_t    row;          /* 1.. inside the section; 0: not a row */
    uint32_t    line;         /* 1.. inside the section's XML; 0: unknown */
    ehr_str_t   code;         /* "xml2.ma_thuoc.missing" */
    ehr_str_t   section;      /* "XML2", "CHECKIN", "GIAMDINHHS" */
    ehr_str_t   field;        /* "MA_THUOC" */
    ehr_str_t   path;         /* XPath of the element inside the section */
    ehr_str_t   rule;         /* id in docs/rules.md */
    ehr_str_t   message_vi;
    ehr_str_t   message_en;
} ehr_finding_t;


/*
 * One row of a section: the values of its fields by the ids of the generated
 * header ehr_fields.h, as text, without outer white space and with character
 * references resolved, in Unicode's normal form C: what reads the same is the
 * same.  data is NULL when the element is not there; an element without text
 * has data and len 0.  Of an element that came twice the first.
 */

typedef struct {
    const ehr_str_t  *values; /* nfields of the section */
    uint32_t          number; /* 1..; 0 in a section without a list */
    uint32_t          line;   /* 1.. inside the section's XML; 0: unknown */
} ehr_row_t;


typedef struct {
    ehr_str_t         name;   /* "XML2" */
    const ehr_str_t  *fields; /* their names, by id */
    const ehr_row_t  *rows;   /* in the order of the document */
    uint32_t          nrows;  /* 0: the section is not there, or empty */
    uint32_t          nfields;
    uint32_t          flags;  /* EHR_SECTION_* */
    uint32_t          reserved;
} ehr_section_t;

#define EHR_SECTION_PRESENT  0x01   /* it was in the document */
#define EHR_SECTION_PARTIAL  0x02   /* some of it could not be read: what is
                                       missing in it proves nothing */


/* The document a validator sees: content is the bytes as received, sections
 * what was read from them, by the section ids of ehr_fields.h. */

typedef struct {
    uint32_t              size;         /* sizeof(ehr_plugin_document_t) */
    uint32_t              nsections;
    ehr_str_t             kind;         /* "claim" */
    ehr_str_t             standard;     /* "qd3176" */
    ehr_str_t             facility;     /* MA_CSKCB of the sender */
    ehr_str_t             business_key;
    ehr_str_t             content;
    const ehr_section_t  *sections;
} ehr_plugin_document_t;


/*
 * A rule of a validator, for docs/rules.md, for settings ("rule.M1" is error,
 * warning or off) and for the validator itself.  Sentences name fields, never
 * a value.
 */

typedef struct ehr_check_s  ehr_check_t;    /* the validator's own */

typedef struct {
    const char  *id;          /* "M1"; NULL ends a table */
    uint32_t     classes;     /* EHR_CLASS_* */
    const char  *message_vi;
    const char  *message_en;
    const char  *source;      /* who says so */
    void       (*run)(ehr_check_t *check);  /* the host never calls it */
} ehr_plugin_rule_t;

#define EHR_CLASS_S       0x01    /* structure: error */
#define EHR_CLASS_C       0x02    /* consistency: error */
#define EHR_CLASS_W       0x04    /* opinion: warning */
#define EHR_CLASS_UNSURE  0x10    /* with one of these: the source is not
                                     certain, so it warns */
#define EHR_CLASS_OFF     0x20    /* with one of these: runs only where a
                                     setting asks for it */


/* The facility's account at a partner. */

typedef struct {
    ehr_str_t   username;
    ehr_str_t   password;     /* as the administrator wrote it, clear */
} ehr_account_t;


/*
 * One submission for one partner, as prepare() and judge() see it.
 * session holds the bytes that judge() gave with EHR_OUTCOME_SESSION, empty
 * when there is no valid session for the account.
 */

typedef struct {
    uint32_t       size;      /* sizeof(ehr_delivery_t) */
    uint32_t       attempt;   /* 1.. */
    uint32_t       step;      /* requests already answered in this attempt */
    uint32_t       logins;    /* of these, log-ins: 0 or 1 */
    ehr_str_t      id;        /* the submission's UUIDv7, text */
    ehr_str_t      facility;  /* MA_CSKCB */
    ehr_str_t      kind;
    ehr_str_t      standard;
    ehr_str_t      business_key;
    ehr_str_t      content;   /* bytes as received */
    ehr_str_t      content_type;
    ehr_account_t  account;
    ehr_str_t      session;
} ehr_delivery_t;


typedef struct {
    ehr_str_t   name;
    ehr_str_t   value;
} ehr_header_t;


#define EHR_REQUEST_MAX_HEADERS  16

#define EHR_REQUEST_LOGIN        0x01   /* a log-in: one at a time for the
                                           account, on all workers; its
                                           answer is judged as such */
#define EHR_REQUEST_QUERY        0x02   /* set by the host: query() made it,
                                           and what judge() says is about
                                           the delivery asked for (1.2) */

/* What prepare() asks the host to send.  path starts with '/', and is
 * appended to the partner's location; it must not carry a secret. */

typedef struct {
    uint32_t      size;       /* sizeof(ehr_request_t), set by the host */
    uint32_t      flags;
    ehr_str_t     method;     /* "POST" */
    ehr_str_t     path;       /* "/api/token/take" */
    ehr_str_t     content_type;
    ehr_str_t     body;
    uint32_t      nheaders;
    uint32_t      reserved;
    ehr_header_t  headers[EHR_REQUEST_MAX_HEADERS];
} ehr_request_t;


typedef enum {
    EHR_ANSWER_HTTP = 1,      /* a complete HTTP answer: status, body */
    EHR_ANSWER_UNSENT,        /* certainly not sent: no connection */
    EHR_ANSWER_LOST           /* sent, or perhaps sent, and no readable
                                 answer: reset, time-out, crash of ours */
} ehr_answer_e;


typedef struct {
    uint32_t    size;         /* sizeof(ehr_answer_t) */
    uint32_t    kind;         /* ehr_answer_e */
    uint32_t    flags;        /* EHR_REQUEST_* of the request answered */
    uint32_t    status;       /* HTTP status */
    uint32_t    is_truncated; /* the body was larger than the host keeps */
    uint32_t    reserved;
    ehr_str_t   content_type;
    ehr_str_t   body;
} ehr_answer_t;


typedef enum {
    EHR_OUTCOME_ACCEPTED = 1,
    EHR_OUTCOME_ACCEPTED_WITH_MESSAGE,  /* needs a person */
    EHR_OUTCOME_REFUSED,      /* permanent, the partner's word */
    EHR_OUTCOME_RETRY,        /* temporary; a repeat is safe */
    EHR_OUTCOME_UNCERTAIN,    /* perhaps delivered; a repeat is not safe */
    EHR_OUTCOME_HELD,         /* a person must mend something first */
    EHR_OUTCOME_SESSION,      /* log-in done: session and session_expires_ms
                                 are set; prepare() is called again */
    EHR_OUTCOME_EXPIRED,      /* the session is not valid any more: it is
                                 dropped, prepare() is called again without
                                 one; fresh from the attempt's own log-in
                                 it is tried later, and HELD when that has
                                 lasted (refused= of ehr_partner) */
    EHR_OUTCOME_CONTINUE,     /* this step is done, prepare() the next */
    EHR_OUTCOME_ABSENT        /* of a query alone: the partner certainly has
                                 not got it, so it is sent again (1.2) */
} ehr_outcome_e;


typedef struct {
    uint32_t    size;         /* sizeof(ehr_outcome_t), set by the host */
    uint32_t    kind;         /* ehr_outcome_e; 0 is a broken plugin */
    ehr_str_t   partner_ref;  /* the partner's transaction code */
    ehr_str_t   partner_code; /* the partner's result code */
    ehr_str_t   message;      /* the partner's text: shown to the sender and
                                 to administrators, never logged */
    ehr_str_t   reason;       /* ours, a stable code: "session.refused" */
    ehr_str_t   session;
    int64_t     session_expires_ms;     /* Unix time */
    int64_t     retry_after_ms;         /* hint; 0: the host's back-off */
} ehr_outcome_t;


/* Given to every plugin; only grows at the end. */

typedef struct {
    uint32_t    size;         /* sizeof(ehr_host_t) */
    uint32_t    abi_major;
    uint32_t    abi_minor;
    uint32_t    reserved;

    /* Memory that lives as long as the call's results are used; capped, NULL
     * when the cap is reached; freed by the host. */
    void      *(*alloc)(ehr_call_t *call, size_t size);

    /* Unix time in milliseconds; does not change during a call. */
    int64_t    (*now_ms)(ehr_call_t *call);

    /* A setting of this partner or validator as the administrator wrote it;
     * NULL when it is not set.  NUL-terminated. */
    const char *(*setting)(ehr_call_t *call, const char *name);

    /* Adds a finding (copied).  The administrator's severity of its rule goes
     * before its own; an empty code, path or line is filled in from section,
     * row and field.  0, or -1 without memory. */
    int        (*finding)(ehr_call_t *call, const ehr_finding_t *finding);

    /* 1 when the document has used up its time: a validator looks between
     * its rules, and gives up with 0; the host refuses the document.  Since
     * 1.2; NULL where nothing is timed. */
    int        (*is_late)(ehr_call_t *call);
} ehr_host_t;


/* A kind of document that a partner plugin delivers or a validator checks. */

typedef struct {
    const char  *kind;             /* "claim" */
    uint32_t     is_repeat_safe;   /* 1: sending the same content again does
                                      no harm, so a lost answer is retried;
                                      0: it becomes uncertain */
    uint32_t     reserved;
} ehr_plugin_kind_t;


typedef struct {
    uint32_t    size;              /* sizeof(ehr_plugin_t) as compiled */
    uint32_t    abi_major;
    uint32_t    abi_minor;
    uint32_t    flags;             /* 0 */

    uint32_t    size_document;     /* sizeof of each structure, as compiled */
    uint32_t    size_delivery;
    uint32_t    size_request;
    uint32_t    size_answer;
    uint32_t    size_outcome;
    uint32_t    size_finding;

    const char  *name;             /* "insurance" */
    const char  *version;          /* "1.0.0" */

    /* Kinds a partner plugin delivers or a validator checks, ended by a row
     * with kind NULL. */
    const ehr_plugin_kind_t  *kinds;

    /* At "nginx -t": NULL when the settings are complete and right, else a
     * sentence for the administrator. */
    const char *(*check)(const ehr_host_t *host, ehr_call_t *call);

    /* 0: done (findings say the rest); -1: the plugin failed, the document is
     * not accepted. */
    int  (*validate)(const ehr_host_t *host, ehr_call_t *call,
                     const ehr_plugin_document_t *doc);

    /* 0: request is filled; -1: the plugin failed, the delivery is held. */
    int  (*prepare)(const ehr_host_t *host, ehr_call_t *call,
                    const ehr_delivery_t *dlv, ehr_request_t *request);

    /* 0: outcome is filled; -1: the plugin failed, the delivery is held. */
    int  (*judge)(const ehr_host_t *host, ehr_call_t *call,
                  const ehr_delivery_t *dlv, const ehr_answer_t *answer,
                  ehr_outcome_t *outcome);

    /* EHR_FIELDS_DIGEST of ehr_fields.h; 0: knows no field by its id. */
    uint64_t  fields_digest;

    /* A validator's tables of rules, ended by NULL, each ended by a row with
     * id NULL; may be NULL. */
    const ehr_plugin_rule_t *const  *rules;

    /*
     * 1.2, may be NULL.  In place of prepare() for a delivery that is
     * uncertain: a request that asks the partner what became of it and never
     * carries the document.  Log-ins and steps as there; the answer goes to
     * judge(), which says ACCEPTED, ACCEPTED_WITH_MESSAGE, REFUSED or ABSENT
     * when the partner said so; everything else means "not known yet", and
     * it is asked again later.
     *
     * 0: request is filled; 1: this delivery cannot be asked for, a person
     * decides; -1: the plugin failed, a person decides.
     */
    int  (*query)(const ehr_host_t *host, ehr_call_t *call,
                  const ehr_delivery_t *dlv, ehr_request_t *request);
} ehr_plugin_t;


/* Whether a plugin, perhaps of an older minor version, has a function. */
#define EHR_PLUGIN_HAS(plugin, member)                                        \
    ((plugin)->size >= offsetof(ehr_plugin_t, member)                         \
                       + sizeof((plugin)->member)                             \
     && (plugin)->member != NULL)


#define EHR_PLUGIN_SYMBOL  "ehr_plugin"

#define EHR_PLUGIN_INIT                                                       \
    sizeof(ehr_plugin_t), EHR_ABI_MAJOR, EHR_ABI_MINOR, 0,                    \
    sizeof(ehr_plugin_document_t), sizeof(ehr_delivery_t),                    \
    sizeof(ehr_request_t), sizeof(ehr_answer_t), sizeof(ehr_outcome_t),       \
    sizeof(ehr_finding_t)

#define EHR_PLUGIN_EXPORT  __attribute__((visibility("default")))


#endif /* EHR_PLUGIN_H */
