/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files ehr_signature*.c share and nobody else needs: the steps of
 * one check, in the order in which they run, and the faults they find.
 */

#ifndef EHR_SIGNATURE_PARTS_H
#define EHR_SIGNATURE_PARTS_H


#include <libxml/tree.h>
#include <openssl/x509.h>

#include "ehr_signature.h"


#define EHR_SIGN_NODES         100000 /* of the tree: 12 MB */
#define EHR_SIGN_NAMESPACES    16     /* in scope of one element: C14N looks
                                         at all of them for each */
#define EHR_SIGN_IDS           64
#define EHR_SIGN_REFERENCES    4
#define EHR_SIGN_OBJECTS       4
#define EHR_SIGN_CERTIFICATES  8
#define EHR_SIGN_TEXT_MAX      (16 * 1024)  /* of one Base64 value */


/*  id, problem, code, element, text (vi), text (en) */

#define EHR_SIGN_FAULTS(X)                                                    \
    X(ABSENT, REQUIRED, "signature.missing", "",                              \
      "Hồ sơ chưa được ký số", "The document is not signed")                  \
    X(MALFORMED, INVALID, "signature.malformed", "",                          \
      "Phần dữ liệu đã ký không đọc được", "The signed data cannot be read")  \
    X(SIZE, INVALID, "signature.size", "",                                    \
      "Hồ sơ có quá nhiều phần tử, thuộc tính Id hoặc không gian tên để "     \
      "kiểm tra chữ ký",                                                      \
      "Too many elements, Ids or namespaces to check a signature")            \
    X(CPU, INVALID, "signature.cpu", "",                                      \
      "Kiểm tra chữ ký tốn quá nhiều thời gian xử lý",                        \
      "Checking the signature took more CPU time than allowed")               \
    X(PLACE, INVALID, "signature.place", "Signature",                         \
      "Chữ ký không nằm đúng vị trí quy định",                                \
      "The signature does not stand where this kind of document has it")      \
    X(SEVERAL, INVALID, "signature.several", "Signature",                     \
      "Có nhiều hơn một chữ ký", "There is more than one signature")          \
    X(COMMENT, INVALID, "signature.comment", "",                              \
      "Hồ sơ đã ký không được chứa chú thích XML",                            \
      "A signed document must not contain XML comments")                      \
    X(ID, INVALID, "signature.id", "",                                        \
      "Thuộc tính Id bị trùng hoặc không hợp lệ",                             \
      "An Id is not unique or not valid")                                     \
    X(STRUCTURE, INVALID, "signature.structure", "Signature",                 \
      "Cấu trúc chữ ký thiếu, thừa hoặc sai thứ tự phần tử",                  \
      "An element of the signature is missing, out of order or not allowed")  \
    X(C14N, INVALID, "signature.canonicalization", "CanonicalizationMethod",  \
      "Phương pháp chuẩn hóa không được chấp nhận",                           \
      "The canonicalization method is not allowed")                           \
    X(METHOD, INVALID, "signature.method", "SignatureMethod",                 \
      "Thuật toán ký không được chấp nhận",                                   \
      "The signature algorithm is not allowed")                               \
    X(DIGEST_METHOD, INVALID, "signature.digest-method", "DigestMethod",      \
      "Thuật toán băm không được chấp nhận",                                  \
      "The digest algorithm is not allowed")                                  \
    X(TRANSFORM, INVALID, "signature.transform", "Transform",                 \
      "Phép biến đổi không được chấp nhận",                                   \
      "A transform is not allowed")                                           \
    X(URI, INVALID, "signature.uri", "Reference",                             \
      "Tham chiếu phải trỏ tới một phần tử trong chính hồ sơ này",            \
      "A reference must name an element of this document")                    \
    X(COVERAGE, INVALID, "signature.coverage", "Reference",                   \
      "Chữ ký không bao gồm toàn bộ nội dung được xử lý",                     \
      "The signature does not cover everything that is processed")            \
    X(DIGEST, INVALID, "signature.digest", "DigestValue",                     \
      "Nội dung đã bị thay đổi sau khi ký",                                   \
      "The content was changed after it was signed")                          \
    X(VALUE, INVALID, "signature.value", "SignatureValue",                    \
      "Giá trị chữ ký không đúng", "The signature value is wrong")            \
    X(NO_CERTIFICATE, INVALID, "signature.no-certificate", "KeyInfo",         \
      "Chữ ký không kèm chứng thư số (X509Certificate)",                      \
      "The signature carries no certificate (X509Certificate)")               \
    X(CERTIFICATE, INVALID, "signature.certificate", "X509Certificate",       \
      "Chứng thư số đi kèm không đọc được hoặc không xác định được người ký", \
      "A certificate cannot be read, or it is not clear which one signed")    \
    X(KEY, INVALID, "signature.key", "X509Certificate",                       \
      "Khóa của chứng thư số quá yếu hoặc không hợp với thuật toán ký",       \
      "The certificate's key is too weak or does not fit the algorithm")      \
    X(CHAIN, UNTRUSTED, "signature.chain", "X509Certificate",                 \
      "Chứng thư số không do tổ chức được tin cậy cấp",                       \
      "The certificate was not issued by a trusted authority")                \
    X(EXPIRED, UNTRUSTED, "signature.expired", "X509Certificate",             \
      "Chứng thư số đã hết hạn khi hồ sơ được nhận",                          \
      "The certificate had expired when the document was received")           \
    X(NOT_YET, UNTRUSTED, "signature.not-yet-valid", "X509Certificate",       \
      "Chứng thư số chưa có hiệu lực khi hồ sơ được nhận",                    \
      "The certificate was not yet valid when the document was received")     \
    X(USAGE, UNTRUSTED, "signature.usage", "X509Certificate",                 \
      "Chứng thư số không dành cho ký số",                                    \
      "The certificate is not meant for signing")                             \
    X(FACILITY, UNTRUSTED, "signature.facility", "X509Certificate",           \
      "Chứng thư số không phải của cơ sở gửi hồ sơ",                          \
      "The certificate is not the sending facility's")                        \
    X(EXPIRES_SOON, WARNING, "signature.expires-soon", "X509Certificate",     \
      "Chứng thư ký số sẽ hết hạn trong vòng 30 ngày",                        \
      "The signing certificate expires within 30 days")                       \
    X(NOT_LISTED, WARNING, "signature.facility-unchecked", "X509Certificate", \
      "Chưa kiểm tra được chứng thư số có thuộc cơ sở gửi hay không",         \
      "Whether the certificate belongs to the facility was not checked")      \
    X(SHA1, WARNING, "signature.sha1", "SignatureMethod",                     \
      "Chữ ký dùng SHA-1, nên chuyển sang SHA-256",                           \
      "The signature uses SHA-1; SHA-256 should be used")


