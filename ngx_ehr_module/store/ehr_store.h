/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The journal: submissions, deliveries, attempts, decisions and the registry
 * of facilities, in a database we did not write.  The one interface; backends
 * stand behind it.
 *
 * Every function may block (disk, locks): never on an event loop.  A handle
 * is used by one thread at a time (a mutex inside makes a second one wait).
 * A handle is opened after fork and never carried across one.
 *
 * States of a delivery (interface.md 3.2), each transition one transaction:
 *
 *   pending ──claim──▶ sending ──finish──▶ accepted | accepted_with_message
 *      │                  │                | refused | uncertain | held
 *      │                  └──finish──▶ retrying ──claim──▶ sending
 *      │                                   ▲
 *      │                       held ──unhold, window opened──┘
 *      │      uncertain ──probed──▶ accepted ... refused | retrying
 *      └── superseded (also from retrying, held) by newer content
 *
 * A claim gives the row to an owner and raises its fence; finish writes only
 * where the fence is still the same, so a late worker changes nothing.
 */

#ifndef EHR_STORE_H
#define EHR_STORE_H


#include "ehr.h"
#include "ehr_seal.h"


typedef struct ehr_store_s  ehr_store_t;


typedef enum {
    EHR_STATE_PENDING = 1,
    EHR_STATE_SENDING,
    EHR_STATE_ACCEPTED,
    EHR_STATE_ACCEPTED_WITH_MESSAGE,
    EHR_STATE_REFUSED,
    EHR_STATE_RETRYING,
    EHR_STATE_UNCERTAIN,
    EHR_STATE_HELD,
    EHR_STATE_SUPERSEDED
} ehr_state_e;

/* "pending", ...; NULL for none. */
const char *ehr_state_name(ehr_state_e state);
/* 0 for a name that is none. */
ehr_state_e ehr_state_of_name(ehr_str_t name);
/* 1 when the partner has answered for good (accepted, accepted_with_message,
 * refused, superseded, uncertain, held): nothing will change by itself. */
int ehr_state_is_settled(ehr_state_e state);


#define EHR_STORE_MAX_PARTNERS  8     /* of one submission */

typedef struct {
    const char  *path;                /* of the SQLite file */
    int          is_readonly;
    int          is_packing;          /* new contents are kept packed */
    const ehr_seal_keys_t  *keys;     /* contents are sealed with the first,
                                         opened with all; borrowed; NULL or
                                         none: kept in clear */
    int          is_patient;          /* a journal that is away now is no
                                         failure: the handle answers EHR_LATER
                                         and opens it when it is back */
    int          must_exist;          /* it is known that a journal was made
                                         there: none is not made anew */
    int          busy_timeout_ms;     /* 0: 5000 */
    uint32_t     max_pages;           /* for tests: the disk is full there;
                                         0: no such end */
} ehr_store_options_t;


/*
 * Opens and, unless read-only, creates and migrates (one migration at a time
 * across processes).  Never creates where a journal was made before: beside
 * it lies "<path>.lock", which is not empty then.  NULL and a sentence in
 * error (of size error_len) on failure.  The folder must exist.
 */
ehr_store_t *ehr_store_open(const ehr_store_options_t *options, char *error,
                            size_t error_len);
void ehr_store_close(ehr_store_t *store);

/* The last failure of this handle, for a log line: no document data in it. */
const char *ehr_store_error(const ehr_store_t *store);

/* 1 when this handle has met a page that makes no sense, ever.  What can still
 * be read and written is; a person must look (docs/administration.md). */
int ehr_store_is_corrupt(const ehr_store_t *store);


/* --- writing: many operations in one durable transaction --------------- */

typedef enum {
    EHR_STORE_OP_SUBMIT = 1,
    EHR_STORE_OP_CLAIM,
    EHR_STORE_OP_FINISH,
    EHR_STORE_OP_RECOVER,
    EHR_STORE_OP_UNHOLD,
    EHR_STORE_OP_PROBE,
    EHR_STORE_OP_PROBED
} ehr_store_op_e;


typedef struct ehr_store_op_s  ehr_store_op_t;

