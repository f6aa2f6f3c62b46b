/* SPDX-License-Identifier: BSD-2-Clause */

/* Prefer as senders write it, and as they should not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ehr_prefer.h"


typedef struct {
    const char  *line;
    int          seconds;
} case_t;


/* From memory of just that length: a sanitizer sees one byte too far. */

static int
wait_of(const char *text, size_t len)
{
    int         seconds;
    char       *copy = malloc(len + 1);
    ehr_str_t   line = { copy + 1, len };

    assert_non_null(copy);
    memcpy(copy + 1, text, len);
    seconds = ehr_prefer_wait(line);
    free(copy);

    return seconds;
}


static void
check(const case_t *cases)
{
    for ( /* void */ ; cases->line; cases++) {
        if (wait_of(cases->line, strlen(cases->line)) != cases->seconds) {
            fail_msg("%s", cases->line);
        }
    }
}


static void
test_found(void **state)
{
    static const case_t  cases[] = {
        { "wait=10", 10 },
        { "Wait=0", 0 },
        { "wait=60", 60 },
        { "wait=61", 60 },
        { "wait=99999999999999999999999", 60 },
        { "wait=007", 7 },
        { "wait = 10", 10 },
        { "wait\t=\t10 ", 10 },
        { "wait=\"10\"", 10 },
        { "respond-async, wait=10", 10 },
        { "respond-async,wait=10,handling=lenient", 10 },
        { ", ,, wait=10", 10 },
        { "wait=10; soft", 10 },
        { "foo; a=\"x, wait=3\", wait=10", 10 },
        { "foo=\"a\\\", wait=3\", wait=10", 10 },
        { "wait=10, wait=20", 10 },             /* the first counts */
        { "@@@, wait=5", 5 },
        { NULL, 0 }
    };

    check(cases);
}


static void
test_ignored(void **state)
{
    static const case_t  cases[] = {
        { "", -1 },
        { " , ", -1 },
        { "wait", -1 },
        { "wait=", -1 },
        { "wait=-5", -1 },
        { "wait=5.5", -1 },
        { "wait=5s", -1 },
        { "wait=\"1\\0\"", -1 },
        { "wait=\"\"", -1 },
        { "wait=soon, wait=10", -1 },
        { "nowait=3", -1 },
        { "waiting=3", -1 },
        { "foo=wait=3", -1 },
        { "foo=\"wait=3\"", -1 },
        { "foo; wait=3", -1 },                  /* a parameter of foo */
        { "foo=\"never closed, wait=3", -1 },
        { "return=minimal", -1 },
        { NULL, 0 }
    };

    check(cases);
}


/* Of any beginning of a line: an end, and nothing read behind it. */

static void
test_cut(void **state)
{
    size_t       i;
    const char  *line = "respond-async, foo=\"a\\\"b\"; c=\"d\", "
                        "wait = \"45\"";

    for (i = 0; i < strlen(line); i++) {
        int  seconds = wait_of(line, i);

        assert_true(seconds == -1 || seconds == 4 || seconds == 45);
    }

    assert_int_equal(wait_of("wait\0=3", 7), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_cut)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
