/* SPDX-License-Identifier: BSD-2-Clause */

/* Files with a key or a password: by whom else they may be read.  As root the
 * owner is chosen too; anybody else has files of their own only. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ehr_secret.h"


#define SOMEBODY  65534                /* Debian's nobody: not root */
#define SAME      ((gid_t) -1)
#define NMODES(modes)  (sizeof(modes) / sizeof((modes)[0]))


static const mode_t  of_owner[] = { 0600, 0400, 0700 };
static const mode_t  of_group[] = { 0640, 0440 };
static const mode_t  of_others[] = {
    0644, 0604, 0602, 0601, 0444, 0666, 0777,
    0660, 0620, 0610, 0650                  /* a group that may do more */
};


typedef struct {
    int   fd;
    char  path[sizeof("/tmp/ehr-secret-XXXXXX")];
} fixture_t;


static int
set_up(void **state)
{
    fixture_t  *f = calloc(1, sizeof(fixture_t));

    assert_non_null(f);
    memcpy(f->path, "/tmp/ehr-secret-XXXXXX", sizeof(f->path));

    f->fd = mkstemp(f->path);
    assert_int_not_equal(f->fd, -1);
    assert_int_equal(write(f->fd, "secret", 6), 6);
    *state = f;

    return 0;
}


static int
tear_down(void **state)
{
    fixture_t  *f = *state;

    assert_int_equal(close(f->fd), 0);
    (void) unlink(f->path);
    free(f);

    return 0;
}


static void
accepts(const fixture_t *f, const mode_t *modes, size_t n)
{
    int          fd;
    char         byte;
    size_t       i;
    const char  *error;

    for (i = 0; i < n; i++) {
        assert_int_equal(fchmod(f->fd, modes[i]), 0);
        fd = ehr_secret_open(f->path, &error);

        if (fd == -1) {
            fail_msg("%04o: %s", (unsigned) modes[i], error);
        }

        assert_null(error);
        assert_int_equal(read(fd, &byte, 1), 1);
        assert_int_equal(byte, 's');
        assert_int_equal(close(fd), 0);
    }
}


static void
refuses(const fixture_t *f, const mode_t *modes, size_t n)
{
    size_t       i;
    const char  *error;

    for (i = 0; i < n; i++) {
        assert_int_equal(fchmod(f->fd, modes[i]), 0);
        error = NULL;

        if (ehr_secret_open(f->path, &error) != -1) {
            fail_msg("%04o is accepted", (unsigned) modes[i]);
        }

        assert_non_null(strstr(error, "chmod 0600"));
    }
}


static void
what_its_owner_alone_may_read_is_a_secret(void **state)
{
    accepts(*state, of_owner, NMODES(of_owner));
}


static void
what_others_may_read_or_anybody_may_change_is_none(void **state)
{
    refuses(*state, of_others, NMODES(of_others));
}


static void
a_group_may_read_what_belongs_to_root(void **state)
{
    fixture_t  *f = *state;

    if (geteuid() != 0) {
        refuses(f, of_group, NMODES(of_group));
        return;
    }

    accepts(f, of_group, NMODES(of_group));

    assert_int_equal(fchown(f->fd, SOMEBODY, SAME), 0);
    refuses(f, of_group, NMODES(of_group));
    refuses(f, of_others, NMODES(of_others));
    accepts(f, of_owner, NMODES(of_owner));
}


static void
a_link_is_as_secret_as_what_it_leads_to(void **state)
{
    int          fd;
    char         link[sizeof(((fixture_t *) 0)->path) + 5];
    fixture_t   *f = *state;
    const char  *error;

    assert_true(snprintf(link, sizeof(link), "%s.link", f->path) > 0);
    assert_int_equal(symlink(f->path, link), 0);

    fd = ehr_secret_open(link, &error);
    assert_int_not_equal(fd, -1);
    assert_int_equal(close(fd), 0);

    assert_int_equal(fchmod(f->fd, 0644), 0);
    assert_int_equal(ehr_secret_open(link, &error), -1);
    assert_non_null(strstr(error, "chmod 0600"));

    assert_int_equal(unlink(link), 0);
}


static void
what_is_no_file_is_refused_and_never_waited_for(void **state)
{
    fixture_t   *f = *state;
    const char  *error;

    assert_int_equal(ehr_secret_open("/tmp", &error), -1);
    assert_string_equal(error, "is not a file");
    assert_int_equal(ehr_secret_open("/dev/null", &error), -1);
    assert_string_equal(error, "is not a file");

    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(ehr_secret_open(f->path, &error), -1);
    assert_string_equal(error, "there is no such file");

    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(ehr_secret_open(f->path, &error), -1);
    assert_string_equal(error, "is not a file");
}


#define secret_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        secret_test(what_its_owner_alone_may_read_is_a_secret),
        secret_test(what_others_may_read_or_anybody_may_change_is_none),
        secret_test(a_group_may_read_what_belongs_to_root),
        secret_test(a_link_is_as_secret_as_what_it_leads_to),
        secret_test(what_is_no_file_is_refused_and_never_waited_for)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