struct ehr_store_op_s {
    ehr_store_op_e   type;
    ehr_rc_t         rc;              /* result of this operation alone; only
                                         EHR_OK when it is on disk */
    int              is_unknown;      /* with EHR_LATER: the disk failed so
                                         that it may be there after a crash,
                                         whole; to be asked for again */
    ehr_store_op_t  *next;            /* of the caller's queue */
};


typedef struct {
    char             partner[32];
    ehr_state_e      state;
    int              is_urgent;       /* submit: not behind what is not */
    int64_t          target_ms;       /* submit: the deadline of its kind;
                                         0: none.  It orders and is shown */
    int64_t          next_attempt_ms; /* 0: none */
    uint32_t         attempts;
    uint32_t         probes;          /* times the partner was asked */
    int64_t          next_probe_ms;   /* 0: it is not asked any more */
    ehr_str_t        partner_ref;
    ehr_str_t        partner_code;
    ehr_str_t        message;
    ehr_str_t        reason;          /* stable code of ours */
} ehr_store_delivery_t;


/* What a submission is, without its bytes. */

typedef struct {
    char                   id[EHR_UUID_LEN + 1];
    int64_t                seq;       /* order of acceptance */
    ehr_str_t              facility;
    ehr_str_t              kind;
    ehr_str_t              standard;
    ehr_str_t              business_key;
    ehr_str_t              content_type;
    uint8_t                sha256[EHR_SHA256_LEN];
    int64_t                size;
    int64_t                received_ms;
    ehr_str_t              warnings;  /* JSON array, both languages kept: see
                                         warnings_en */
    ehr_str_t              warnings_en;
    uint32_t               ndeliveries;
    ehr_store_delivery_t   deliveries[EHR_STORE_MAX_PARTNERS];
} ehr_submission_t;


typedef enum {
    EHR_SUBMIT_STORED = 1,            /* new */
    EHR_SUBMIT_DUPLICATE,             /* the same bytes of the same facility,
                                         or the same key with the same bytes */
    EHR_SUBMIT_KEY_REUSED             /* the same key with other bytes */
} ehr_submit_e;


/*
 * Stores a submission with its deliveries (state pending, due at once) unless
 * it is there already (I3).  Other bytes with the same facility, kind and
 * business key supersede the older ones that are pending, retrying or held at
 * the partners they go to.
 * An empty business key supersedes nothing.  When ndeliveries is 0 the
 * submission is stored all the same.
 *
 * rc is EHR_OK for all three results; EHR_BROKEN: the arguments make no
 * submission (no id or facility, a partner twice, an id that is taken).
 */

typedef struct {
    ehr_store_op_t    op;
    /* in: */
    ehr_submission_t  sub;            /* id, facility ... warnings; deliveries:
                                         only partner and reason (decision) */
    ehr_str_t         content;
    ehr_str_t         idempotency_key;    /* may be empty */
    ehr_arena_t      *arena;          /* for the strings of found */
    /* in, or the store's own: */
    int               is_packing_done;    /* packed is what came of it */
    ehr_str_t         packed;
    /* out: */
    ehr_submit_e      result;
    ehr_submission_t  found;          /* DUPLICATE: what is stored */
    ehr_str_t         sealed;         /* the store's own */
    size_t            stored_bytes;   /* out: what the content takes */
} ehr_store_submit_t;


/* Who owns an attempt: a worker's slot and the number it drew when it won the
 * slot.  A slot's worker is alive while it holds the slot's byte in the lock
 * file (engineering.md 12). */

typedef struct {
    uint32_t   slot;
    uint64_t   incarnation;           /* random, not 0, below 2^63 */
} ehr_owner_t;


/* What has become of the bytes of a document. */

typedef enum {
    EHR_CONTENT_WHOLE = 0,
    EHR_CONTENT_REMOVED,              /* not there */
    EHR_CONTENT_NO_KEY,               /* sealed with a key we were not given */
    EHR_CONTENT_DAMAGED,              /* not what was stored in this row */
    EHR_CONTENT_NO_MEMORY
} ehr_content_e;

typedef struct {
    ehr_content_e    is;
    ehr_str_t        bytes;           /* when whole */
    ehr_str_t        type;
} ehr_content_t;


/* A delivery that was due, and is held now for its bytes cannot be had. */

typedef struct {
    char             id[EHR_UUID_LEN + 1];
    ehr_content_e    is;
} ehr_unreadable_t;


