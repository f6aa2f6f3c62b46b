/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Namespaces in XML 1.0: which prefixes a tag declares and uses, and that no
 * attribute stands there twice, by whatever prefix.  Knows no namespace but
 * the two that are reserved.
 */

#include "ehr_scan_parts.h"


/* What an attribute's prefix means; from SPACE_FIRST on a place in
 * scan->namespaces. */

#define SPACE_NONE   0
#define SPACE_XML    1
#define SPACE_XMLNS  2
#define SPACE_FIRST  3

#define URI_ALPHA   1
#define URI_DIGIT   2
#define URI_SCHEME  4         /* + - . */
#define URI_HOST    8         /* what else may stand in the name of a host */
#define URI_PATH    16        /* : @ / */
#define URI_QUERY   32        /* ? */
#define URI_BRACE   64        /* [ ], which libxml2 lets stand in fragments */

#define URI_NAME    (URI_ALPHA | URI_DIGIT | URI_HOST)


typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
} uri_t;


/* No '&': libxml2 takes it for a reference inside the URI, with a '#'. */

static const uint8_t  uri_class[128] = {
    ['0' ... '9'] = URI_DIGIT, ['A' ... 'Z'] = URI_ALPHA,
    ['a' ... 'z'] = URI_ALPHA,
    ['-'] = URI_HOST | URI_SCHEME, ['.'] = URI_HOST | URI_SCHEME,
    ['+'] = URI_HOST | URI_SCHEME,
    ['_'] = URI_HOST, ['~'] = URI_HOST, ['!'] = URI_HOST, ['$'] = URI_HOST,
    ['('] = URI_HOST, [')'] = URI_HOST, ['*'] = URI_HOST,
    [','] = URI_HOST, [';'] = URI_HOST, ['='] = URI_HOST, ['\''] = URI_HOST,
    [':'] = URI_PATH, ['@'] = URI_PATH, ['/'] = URI_PATH, ['?'] = URI_QUERY,
    ['['] = URI_BRACE, [']'] = URI_BRACE
};


/* --- the characters of an attribute's value ------------------------------ */


static uri_t
uri_of(ehr_str_t value)
{
    uri_t  uri = { (const uint8_t *) value.data,
                   (const uint8_t *) value.data + value.len };

    return uri;
}


/* The next character, 0 at the end.  Blanks need no normal form: none may
 * stand in a URI. */

static uint32_t
uri_next(uri_t *uri)
{
    if (uri->p == uri->end) {
        return 0;
    }

    return *uri->p == '&' ? ehr_scan_reference(&uri->p, uri->end)
                          : *uri->p++;
}


static uint32_t
uri_peek(uri_t uri)
{
    return uri_next(&uri);
}


static int
uri_is(ehr_str_t a, ehr_str_t b)
{
    uri_t     x = uri_of(a), y = uri_of(b);
    uint32_t  c;

    do {
        c = uri_next(&x);

        if (c != uri_next(&y)) {
            return 0;
        }

    } while (c != 0);

    return 1;
}


/* --- RFC 3986 ------------------------------------------------------------ */


/* Steps over one character of these classes, or over %xx. */

