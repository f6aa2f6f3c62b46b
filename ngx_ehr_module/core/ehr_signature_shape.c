/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides, before anything is computed, whether a signature is of the shape
 * this gateway knows: in its place, alone, with Ids that mean one element,
 * with choices from a short list, and over the very element that is
 * processed.  Whatever is not on a list is refused; what is computed after
 * that has no choice left.
 */

#include "ehr_base64.h"
#include "ehr_signature_parts.h"


#define SHAPE_XMLDSIG   "http://www.w3.org/2000/09/xmldsig#"
#define SHAPE_MORE      "http://www.w3.org/2001/04/xmldsig-more#"
#define SHAPE_XMLENC    "http://www.w3.org/2001/04/xmlenc#"
#define SHAPE_ID_MAX    128
#define SHAPE_URI_MAX   (SHAPE_ID_MAX + 1)


typedef struct {
    const char  *name;
    unsigned     is_rsa:1;
    unsigned     is_sha1:1;
} shape_method_t;


static const ehr_sign_shape_t  shapes[EHR_KIND_LAST] = {
    [EHR_KIND_CHECKIN] = { "CHI_TIEU_TRANG_THAI_KCB", "CHUKYDONVI",
                           "DSACH_TRANG_THAI_KCB", NULL, "CHECKIN" },
    [EHR_KIND_CLAIM] = { "GIAMDINHHS", "CHUKYDONVI", "THONGTINHOSO",
                         "THONGTINDONVI", "GIAMDINHHS" },
    [EHR_KIND_MEDICAL_ASSESSMENT] = { "CHI_TIEU_GIAM_DINH_YKHOA",
                                      "CHUKYDONVI", "DSACH_GIAM_DINH_YKHOA",
                                      NULL, "XML12" },
    [EHR_KIND_BIRTH_NOTICE] = { "HSDLGCS", "CHUKYDONVI", "GIAYCHUNGSINH",
                                NULL, "HSDLGCS" },
    [EHR_KIND_DEATH_NOTICE] = { "HSDLGBT", "CHUKYDONVI", "GIAYBAOTU", NULL,
                                "HSDLGBT" },
    [EHR_KIND_VOUCHER] = { "HSCHUNGTU", "CHUKYDONVI", "THONGTINHOSO",
                           "THONGTINDONVI", "HSCHUNGTU" },
    [EHR_KIND_DRIVER_EXAM] = { "root", NULL, NULL, NULL, "SIGNDATA" }
};


static const char *const  shape_c14n[] = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2006/12/xml-c14n11",
    NULL
};

static const shape_method_t  shape_methods[] = {
    { SHAPE_MORE "rsa-sha256", 1, 0 },
    { SHAPE_MORE "rsa-sha384", 1, 0 },
    { SHAPE_MORE "rsa-sha512", 1, 0 },
    { SHAPE_MORE "ecdsa-sha256", 0, 0 },
    { SHAPE_MORE "ecdsa-sha384", 0, 0 },
    { SHAPE_MORE "ecdsa-sha512", 0, 0 },
    { SHAPE_XMLDSIG "rsa-sha1", 1, 1 },
    { NULL, 0, 0 }
};

static const shape_method_t  shape_digests[] = {
    { SHAPE_XMLENC "sha256", 0, 0 },
    { SHAPE_MORE "sha384", 0, 0 },
    { SHAPE_XMLENC "sha512", 0, 0 },
    { SHAPE_XMLDSIG "sha1", 0, 1 },
    { NULL, 0, 0 }
};


const ehr_sign_shape_t *
ehr_sign_shape(ehr_kind_e kind)
{
    if (kind >= EHR_KIND_LAST || shapes[kind].root == NULL) {
        return NULL;
    }

    return &shapes[kind];
}


int
ehr_sign_is(const xmlNode *node, const char *name)
{
    return node != NULL && node->ns != NULL && node->ns->href != NULL
           && strcmp((const char *) node->name, name) == 0
           && strcmp((const char *) node->ns->href, SHAPE_XMLDSIG) == 0;
}