typedef struct {
    int64_t           delivery;       /* row number */
    int64_t           fence;
    uint32_t          attempt;        /* 1.. */
    ehr_submission_t  sub;            /* deliveries[0] is the one claimed */
    ehr_str_t         content;
    uint32_t          probes;         /* 1.., of a probe */
} ehr_claim_t;


/*
 * Gives up to max due deliveries of one partner to owner: pending, retrying
 * with next_attempt_ms <= now, and never one whose facility, kind and business
 * key have an older open one at that partner (I7: pending, sending, retrying;
 * held and uncertain ones do not block; an empty key waits for nothing).  An
 * attempt row is begun for each.  Fewer are given when the arena is full;
 * EHR_BROKEN when not even one fits.
 *
 * Facilities take turns, each its delivery with the nearest target_ms; urgent
 * ones, others and those tried before share the places.  What opens_ms()
 * gives a later time for becomes held ("window.closed") and comes back at
 * that time.  Of a paused partner nothing is given.
 *
 * A due one whose bytes are not what was stored is not given but held, with
 * the reason content.damaged or content.missing, or config.store-key when
 * they are sealed with a key that is not configured.
 */

#define EHR_STORE_MAX_CLAIM  256
#define EHR_STORE_RINGS      3

/* The largest document there may be; what one claim takes, and one document
 * more; what its arena allows, lest a document be in everybody's way for ever:
 * three forms of the largest (sealed, packed, as received) behind the rest. */
#define EHR_STORE_MAX_CONTENT  (64u * 1024 * 1024)
#define EHR_STORE_CLAIM_BYTES  (32u * 1024 * 1024)
#define EHR_STORE_CLAIM_ARENA  (EHR_STORE_CLAIM_BYTES                         \
                                + 3 * EHR_STORE_MAX_CONTENT                   \
                                + 32u * 1024 * 1024)

/* Whose turn it is: all zero at first, then the store's; one lane's own. */

typedef struct {
    uint32_t          number;
    char              after[EHR_STORE_RINGS][32];   /* facility served last */
} ehr_store_turn_t;

typedef struct {
    ehr_store_op_t    op;
    const char       *partner;
    ehr_owner_t       owner;
    int64_t           now_ms;
    uint32_t          max;            /* 1..EHR_STORE_MAX_CLAIM */
    ehr_arena_t      *arena;          /* for claims and their bytes: of
                                         EHR_STORE_CLAIM_ARENA */
    int64_t           cap_ms;         /* the longest wait there is; 0: do not
                                         look for longer ones */
    ehr_store_turn_t *turn;           /* NULL: begins anew each time */
    void             *data;
    int64_t         (*opens_ms)(void *data, const ehr_submission_t *sub,
                                int64_t now_ms);    /* 0: open; NULL: all */
    ehr_claim_t      *claims;         /* out, in the arena */
    uint32_t          nclaims;
    uint32_t          nclosed;        /* out: held by a closed window */
    uint32_t          nfar;           /* out: waited longer than cap_ms, for
                                         the clock was put back: due now */
    int               is_paused;      /* out */
    ehr_unreadable_t *unreadable;     /* out, in the arena: held instead */
    uint32_t          nunreadable;
    int64_t           next_due_ms;    /* out: when the next one is due that
                                         was not claimed; 0: none known.
                                         One that waits for older content is
                                         due when that one is finished */
} ehr_store_claim_t;


/*
 * The result of an attempt: EHR_REFUSED when the fence is not ours any more
 * (nothing is changed).  What becomes retrying or held here, by release or by
 * recover, while newer content of its key was accepted, becomes superseded in
 * the same transaction: old content is not sent after new, and new content
 * does not wait for the schedule of the old.
 */

typedef struct {
    ehr_store_op_t    op;
    int64_t           delivery;
    int64_t           fence;
    ehr_state_e       state;          /* not pending, not sending */
    int64_t           now_ms;
    int64_t           next_attempt_ms;    /* for retrying */
    int64_t           next_probe_ms;      /* for uncertain; 0: nobody asks */
    int               http_status;    /* 0: none */
    ehr_str_t         partner_ref;
    ehr_str_t         partner_code;
    ehr_str_t         message;
    ehr_str_t         reason;
} ehr_store_finish_t;