typedef enum {
    EHR_SIGN_NONE = 0,
#define X(id, problem, code, element, vi, en)  EHR_SIGN_##id,
    EHR_SIGN_FAULTS(X)
#undef X
    EHR_SIGN_BROKEN               /* ours: no memory */
} ehr_sign_fault_e;


/* Who may sign for a facility: one row of the list of pins. */

typedef struct {
    char     facility[EHR_FACILITY_MAX + 1];
    char     tax_code[16];        /* "": by digest */
    uint8_t  sha256[EHR_SHA256_LEN];
} ehr_sign_pin_t;


/* Read only once it is loaded. */

struct ehr_signature_policy_s {
    ehr_kind_e             kind;
    ehr_signature_mode_e   mode;
    X509_STORE            *authorities;   /* NULL: pins stand for them */
    ehr_sign_pin_t        *pins;          /* sorted by facility */
    size_t                 npins;
    unsigned               has_pins:1;
    unsigned               allows_sha1:1;
};


/* Where a kind of document has its signature and what is signed. */

typedef struct {
    const char  *root;
    const char  *holder;          /* child of root; NULL: root itself */
    const char  *part;            /* child of root that may be signed alone */
    const char  *beside;          /* what may then stand beside it unsigned:
                                     compared with the TLS certificate */
    const char  *section;         /* for findings */
} ehr_sign_shape_t;


/* One check, from bytes to verdict; all pointers into the tree. */

typedef struct {
    const ehr_signature_policy_t  *policy;
    const ehr_signature_input_t   *in;
    const ehr_sign_shape_t        *shape;
    ehr_arena_t                   *arena;
    ehr_findings_t                *findings;

    xmlDocPtr                      doc;
    xmlNodePtr                     root;
    xmlNodePtr                     signature;
    xmlNodePtr                     key_info;
    xmlAttrPtr                     ids[EHR_SIGN_IDS];
    uint32_t                       nids;
    uint32_t                       nsignatures;
    uint32_t                       nreferences;
    uint32_t                       skipped_lines;

    X509                          *signer;
    STACK_OF(X509)                *others;

    ehr_problem_e                  problem;
    unsigned                       has_comment:1;
    unsigned                       is_rsa:1;      /* by SignatureMethod */
    unsigned                       is_sha1:1;
} ehr_sign_t;


/* NULL for a kind that carries no signature. */
const ehr_sign_shape_t *ehr_sign_shape(ehr_kind_e kind);

/* Each step gives the first fault it finds. */

/* bytes become s->doc, s->root; ehr_sign_tree_free() is due in any case. */
ehr_sign_fault_e ehr_sign_tree(ehr_sign_t *s, ehr_str_t bytes);
void ehr_sign_tree_free(ehr_sign_t *s);

/* Finds s->signature; it stays NULL when there is none. */
ehr_sign_fault_e ehr_sign_find(ehr_sign_t *s);

/* Everything in the signature that is a choice of the sender, compared with
 * what is allowed, and what its references cover. */
ehr_sign_fault_e ehr_sign_choices(ehr_sign_t *s);

/* KeyInfo becomes s->signer and s->others; ehr_sign_signer_free() is due. */
ehr_sign_fault_e ehr_sign_signer(ehr_sign_t *s);
void ehr_sign_signer_free(ehr_sign_t *s);

/* Digests and signature value, by xmlsec with the signer's key. */
ehr_sign_fault_e ehr_sign_verify(ehr_sign_t *s);

/* The signer against authorities, time and pins.  *warning may be set. */
ehr_sign_fault_e ehr_sign_trust(const ehr_sign_t *s,
                                ehr_sign_fault_e *warning);
int ehr_sign_expires_soon(const ehr_sign_t *s);

/* EHR_BROKEN when xmlsec cannot be made ready. */
ehr_rc_t ehr_sign_library_init(void);


/* A step inside the tree. */

static inline xmlNodePtr
ehr_sign_element(xmlNodePtr node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }

    return node;
}


/* An element of the documents themselves: no prefix. */

static inline int
ehr_sign_is_named(const xmlNode *node, const char *name)
{
    return (node->ns == NULL || node->ns->prefix == NULL)
           && strcmp((const char *) node->name, name) == 0;
}


/* An element of XMLDSig. */
int ehr_sign_is(const xmlNode *node, const char *name);

/* Its text, all of it Base64, into the arena; EHR_REFUSED: children, too
 * long, or no Base64. */
ehr_rc_t ehr_sign_base64(ehr_sign_t *s, const xmlNode *node, ehr_str_t *out);


#endif /* EHR_SIGNATURE_PARTS_H */