static xmlNodePtr
shape_first(const xmlNode *node)
{
    return ehr_sign_element(node->children);
}


static xmlNodePtr
shape_next(const xmlNode *node)
{
    return ehr_sign_element(node->next);
}


/* A value that is one text node: the parser makes no other, as attributes
 * cannot hold anything but text once entities are refused. */

static const char *
shape_attribute(const xmlNode *node, const char *name)
{
    const xmlAttr  *attr;

    for (attr = node->properties; attr; attr = attr->next) {
        if (attr->ns == NULL && strcmp((const char *) attr->name, name) == 0)
        {
            return attr->children && attr->children->content
                   ? (const char *) attr->children->content : "";
        }
    }

    return NULL;
}


/* Gives 0 for what cannot be a value: children, or too much. */

static size_t
shape_text_len(const xmlNode *node)
{
    size_t          n = 0;
    const xmlNode  *child;

    for (child = node->children; child; child = child->next) {
        if (child->type != XML_TEXT_NODE || child->content == NULL) {
            return 0;
        }

        n += strlen((const char *) child->content);

        if (n > EHR_SIGN_TEXT_MAX) {
            return 0;
        }
    }

    return n;
}


ehr_rc_t
ehr_sign_base64(ehr_sign_t *s, const xmlNode *node, ehr_str_t *out)
{
    char           *text;
    size_t          n, len;
    ehr_rc_t        rc;
    ehr_str_t       base64;
    const xmlNode  *child;

    base64.len = shape_text_len(node);
    if (base64.len == 0) {
        return EHR_REFUSED;
    }

    text = ehr_arena_alloc(s->arena, base64.len);
    if (text == NULL) {
        return EHR_BROKEN;
    }

    for (n = 0, child = node->children; child; child = child->next) {
        len = strlen((const char *) child->content);
        memcpy(text + n, child->content, len);
        n += len;
    }

    base64.data = text;
    *out = ehr_base64_decode(base64, s->arena, &rc);

    if (out->data == NULL) {
        return rc == EHR_BROKEN ? EHR_BROKEN : EHR_REFUSED;
    }

    return out->len > 0 ? EHR_OK : EHR_REFUSED;
}


/* --- where it is, and which Ids there are -------------------------------- */


static int
shape_is_id_name(const xmlAttr *attr)
{
    const char  *name = (const char *) attr->name;

    return (name[0] | 0x20) == 'i' && (name[1] | 0x20) == 'd'
           && name[2] == '\0';
}


static const char *
shape_id(const xmlAttr *attr)
{
    return attr->children && attr->children->content
           ? (const char *) attr->children->content : "";
}


/* Whatever some reader could take for an Id counts: Id, ID, id, of any
 * namespace. */

static ehr_sign_fault_e
shape_collect(ehr_sign_t *s, xmlNodePtr node)
{
    xmlAttrPtr  attr;

    if (ehr_sign_is(node, "Signature")) {
        s->nsignatures++;
    }

    for (attr = node->properties; attr; attr = attr->next) {
        if (!shape_is_id_name(attr)) {
            continue;
        }

        if (s->nids == EHR_SIGN_IDS) {
            return EHR_SIGN_SIZE;
        }

        s->ids[s->nids++] = attr;
    }

    return EHR_SIGN_NONE;
}


static ehr_sign_fault_e
shape_walk(ehr_sign_t *s)
{
    xmlNodePtr        node = s->root, up;
    ehr_sign_fault_e  fault;

    /* every step is one of at most EHR_SIGN_NODES nodes */

    while (node != NULL) {
        fault = shape_collect(s, node);
        if (fault != EHR_SIGN_NONE) {
            return fault;
        }

        up = node;
        node = shape_first(node);

        while (node == NULL && up != s->root) {
            node = shape_next(up);
            up = up->parent;
        }
    }

    return EHR_SIGN_NONE;
}


static ehr_sign_fault_e
shape_unique_ids(const ehr_sign_t *s)
{
    for (uint32_t i = 0; i < s->nids; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(shape_id(s->ids[i]), shape_id(s->ids[k])) == 0) {
                return EHR_SIGN_ID;
            }
        }
    }

    return EHR_SIGN_NONE;
}