/*
 * Takes back what dead owners left in sending: is_alive() is asked once for
 * each owner found; its rows become retrying (due at now) where is_repeat_safe
 * says so for partner and kind, else uncertain; the attempt's row is ended
 * with reason "worker.lost".
 *
 * crashed() is asked once for each such row: when its plugin crashed the
 * owner, the reason is "plugin.crashed" and the row counts it.  At the second
 * crash it does not go on by itself: held where a repeat would be safe, else
 * uncertain and never asked for.  A row whose question crashed the owner is
 * counted likewise.
 */

#define EHR_STORE_MAX_CRASHES      2
#define EHR_STORE_MAX_QUARANTINED  16

typedef enum {
    EHR_CRASH_NONE = 0,
    EHR_CRASH_UNSENT,                 /* before anything had left */
    EHR_CRASH_SENT
} ehr_crash_e;

typedef struct {
    int64_t           delivery;
    int64_t           fence;
} ehr_taken_t;

typedef struct {
    ehr_store_op_t    op;
    int64_t           now_ms;
    void             *data;
    int             (*is_alive)(void *data, const ehr_owner_t *owner);
    int             (*is_repeat_safe)(void *data, const char *partner,
                                      const char *kind);
    int64_t         (*probe_ms)(void *data, const char *partner);
                                      /* when to ask for what is uncertain;
                                         0: never; NULL: never for any */
    ehr_crash_e     (*crashed)(void *data, const ehr_taken_t *taken);
                                      /* NULL: none ever */
    uint32_t          nretried;       /* out */
    uint32_t          nuncertain;     /* out */
    uint32_t          nheld;          /* out */
    uint32_t          nquarantined;   /* out: crashed often enough */
    ehr_taken_t       quarantined[EHR_STORE_MAX_QUARANTINED];   /* the first
                                         of them */
} ehr_store_recover_t;


/*
 * What was held for one of these reasons is tried again: to retrying, due at
 * now, with reason "config.reloaded".  Bounded: is_full says that more may be
 * left, for another operation.  What newer content has superseded is not held
 * any more, so no old content comes back.
 */

#define EHR_STORE_MAX_UNHOLD  500

typedef struct {
    ehr_store_op_t      op;
    const char         *partner;
    const char *const  *reasons;      /* ended by NULL; "login." stands for
                                         every reason that begins so */
    int64_t             now_ms;
    uint32_t            nunheld;      /* out */
    int                 is_full;      /* out */
} ehr_store_unhold_t;


/*
 * Gives up to max uncertain deliveries of one partner that are to be asked
 * for now.  A claim here has no content and no deliveries: a question never
 * carries the document.  Without a result within lease_ms it is given again;
 * at once when its owner is dead (recover).
 */

#define EHR_STORE_MAX_PROBES  16

typedef struct {
    ehr_store_op_t    op;
    const char       *partner;
    int64_t           now_ms;
    int64_t           lease_ms;       /* more than a question can take */
    int64_t           cap_ms;         /* the longest wait there is but the
                                         lease: what waits longer is due, for
                                         the clock was put back */
    ehr_owner_t       owner;
    uint32_t          max;            /* 1..EHR_STORE_MAX_PROBES */
    ehr_arena_t      *arena;
    ehr_claim_t      *claims;         /* out, in the arena */
    uint32_t          nclaims;
    int64_t           next_due_ms;    /* out: the next question; 0: none */
} ehr_store_probe_t;


/*
 * What the partner said: uncertain (not known yet; next_probe_ms 0: nobody
 * asks any more), retrying (it has not got it: due at now, unless newer
 * content was accepted meanwhile), or one of its last words.  EHR_REFUSED:
 * somebody else decided, or asks, meanwhile; nothing is changed.
 */

typedef struct {
    ehr_store_op_t    op;
    int64_t           delivery;
    int64_t           fence;
    ehr_state_e       state;
    int64_t           now_ms;
    int64_t           next_probe_ms;
    ehr_str_t         partner_ref;
    ehr_str_t         partner_code;
    ehr_str_t         message;
    ehr_str_t         reason;
} ehr_store_probed_t;


