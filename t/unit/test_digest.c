/* SPDX-License-Identifier: BSD-2-Clause */

/* Content-Digest as senders write it, and as they should not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ehr_digest.h"


/* SHA-256 of {"hello": "world"}, RFC 9530 section 2, and another. */

#define RIGHT  ":X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
#define OTHER  ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

static const uint8_t  right[4] = { 0x5f, 0x8f, 0x04, 0xf6 };
static const uint8_t  other[4] = { 0xe3, 0xb0, 0xc4, 0x42 };


typedef enum {
    NONE,                     /* a field that says nothing of sha-256 */
    BROKEN,
    IS_RIGHT,
    IS_OTHER
} said_e;


/* From memory of just that length: a sanitizer sees one byte too far. */

static void
read_line(ehr_digest_t *digest, const char *text, size_t len)
{
    char       *copy = malloc(len + 1);
    ehr_str_t   line = { copy + 1, len };

    assert_non_null(copy);
    memcpy(copy + 1, text, len);
    ehr_digest_read(digest, line);
    free(copy);
}


static said_e
said(const ehr_digest_t *digest)
{
    if (digest->is_broken) {
        return BROKEN;
    }

    if (!digest->has_sha256) {
        return NONE;
    }

    if (memcmp(digest->sha256, right, sizeof(right)) == 0) {
        return IS_RIGHT;
    }

    assert_memory_equal(digest->sha256, other, sizeof(other));

    return IS_OTHER;
}


static void
expect(said_e wanted, const char *text)
{
    ehr_digest_t  digest = { { 0 }, 0, 0 };

    read_line(&digest, text, strlen(text));

    if (said(&digest) != wanted) {
        fail_msg("%s: %d instead of %d", text, said(&digest), wanted);
    }
}


static void
lines(said_e wanted, const char *first, const char *second)
{
    ehr_digest_t  digest = { { 0 }, 0, 0 };

    read_line(&digest, first, strlen(first));
    read_line(&digest, second, strlen(second));

    if (said(&digest) != wanted) {
        fail_msg("%s; %s: %d instead of %d", first, second, said(&digest),
                 wanted);
    }
}