/* The only element of this name below parent; *n tells how many there are. */

static xmlNodePtr
shape_child(const xmlNode *parent, const char *name, uint32_t *n)
{
    xmlNodePtr  node, found = NULL;

    *n = 0;

    for (node = shape_first(parent); node; node = shape_next(node)) {
        if (ehr_sign_is_named(node, name)) {
            found = found ? found : node;
            (*n)++;
        }
    }

    return found;
}


static int
shape_has_text(const xmlNode *node)
{
    const char  *p;

    for (node = node->children; node; node = node->next) {
        if (node->type != XML_TEXT_NODE || node->content == NULL) {
            continue;
        }

        p = (const char *) node->content;

        if (p[strspn(p, " \t\r\n")] != '\0') {
            return 1;
        }
    }

    return 0;
}


/* An empty holder says that there is no signature; one that holds anything
 * else claims to have one. */

static ehr_sign_fault_e
shape_in_holder(ehr_sign_t *s)
{
    uint32_t    n;
    xmlNodePtr  holder, first;

    holder = shape_child(s->root, s->shape->holder, &n);

    if (n > 1) {
        return EHR_SIGN_PLACE;
    }

    if (n == 0) {
        return s->nsignatures ? EHR_SIGN_PLACE : EHR_SIGN_NONE;
    }

    first = shape_first(holder);

    if (first == NULL && !shape_has_text(holder)) {
        return s->nsignatures ? EHR_SIGN_PLACE : EHR_SIGN_NONE;
    }

    if (!ehr_sign_is(first, "Signature") || shape_next(first)
        || shape_has_text(holder))
    {
        return EHR_SIGN_PLACE;
    }

    s->signature = first;

    return EHR_SIGN_NONE;
}


static ehr_sign_fault_e
shape_in_root(ehr_sign_t *s)
{
    xmlNodePtr  node;

    for (node = shape_first(s->root); node; node = shape_next(node)) {
        if (ehr_sign_is(node, "Signature")) {
            s->signature = node;
            break;
        }
    }

    return s->signature || !s->nsignatures ? EHR_SIGN_NONE : EHR_SIGN_PLACE;
}


ehr_sign_fault_e
ehr_sign_find(ehr_sign_t *s)
{
    ehr_sign_fault_e  fault;

    if (!ehr_sign_is_named(s->root, s->shape->root)) {
        return EHR_SIGN_MALFORMED;
    }

    fault = shape_walk(s);
    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    if (s->nsignatures > 1) {
        return EHR_SIGN_SEVERAL;
    }

    fault = s->shape->holder ? shape_in_holder(s) : shape_in_root(s);
    if (fault != EHR_SIGN_NONE || s->signature == NULL) {
        return fault;
    }

    return s->has_comment ? EHR_SIGN_COMMENT : shape_unique_ids(s);
}


/* --- choices ------------------------------------------------------------- */


/* Algorithm of an element that has nothing but it. */

static const char *
shape_algorithm(const xmlNode *node)
{
    const char  *name = shape_attribute(node, "Algorithm");

    return name && shape_first(node) == NULL ? name : "";
}


static int
shape_is_c14n(const char *name)
{
    for (size_t i = 0; shape_c14n[i]; i++) {
        if (strcmp(shape_c14n[i], name) == 0) {
            return 1;
        }
    }

    return 0;
}


static const shape_method_t *
shape_method(const ehr_sign_t *s, const shape_method_t *list,
             const char *name)
{
    for ( ; list->name; list++) {
        if (strcmp(list->name, name) == 0) {
            return list->is_sha1 && !s->policy->allows_sha1 ? NULL : list;
        }
    }

    return NULL;
}


/* The enveloped transform at most once and first, then at most one C14N. */