/*
 * Runs all operations of the list in one transaction and returns when it is
 * on disk.  EHR_OK: each op->rc speaks for itself.  EHR_LATER: the
 * transaction did not happen (busy, disk full, I/O): every op->rc is
 * EHR_LATER and nothing has changed, nor will it after a crash, unless
 * op->is_unknown says that not even this could be made sure.  After EIO the
 * handle reopens itself on the next call.  EHR_BROKEN: wrong use (a read-only
 * handle, one carried across a fork).
 *
 * Writers of all processes stand in one fair queue (a lock beside the file)
 * that has no time limit of its own: a stopped process that holds it stops
 * the others.  The caller's timer bounds what a client waits.
 */
ehr_rc_t ehr_store_write(ehr_store_t *store, ehr_store_op_t *ops);

/* Moves the write-ahead log into the database, without waiting for readers;
 * between batches.  Gives the frames left. */
ehr_rc_t ehr_store_checkpoint(ehr_store_t *store, int *frames_left);

/* Frames in the log as this handle's last commit saw it; costs nothing.  Above
 * EHR_STORE_CHECKPOINT_FRAMES a checkpoint is worth its fsync. */
#define EHR_STORE_CHECKPOINT_FRAMES  16384

int ehr_store_log_frames(const ehr_store_t *store);

/* Bytes of the log, as it is now, that have no place in the database yet: what
 * that may still grow by. */
uint64_t ehr_store_log_owes(ehr_store_t *store);


/* --- chores ------------------------------------------------------------ */

/* Of one kind, or where kind is NULL of every kind that has no rule of its
 * own; counted from when the last delivery was settled.  0: kept for ever. */

typedef struct {
    const char  *kind;
    int64_t      content_ms;
    int64_t      record_ms;
} ehr_retention_t;


typedef enum {
    EHR_SWEEP_DUE = 0,                /* a time nobody would live to see */
    EHR_SWEEP_PARTNER,                /* no lane serves it */
    EHR_SWEEP_SUBMISSION,             /* delivers what is not there */
    EHR_SWEEP_CONTENT,                /* its bytes are not there */
    EHR_SWEEP_ATTEMPT,                /* open, and of no delivery under way */
    EHR_SWEEP_LAST
} ehr_sweep_e;


#define EHR_STORE_MAX_KEYS_SEEN  16

typedef struct {
    int64_t     id;                   /* 0: in clear */
    int64_t     n;                    /* documents */
} ehr_key_count_t;


typedef struct {
    /* in: */
    ehr_owner_t             owner;    /* incarnation alone */
    int64_t                 configured_ms;  /* of two, the newer has the
                                               chores */
    int64_t                 now_ms;
    int                     is_sweeping;    /* 0: knows no partners */
    int64_t                 retry_max_ms;   /* of any partner */
    const char *const      *partners; /* that lanes serve; none: all */
    uint32_t                npartners;
    const int64_t          *deadlines_ms;   /* of each partner; NULL: what is
                                               held for its deadline stays */
    const ehr_retention_t  *retentions;
    uint32_t                nretentions;

    /* the store's own from one call to the next; zero at first */
    int                     is_mine;  /* the lease is ours */
    int                     is_sweeper;     /* and that of sweeping */
    int64_t                 sweep_due_ms;
    int64_t                 sweep_position[3];
    int64_t                 retain_due_ms;
    int64_t                 retain_position;
    int64_t                 reseal_due_ms;
    int64_t                 reseal_key;
    int64_t                 reseal_seq;

    /* out, of this call: */
    uint32_t                nrepaired[EHR_SWEEP_LAST];
    uint32_t                ncontents;      /* past their retention */
    uint32_t                nrecords;
    uint32_t                nresealed;
    uint32_t                npages;         /* given back to the disk */
    int                     has_more;       /* call again soon */
    ehr_key_count_t         keys[EHR_STORE_MAX_KEYS_SEEN];  /* of the last
                                               count, about each minute */
    uint32_t                nkeys;
} ehr_store_keep_t;

/*
 * A step of the journal's chores, if this caller has or gets the lease on
 * them: retention, sealing anew, giving pages back; and, with a lease of its
 * own, sweeping (delivery.md).
 * Small transactions of its own; keep is the caller's for the handle's life.
 */
ehr_rc_t ehr_store_keep(ehr_store_t *store, ehr_store_keep_t *keep);