static void
the_digest_of_rfc_9530_is_read(void **state)
{
    expect(IS_RIGHT, "sha-256=" RIGHT);
    expect(IS_OTHER, "sha-256=" OTHER);
    expect(IS_RIGHT, "  sha-256=" RIGHT "  ");
    expect(IS_RIGHT, "sha-256=" RIGHT ";a;b=1;c=\"x,y\"; d=:AA==:;*=?1");
    expect(IS_RIGHT, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE:");
}


static void
it_is_found_among_others(void **state)
{
    expect(IS_RIGHT, "sha-512=:AAAA:, sha-256=" RIGHT);
    expect(IS_RIGHT, "sha-256=" RIGHT "\t,\tsha-512=:AAAA:;q=0.5");
    expect(IS_RIGHT, "a,b=2,c=?0;x,sha-256=" RIGHT ",z=(1 \"two\";k  t*:/ )");
    expect(IS_RIGHT, "md5=\"sha-256=" OTHER "\", sha-256=" RIGHT);
    expect(IS_RIGHT, "sha-256=" RIGHT ", xsha-256=" OTHER);
    expect(IS_RIGHT, "sha-256=" RIGHT ", sha-2567=" OTHER);
    expect(IS_RIGHT, "x=1;sha-256=" OTHER ", sha-256=" RIGHT);
}


static void
of_several_the_last_counts(void **state)
{
    expect(IS_OTHER, "sha-256=" RIGHT ", sha-256=" OTHER);
    lines(IS_OTHER, "sha-256=" RIGHT, "sha-256=" OTHER);
    lines(IS_RIGHT, "sha-512=:AAAA:", "sha-256=" RIGHT);
    lines(IS_RIGHT, "sha-256=" RIGHT, "md5=:AAAA:");
    lines(IS_RIGHT, "", "sha-256=" RIGHT);
}


static void
other_algorithms_alone_say_nothing(void **state)
{
    expect(NONE, "");
    expect(NONE, "   ");
    expect(NONE, "sha-512=:AAAA:");
    expect(NONE, "sha-512=:nodigest=:");
    expect(NONE, "sha=token/of:any, b=-1.5, c=999999999999999");
    expect(NONE, "unixsum=30637;sha-256=" RIGHT);
    expect(NONE, "md5=\"sha-256=" RIGHT "\"");
    expect(NONE, "md5=\"\\\", sha-256=" RIGHT "\\\\\"");
    expect(NONE, "sha-256x=1");
}


static void
a_sha_256_that_is_none_is_broken(void **state)
{
    expect(BROKEN, "sha-256");
    expect(BROKEN, "sha-256;a=1");
    expect(BROKEN, "sha-256=");
    expect(BROKEN, "sha-256=::");
    expect(BROKEN, "sha-256=:AAAA:");
    expect(BROKEN, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBP==:");
    expect(BROKEN, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPEA:");
    expect(BROKEN,
           "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=AAAA:");
    expect(BROKEN, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DB E=:");
    expect(BROKEN, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DB-_=:");
    expect(BROKEN, "sha-256=\"X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=\"");
    expect(BROKEN, "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE");
    expect(BROKEN, "sha-256=(" RIGHT ")");
    expect(BROKEN, "sha-256=1");
    expect(BROKEN, "sha-256=?1");
    lines(BROKEN, "sha-256=:AAAA:", "sha-256=" RIGHT);
}


static void
what_is_no_dictionary_is_broken(void **state)
{
    expect(BROKEN, ",");
    expect(BROKEN, "sha-256=" RIGHT ",");
    expect(BROKEN, ", sha-256=" RIGHT);
    expect(BROKEN, "sha-256=" RIGHT ",, md5=:AAAA:");
    expect(BROKEN, "sha-256=" RIGHT " md5=:AAAA:");
    expect(BROKEN, "sha-256=" RIGHT "x");
    expect(BROKEN, "sha-256= " RIGHT);
    expect(BROKEN, "sha-256 =" RIGHT);
    expect(BROKEN, "SHA-256=" RIGHT);
    expect(BROKEN, "Sha-256=" OTHER ", sha-256=" RIGHT);
    expect(BROKEN, "\tsha-256=" RIGHT);
    expect(BROKEN, "sha-256=" RIGHT ";");
    expect(BROKEN, "sha-256=" RIGHT ";A=1");
    expect(BROKEN, "sha-256=" RIGHT ";a=");
    expect(BROKEN, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=");
    expect(BROKEN, RIGHT);
    lines(BROKEN, "sha-256=" RIGHT, "?");
}


static void
others_are_parsed_too(void **state)
{
    expect(BROKEN, "md5=");
    expect(BROKEN, "md5=:AAAA");
    expect(BROKEN, "md5=:A*A:");
    expect(BROKEN, "md5=:A A:");
    expect(BROKEN, "md5=\"open");
    expect(BROKEN, "md5=\"\\");
    expect(BROKEN, "md5=\"\\a\"");
    expect(BROKEN, "md5=\"\x7f\"");
    expect(BROKEN, "md5=\"\xc3\xa1\"");
    expect(BROKEN, "md5=?2");
    expect(BROKEN, "md5=?");
    expect(BROKEN, "md5=-");
    expect(BROKEN, "md5=1.");
    expect(BROKEN, "md5=1.2345");
    expect(BROKEN, "md5=1234567890123.1");
    expect(BROKEN, "md5=1234567890123456");
    expect(BROKEN, "md5=(");
    expect(BROKEN, "md5=(1");
    expect(BROKEN, "md5=(1;)");
    expect(BROKEN, "md5=(1\"a\")");
    expect(BROKEN, "md5=(1,2)");
    expect(NONE, "md5=( )");
    expect(NONE, "md5=(1 2;a);b, x=123456789012.123");
}


static void
a_nul_ends_nothing(void **state)
{
    static const char  text[] = "md5=1\0, sha-256=" RIGHT;
    ehr_digest_t       digest = { { 0 }, 0, 0 };

    read_line(&digest, text, sizeof(text) - 1);
    assert_int_equal(said(&digest), BROKEN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_digest_of_rfc_9530_is_read),
        cmocka_unit_test(it_is_found_among_others),
        cmocka_unit_test(of_several_the_last_counts),
        cmocka_unit_test(other_algorithms_alone_say_nothing),
        cmocka_unit_test(a_sha_256_that_is_none_is_broken),
        cmocka_unit_test(what_is_no_dictionary_is_broken),
        cmocka_unit_test(others_are_parsed_too),
        cmocka_unit_test(a_nul_ends_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