static ehr_sign_fault_e
shape_transforms(const xmlNode *transforms, int *is_enveloped)
{
    uint32_t     nc14n = 0;
    xmlNodePtr   node;
    const char  *name;

    for (node = shape_first(transforms); node; node = shape_next(node)) {
        if (!ehr_sign_is(node, "Transform")) {
            return EHR_SIGN_STRUCTURE;
        }

        name = shape_algorithm(node);

        if (strcmp(name, SHAPE_XMLDSIG "enveloped-signature") == 0
            && !*is_enveloped && nc14n == 0)
        {
            *is_enveloped = 1;

        } else if (!shape_is_c14n(name) || nc14n++ > 0) {
            return EHR_SIGN_TRANSFORM;
        }
    }

    return EHR_SIGN_NONE;
}


/* Id, in the form that can stand in no other language: no quotes, no
 * parentheses. */

static int
shape_is_plain(const char *id)
{
    size_t  n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                           "uvwxyz0123456789_.-");

    return n > 0 && n <= SHAPE_ID_MAX && id[n] == '\0'
           && !(id[0] >= '0' && id[0] <= '9') && id[0] != '-'
           && id[0] != '.';
}


static xmlNodePtr
shape_target(ehr_sign_t *s, const char *id)
{
    xmlAttrPtr  attr;

    for (uint32_t i = 0; i < s->nids; i++) {
        attr = s->ids[i];

        if (strcmp(shape_id(attr), id) != 0) {
            continue;
        }

        if (attr->ns != NULL || strcmp((const char *) attr->name, "Id") != 0)
        {
            return NULL;
        }

        if (xmlGetID(s->doc, BAD_CAST id) == NULL
            && xmlAddID(NULL, s->doc, BAD_CAST id, attr) == NULL)
        {
            return NULL;
        }

        return attr->parent;
    }

    return NULL;
}


/* A signed element that is not the document: everything else in the document
 * must be the signature or known to stand beside it. */

static int
shape_is_part(const ehr_sign_t *s, const xmlNode *target)
{
    uint32_t                 nparts = 0, nbeside = 0;
    xmlNodePtr               node;
    const ehr_sign_shape_t  *shape = s->shape;

    if (shape->part == NULL || target->parent != s->root) {
        return 0;
    }

    for (node = shape_first(s->root); node; node = shape_next(node)) {
        if (ehr_sign_is_named(node, shape->part)) {
            nparts++;

        } else if (shape->beside && ehr_sign_is_named(node, shape->beside)) {
            nbeside++;

        } else if (!ehr_sign_is_named(node, shape->holder)) {
            return 0;
        }
    }

    return nparts == 1 && nbeside <= 1
           && ehr_sign_is_named(target, shape->part)
           && !shape_has_text(s->root);
}


/* Signed beside the data: times and roles in an Object of this signature. */

static int
shape_is_own(const ehr_sign_t *s, const xmlNode *target)
{
    const xmlNode  *node;

    for (node = target; node && node != s->root; node = node->parent) {
        if (node->parent == s->signature) {
            return ehr_sign_is(node, "Object")
                   || ehr_sign_is(node, "KeyInfo");
        }
    }

    return 0;
}


/* Does the reference cover the data?  *ndata counts those that do. */

static ehr_sign_fault_e
shape_covers(ehr_sign_t *s, const char *uri, int is_enveloped,
             uint32_t *ndata)
{
    xmlNodePtr  target;

    if (uri == NULL || (uri[0] != '\0' && uri[0] != '#')) {
        return EHR_SIGN_URI;
    }

    if (uri[0] == '\0') {
        target = s->root;

    } else if (!shape_is_plain(uri + 1)) {
        return EHR_SIGN_URI;

    } else {
        target = shape_target(s, uri + 1);
    }

    if (target == NULL) {
        return EHR_SIGN_COVERAGE;
    }

    if (target == s->root) {
        (*ndata)++;

        /* the signature inside would have to sign itself */
        return is_enveloped ? EHR_SIGN_NONE : EHR_SIGN_TRANSFORM;
    }

    if (shape_is_part(s, target)) {
        (*ndata)++;

        return EHR_SIGN_NONE;
    }

    return shape_is_own(s, target) && !is_enveloped ? EHR_SIGN_NONE
                                                    : EHR_SIGN_COVERAGE;
}