/* Whoever leaves gives the lease back, so that nobody waits for its end. */
ehr_rc_t ehr_store_keep_end(ehr_store_t *store, ehr_store_keep_t *keep);


/* --- reading ----------------------------------------------------------- */

/* facility empty: any.  EHR_REFUSED: there is none. */
ehr_rc_t ehr_store_document(ehr_store_t *store, ehr_str_t facility,
                            const char *id, ehr_arena_t *arena,
                            ehr_submission_t *out);

/* The facility's submission of these bytes.  EHR_REFUSED: there is none. */
ehr_rc_t ehr_store_same_bytes(ehr_store_t *store, ehr_str_t facility,
                              const uint8_t *sha256, ehr_arena_t *arena,
                              ehr_submission_t *out);

/* EHR_REFUSED: there is no such submission; EHR_OK: content says whether its
 * bytes are there. */
ehr_rc_t ehr_store_content(ehr_store_t *store, ehr_str_t facility,
                           const char *id, ehr_arena_t *arena,
                           ehr_content_t *content);

/* JSON array, oldest first: {"partner","attempt","started_at","ended_at",
 * "state","http_status","partner_code","partner_ref","reason","worker"}. */
ehr_rc_t ehr_store_attempts(ehr_store_t *store, const char *id,
                            ehr_arena_t *arena, ehr_str_t *json);

/* JSON array, oldest first: {"at","partner","state","reason"}: every
 * transition and every routing decision. */
ehr_rc_t ehr_store_history(ehr_store_t *store, const char *id,
                           ehr_arena_t *arena, ehr_str_t *json);

/* The same with "note", what administrators wrote: for them alone. */
ehr_rc_t ehr_store_timeline(ehr_store_t *store, const char *id,
                            ehr_arena_t *arena, ehr_str_t *json);


typedef struct {
    ehr_str_t    facility;            /* empty: any */
    ehr_str_t    business_key;        /* empty: any */
    ehr_str_t    kind;
    ehr_state_e  state;               /* of any delivery; 0: any */
    int64_t      since_ms;
    int64_t      before_seq;          /* cursor; 0: from the newest */
    uint32_t     limit;               /* 1..100 */
} ehr_store_filter_t;

/* Newest first; *subs in the arena. */
ehr_rc_t ehr_store_list(ehr_store_t *store, const ehr_store_filter_t *filter,
                        ehr_arena_t *arena, ehr_submission_t **subs,
                        uint32_t *nsubs);


typedef struct {
    char         partner[32];
    ehr_state_e  state;
    int64_t      count;
    int64_t      late;                /* past the deadline of their kind */
    int64_t      oldest_ms;           /* received */
} ehr_store_depth_t;

/* Open deliveries (pending, sending, retrying, uncertain, held) by partner
 * and state. */
ehr_rc_t ehr_store_depths(ehr_store_t *store, int64_t now_ms,
                          ehr_arena_t *arena, ehr_store_depth_t **depths,
                          uint32_t *n);


/* Open deliveries of a partner by the age of their documents: up to 5 and 30
 * minutes, 2 and 8 hours, a day, and older. */

#define EHR_STORE_AGES  6

typedef struct {
    char         partner[32];
    int64_t      ages[EHR_STORE_AGES];
} ehr_store_queue_t;

ehr_rc_t ehr_store_queues(ehr_store_t *store, int64_t now_ms,
                          ehr_arena_t *arena, ehr_store_queue_t **queues,
                          uint32_t *n);


/* --- registry ---------------------------------------------------------- */

#define EHR_FACILITY_MAX_CERTS  2

typedef struct {
    uint8_t    sha256[EHR_SHA256_LEN];    /* of the certificate's DER */
    ehr_str_t  subject;                   /* RFC 2253, for people */
    int64_t    not_after_ms;
    int64_t    added_ms;
} ehr_certificate_t;