static int
uri_take(uri_t *uri, unsigned classes)
{
    uri_t     at = *uri;
    uint32_t  c = uri_next(&at);

    if (c == '%' && (classes & URI_HOST)) {
        for (int i = 0; i < 2; i++) {
            c = uri_next(&at);

            if (c > 'f' || !((c >= '0' && c <= '9')
                             || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
            {
                return 0;
            }
        }

    } else if (c >= 128 || !(uri_class[c] & classes)) {
        return 0;
    }

    *uri = at;

    return 1;
}


static void
uri_take_all(uri_t *uri, unsigned classes)
{
    while (uri_take(uri, classes)) {
        /* void */
    }
}


static int
uri_take_this(uri_t *uri, uint32_t c)
{
    if (uri_peek(*uri) != c) {
        return 0;
    }

    (void) uri_next(uri);

    return 1;
}


/* libxml2 takes four numbers for an address, and refuses what follows them:
 * nothing may, and a number has three digits at most. */

static int
uri_is_address(uri_t host)
{
    unsigned  groups = 0, digits;

    do {
        for (digits = 0; uri_take(&host, URI_DIGIT); digits++) {
            /* void */
        }

        groups += (digits > 0);

        if (digits == 0 || digits > 3) {
            break;
        }

    } while (groups < 4 && uri_take_this(&host, '.'));

    return groups < 4 || (digits <= 3 && !uri_take(&host, URI_NAME));
}


static int
uri_host(uri_t *uri)
{
    if (uri_take_this(uri, '[')) {
        /* libxml2 takes anything here; a blank or a letter beyond ASCII can
         * be written in ways that uri_is() would not know for the same */
        uri_take_all(uri, URI_NAME | URI_PATH);

        return uri_take_this(uri, ']');
    }

    if (!uri_is_address(*uri)) {
        return 0;
    }

    uri_take_all(uri, URI_NAME);

    return 1;
}


static int
uri_authority(uri_t *uri)
{
    uri_t     at = *uri;
    uint32_t  c;

    while (uri_take(&at, URI_NAME) || uri_take_this(&at, ':')) {
        /* who: before '@' */
    }

    if (uri_take_this(&at, '@')) {
        *uri = at;
    }

    if (!uri_host(uri)) {
        return 0;
    }

    if (uri_take_this(uri, ':')) {
        if (!uri_take(uri, URI_DIGIT)) {
            return 0;
        }

        uri_take_all(uri, URI_DIGIT);
    }

    c = uri_peek(*uri);

    return c == 0 || c == '/' || c == '?' || c == '#';
}


/* Behind the scheme and its colon, or of a URI without one. */

static int
uri_rest(uri_t uri, int has_scheme)
{
    uri_t  at = uri;

    if (uri_take_this(&at, '/') && uri_take_this(&at, '/')) {
        if (!uri_authority(&at)) {
            return 0;
        }

        uri = at;

    } else if (!has_scheme) {
        while (uri_take(&uri, URI_NAME) || uri_take_this(&uri, '@')) {
            /* its first step has no colon */
        }

        if (uri_peek(uri) == ':') {
            return 0;
        }
    }

    uri_take_all(&uri, URI_NAME | URI_PATH);

    if (uri_take_this(&uri, '?')) {
        uri_take_all(&uri, URI_NAME | URI_PATH | URI_QUERY);
    }

    if (uri_take_this(&uri, '#')) {
        uri_take_all(&uri, URI_NAME | URI_PATH | URI_QUERY | URI_BRACE);
    }

    return uri_peek(uri) == 0 && uri.p == uri.end;
}


static int
uri_is_valid(ehr_str_t value)
{
    uri_t  uri = uri_of(value);

    if (uri_take(&uri, URI_ALPHA)) {
        uri_take_all(&uri, URI_ALPHA | URI_DIGIT | URI_SCHEME);

        if (uri_take_this(&uri, ':') && uri_rest(uri, 1)) {
            return 1;
        }
    }

    return uri_rest(uri_of(value), 0);
}


/* --- declarations -------------------------------------------------------- */


static int
space_is(const uint8_t *text, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(text, what, len) == 0;
}


static ehr_str_t
space_local(const ehr_scan_name_t *name)
{
    size_t     before = name->prefix ? name->prefix + 1 : 0;
    ehr_str_t  local = { (const char *) name->name + before,
                         name->len - before };

    return local;
}


static int
space_is_default(const ehr_scan_name_t *name)
{
    return name->prefix == 0 && space_is(name->name, name->len, "xmlns");
}


static int
space_is_declaration(const ehr_scan_name_t *name)
{
    return space_is(name->name, name->prefix, "xmlns");
}


/* The name that the two reserved ones have, which nobody else may. */

static int
space_is_reserved(ehr_str_t uri)
{
    return uri_is(uri, ehr_str("http://www.w3.org/XML/1998/namespace"))
           || uri_is(uri, ehr_str("http://www.w3.org/2000/xmlns/"));
}


/* FNV-1a over what its characters mean. */

static uint32_t
space_uri_sum(ehr_str_t value)
{
    uri_t     uri = uri_of(value);
    uint32_t  sum = 2166136261U, c;

    for (c = uri_next(&uri); c != 0; c = uri_next(&uri)) {
        sum = (sum ^ c) * 16777619U;
    }

    return sum;
}


/* The first in force that has the URI of the one behind them.  Compared here,
 * where it was written, so that no tag that uses it pays for its length. */

static uint32_t
space_first(const ehr_scan_t *s)
{
    const ehr_scan_namespace_t  *space = s->namespaces;
    uint32_t                     i, n = s->nnamespaces;

    for (i = 0; i < n; i++) {
        if (space[i].first == i && space[i].sum == space[n].sum
            && uri_is(space[i].uri, space[n].uri))
        {
            break;
        }
    }

    return i;
}


static ehr_scan_e
space_declare(ehr_scan_t *s, const ehr_scan_attribute_t *a)
{
    ehr_str_t              prefix = space_local(&a->name);
    ehr_scan_namespace_t  *space;

    if (ehr_str_is(prefix, "xml")) {
        return uri_is(a->value, ehr_str("http://www.w3.org/XML/1998/"
                                        "namespace"))
               ? EHR_SCAN_OK : EHR_SCAN_SYNTAX;
    }

    if (ehr_str_is(prefix, "xmlns") || a->value.len == 0
        || space_is_reserved(a->value) || !uri_is_valid(a->value))
    {
        return EHR_SCAN_SYNTAX;
    }

    if (s->nnamespaces == EHR_SCAN_NAMESPACES) {
        return EHR_SCAN_ATTRIBUTES_MAX;
    }

    space = &s->namespaces[s->nnamespaces];
    space->prefix = prefix;
    space->uri = a->value;
    space->sum = space_uri_sum(a->value);
    space->first = space_first(s);
    s->nnamespaces++;

    return EHR_SCAN_OK;
}


static ehr_scan_e
space_declarations(ehr_scan_t *s)
{
    ehr_scan_e  rc = EHR_SCAN_OK;

    for (uint32_t i = 0; i < s->nattributes && rc == EHR_SCAN_OK; i++) {
        const ehr_scan_attribute_t  *a = &s->attributes[i];

        if (space_is_declaration(&a->name)) {
            rc = space_declare(s, a);

        } else if (space_is_default(&a->name)
                   && (space_is_reserved(a->value)
                       || !uri_is_valid(a->value)))
        {
            rc = EHR_SCAN_SYNTAX;
        }
    }

    return rc;
}


/* --- use ----------------------------------------------------------------- */


/* SPACE_NONE: nobody has declared it. */

static uint32_t
space_of(const ehr_scan_t *s, const ehr_scan_name_t *name)
{
    ehr_str_t  prefix = { (const char *) name->name, name->prefix };

    if (ehr_str_is(prefix, "xml")) {
        return SPACE_XML;
    }

    for (uint32_t i = s->nnamespaces; i > 0; i--) {
        if (ehr_str_eq(s->namespaces[i - 1].prefix, prefix)) {
            return SPACE_FIRST + s->namespaces[i - 1].first;
        }
    }

    return SPACE_NONE;
}


/* Few are alike: FNV-1a over some 10 bytes. */

static uint32_t
space_sum(ehr_str_t local)
{
    uint32_t  sum = 2166136261U;

    for (size_t i = 0; i < local.len; i++) {
        sum = (sum ^ (uint8_t) local.data[i]) * 16777619U;
    }

    return sum;
}


static int
space_is_twice(const ehr_scan_t *s, const ehr_scan_attribute_t *a)
{
    for (const ehr_scan_attribute_t *b = s->attributes; b < a; b++) {
        if (a->sum == b->sum
            && ehr_str_eq(space_local(&a->name), space_local(&b->name))
            && a->namespace == b->namespace)
        {
            return 1;
        }
    }

    return 0;
}


ehr_scan_e
ehr_scan_spaces(ehr_scan_t *s, const ehr_scan_name_t *name)
{
    ehr_scan_e  rc = space_declarations(s);

    if (rc != EHR_SCAN_OK) {
        return rc;
    }

    if (name->prefix && space_of(s, name) == SPACE_NONE) {
        return EHR_SCAN_SYNTAX;
    }

    for (uint32_t i = 0; i < s->nattributes; i++) {
        ehr_scan_attribute_t  *a = &s->attributes[i];

        a->sum = space_sum(space_local(&a->name));
        a->namespace = SPACE_NONE;

        if (space_is_declaration(&a->name)) {
            a->namespace = SPACE_XMLNS;

        } else if (a->name.prefix) {
            a->namespace = space_of(s, &a->name);

            if (a->namespace == SPACE_NONE) {
                return EHR_SCAN_SYNTAX;
            }
        }

        if (space_is_twice(s, a)) {
            return EHR_SCAN_SYNTAX;
        }
    }

    return EHR_SCAN_OK;
}