static ehr_sign_fault_e
shape_reference(ehr_sign_t *s, const xmlNode *reference, uint32_t *ndata)
{
    int                    is_enveloped = 0;
    ehr_rc_t               rc;
    ehr_str_t              digest;
    xmlNodePtr             node = shape_first(reference);
    ehr_sign_fault_e       fault = EHR_SIGN_NONE;
    const shape_method_t  *method;

    if (ehr_sign_is(node, "Transforms")) {
        fault = shape_transforms(node, &is_enveloped);
        node = shape_next(node);
    }

    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    if (!ehr_sign_is(node, "DigestMethod")) {
        return EHR_SIGN_STRUCTURE;
    }

    method = shape_method(s, shape_digests, shape_algorithm(node));
    if (method == NULL) {
        return EHR_SIGN_DIGEST_METHOD;
    }

    s->is_sha1 |= method->is_sha1;
    node = shape_next(node);

    if (!ehr_sign_is(node, "DigestValue") || shape_next(node)) {
        return EHR_SIGN_STRUCTURE;
    }

    rc = ehr_sign_base64(s, node, &digest);
    if (rc != EHR_OK) {
        return rc == EHR_BROKEN ? EHR_SIGN_BROKEN : EHR_SIGN_STRUCTURE;
    }

    return shape_covers(s, shape_attribute(reference, "URI"), is_enveloped,
                        ndata);
}


static ehr_sign_fault_e
shape_references(ehr_sign_t *s, xmlNodePtr node)
{
    uint32_t          ndata = 0;
    ehr_sign_fault_e  fault;

    for ( ; node; node = shape_next(node)) {
        if (!ehr_sign_is(node, "Reference")
            || s->nreferences == EHR_SIGN_REFERENCES)
        {
            return EHR_SIGN_STRUCTURE;
        }

        s->nreferences++;

        fault = shape_reference(s, node, &ndata);
        if (fault != EHR_SIGN_NONE) {
            return fault;
        }
    }

    return ndata == 1 ? EHR_SIGN_NONE : EHR_SIGN_COVERAGE;
}


static ehr_sign_fault_e
shape_signed_info(ehr_sign_t *s, const xmlNode *info)
{
    xmlNodePtr             node = shape_first(info);
    const shape_method_t  *method;

    if (!ehr_sign_is(node, "CanonicalizationMethod")) {
        return EHR_SIGN_STRUCTURE;
    }

    if (!shape_is_c14n(shape_algorithm(node))) {
        return EHR_SIGN_C14N;
    }

    node = shape_next(node);

    if (!ehr_sign_is(node, "SignatureMethod")) {
        return EHR_SIGN_STRUCTURE;
    }

    method = shape_method(s, shape_methods, shape_algorithm(node));
    if (method == NULL) {
        return EHR_SIGN_METHOD;
    }

    s->is_rsa = method->is_rsa;
    s->is_sha1 = method->is_sha1;

    return shape_references(s, shape_next(node));
}


ehr_sign_fault_e
ehr_sign_choices(ehr_sign_t *s)
{
    uint32_t     nobjects = 0;
    ehr_rc_t     rc;
    ehr_str_t    value;
    xmlNodePtr   info, node;

    info = shape_first(s->signature);
    node = info ? shape_next(info) : NULL;

    if (!ehr_sign_is(info, "SignedInfo")
        || !ehr_sign_is(node, "SignatureValue"))
    {
        return EHR_SIGN_STRUCTURE;
    }

    rc = ehr_sign_base64(s, node, &value);
    if (rc != EHR_OK) {
        return rc == EHR_BROKEN ? EHR_SIGN_BROKEN : EHR_SIGN_STRUCTURE;
    }

    node = shape_next(node);

    if (!ehr_sign_is(node, "KeyInfo")) {
        return EHR_SIGN_NO_CERTIFICATE;
    }

    s->key_info = node;

    for (node = shape_next(node); node; node = shape_next(node)) {
        if (!ehr_sign_is(node, "Object") || ++nobjects > EHR_SIGN_OBJECTS) {
            return EHR_SIGN_STRUCTURE;
        }
    }

    return shape_signed_info(s, info);
}