typedef struct {
    ehr_str_t          code;          /* MA_CSKCB */
    ehr_str_t          name;
    ehr_str_t          standard;      /* "" by dates, or "qd4750" ... */
    uint32_t           kinds;         /* bit (1 << ehr_kind_e); 0: all */
    int                is_suspended;
    ehr_str_t          suspended_reason;
    int64_t            rate_milli;    /* documents a 1000 s; 0: the default;
                                         -1: no limit */
    int64_t            burst;         /* 0: the default */
    int64_t            version;       /* rises with every change: the ETag */
    int64_t            tokens_from_ms;    /* tokens issued before are void */
    int64_t            changed_ms;
    uint32_t           ncerts;
    ehr_certificate_t  certs[EHR_FACILITY_MAX_CERTS];
} ehr_facility_t;

/* Who changes the registry, for the audit row. */

typedef struct {
    ehr_str_t  actor;                 /* administrator's name */
    ehr_str_t  request_id;
    int64_t    now_ms;
    int64_t    if_version;            /* If-Match; 0: any */
    int        is_dry_run;            /* checks everything, changes nothing */
} ehr_change_t;

typedef enum {
    EHR_REGISTRY_OK = 0,
    EHR_REGISTRY_NOT_FOUND,
    EHR_REGISTRY_EXISTS,              /* code, or the certificate (at any
                                         facility) */
    EHR_REGISTRY_VERSION,             /* if_version is not the present one */
    EHR_REGISTRY_FULL,                /* two certificates already */
    EHR_REGISTRY_PAUSED,              /* the partner is: resume it first */
    EHR_REGISTRY_LATER                /* store not available */
} ehr_registry_e;

/* Each is one transaction with its audit row; *out (may be NULL) is the
 * facility afterwards.  add stores code, name, standard, kinds, rate, burst
 * and no certificate. */
ehr_registry_e ehr_registry_add(ehr_store_t *store, const ehr_change_t *change,
                                const ehr_facility_t *fac, ehr_arena_t *arena,
                                ehr_facility_t *out);
ehr_registry_e ehr_registry_suspend(ehr_store_t *store,
                                    const ehr_change_t *change,
                                    ehr_str_t code, ehr_str_t reason,
                                    ehr_arena_t *arena, ehr_facility_t *out);
ehr_registry_e ehr_registry_resume(ehr_store_t *store,
                                   const ehr_change_t *change, ehr_str_t code,
                                   ehr_arena_t *arena, ehr_facility_t *out);
ehr_registry_e ehr_registry_cert_add(ehr_store_t *store,
                                     const ehr_change_t *change,
                                     ehr_str_t code,
                                     const ehr_certificate_t *cert,
                                     ehr_arena_t *arena, ehr_facility_t *out);
ehr_registry_e ehr_registry_cert_remove(ehr_store_t *store,
                                        const ehr_change_t *change,
                                        ehr_str_t code,
                                        const uint8_t sha256[EHR_SHA256_LEN],
                                        ehr_arena_t *arena,
                                        ehr_facility_t *out);

/* --- partners: what administrators said of them --- */

typedef struct {
    int          is_paused;           /* nothing is claimed */
    ehr_str_t    reason;
    ehr_str_t    actor;
    int64_t      version;             /* 0: nobody ever said anything */
    int64_t      changed_ms;
} ehr_partner_t;

typedef enum {
    EHR_PARTNER_PAUSE = 0,
    EHR_PARTNER_RESUME,
    EHR_PARTNER_PROBE                 /* the audit row alone */
} ehr_partner_action_e;

typedef struct {
    ehr_str_t             name;
    ehr_partner_action_e  action;
    ehr_str_t             reason;     /* of a pause */
    ehr_arena_t          *arena;
} ehr_partner_change_t;

/* One transaction with its audit row; *out is what holds afterwards.  It is
 * durable, and the next claim of any worker obeys it. */
ehr_registry_e ehr_partner_change(ehr_store_t *store, const ehr_change_t *who,
                                  const ehr_partner_change_t *what,
                                  ehr_partner_t *out);

ehr_rc_t ehr_partner_load(ehr_store_t *store, ehr_str_t name,
                          ehr_arena_t *arena, ehr_partner_t *out);


/* Rises with every change of any facility. */
ehr_rc_t ehr_registry_generation(ehr_store_t *store, int64_t *generation);

/* All facilities by code; *generation rises with every change of any. */
ehr_rc_t ehr_registry_load(ehr_store_t *store, ehr_arena_t *arena,
                           ehr_facility_t **facs, uint32_t *nfacs,
                           int64_t *generation);


#endif /* EHR_STORE_H */
