/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The plan (preload.h): reads its first line, counts the calls that it is
 * about, and does to them what it says.  It knows words, not what they are
 * about.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "preload.h"


#define PAGE        4096
#define AT_COUNTS   512
#define AT_CLOCK    1024
#define HANG_US     2000

/* The state: which plan, which of its lines, how many calls. */

#define PLAN        (UINT64_C(1) << 48)
#define LINE        (UINT64_C(1) << 32)
#define MAX_LINES   0xffff


typedef struct {
    const char  *name;
    int          number;
} errno_t;


typedef struct {
    char           call[16];
    char           name[32];
    unsigned long  nth;
    char           plus;
    char           act[16];
} line_t;


/* In the page.  The state is one number, so that a call counts for the line
 * that was read and for no other. */

typedef struct {
    uint64_t  state;
    uint64_t  hits;
    uint64_t  owner;
} counts_t;


static const errno_t  errnos[] = {
    { "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EROFS", EROFS },
    { "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { NULL, 0 }
};


static const char  dead[] = "any * 1+ EIO\n";


static char  *page;


void
fault_plan_open(const char *path)
{
    int  fd;

    fd = open(path, O_RDWR|O_CLOEXEC);
    if (fd == -1) {
        (void) fprintf(stderr, "fault: %s: no plan\n", path);
        _exit(127);
    }

    page = mmap(NULL, PAGE, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    (void) close(fd);

    if (page == MAP_FAILED) {
        _exit(127);
    }
}


int
fault_is_planned(void)
{
    return page != NULL && page[0] != '\0';
}


int
fault_plan_begins(const char *call)
{
    return page != NULL && strncmp(page, call, strlen(call)) == 0;
}


int64_t
fault_clock_ms(void)
{
    return page == NULL ? 0 : strtoll(page + AT_CLOCK, NULL, 10);
}


static counts_t *
counts(void)
{
    return (counts_t *) (void *) (page + AT_COUNTS);
}


static int
ends_in(const char *name, const char *suffix)
{
    size_t  n, m;

    if (name == NULL) {
        return 0;
    }

    n = strlen(name);
    m = strlen(suffix);

    return strcmp(suffix, "*") == 0
           || (n >= m && strcmp(name + n - m, suffix) == 0);
}


/* "any" is of the files' calls, which have a name that is no port. */

static int
is_about(const line_t *line, const char *call, fault_names_t names)
{
    int       is_file = names.first[0] != '\0' && names.first[0] != ':';
    uint64_t  owner = __atomic_load_n(&counts()->owner, __ATOMIC_SEQ_CST);

    if (strcmp(line->call, call) != 0
        && !(is_file && strcmp(line->call, "any") == 0))
    {
        return 0;
    }

    return (owner == 0 || owner == (uint64_t) getpid())
           && (ends_in(names.first, line->name)
               || ends_in(names.second, line->name));
}


static int
read_line(uint64_t state, line_t *line)
{
    char         text[AT_COUNTS + 1];
    uint64_t     n;
    const char  *at;

    memcpy(text, page, AT_COUNTS);
    text[AT_COUNTS] = '\0';
    at = text;

    for (n = state / LINE & MAX_LINES; n != 0 && at != NULL; n--) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }

    line->plus = ' ';

    return at != NULL
           && sscanf(at, "%15s %31s %lu%c %15s", line->call, line->name,
                     &line->nth, &line->plus, line->act)
              == 5;
}


/* Gives: how many such calls there were with this one; 0 when the line holds
 * no more. */

static uint64_t
count(uint64_t state)
{
    uint64_t  now = state;

    while (!__atomic_compare_exchange_n(&counts()->state, &now, now + 1, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        if (now / LINE != state / LINE) {
            return 0;
        }
    }

    return (now + 1) % LINE;
}


static void
next_line(void)
{
    uint64_t  now = __atomic_load_n(&counts()->state, __ATOMIC_SEQ_CST);
    uint64_t  next = (now / LINE + 1) * LINE;

    __atomic_store_n(&counts()->owner, (uint64_t) getpid(), __ATOMIC_SEQ_CST);

    while (!__atomic_compare_exchange_n(&counts()->state, &now, next, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
           && now / LINE == next / LINE - 1)
    {
        /* somebody has counted meanwhile */
    }
}


static void
give_up_the_disk(void)
{
    counts_t  *now = counts();

    __atomic_store_n(page, '\0', __ATOMIC_SEQ_CST);
    now->state = (now->state / PLAN + 1) * PLAN;
    now->owner = 0;
    memcpy(page + 1, dead + 1, sizeof(dead) - 1);
    __atomic_store_n(page, dead[0], __ATOMIC_SEQ_CST);
}


static void
hang(void)
{
    char  before[AT_COUNTS];

    memcpy(before, page, sizeof(before));

    while (memcmp(before, page, sizeof(before)) == 0) {
        (void) usleep(HANG_US);
    }
}


static fault_act_e
fail_with(int number)
{
    errno = number;

    return FAULT_ACT_FAIL;
}


static fault_act_e
begin_act(const char *act)
{
    size_t  i;

    static const struct {
        const char   *name;
        fault_act_e   act;
    } acts[] = {
        { "short", FAULT_ACT_SHORT }, { "lie", FAULT_ACT_LIE },
        { "kill-after", FAULT_ACT_KILL }, { "crash-after", FAULT_ACT_CRASH },
        { "next", FAULT_ACT_NEXT }
    };

    for (i = 0; errnos[i].name != NULL; i++) {
        if (strcmp(act, errnos[i].name) == 0) {
            return fail_with(errnos[i].number);
        }
    }

    for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(act, acts[i].name) == 0) {
            return acts[i].act;
        }
    }

    if (strcmp(act, "dead") == 0) {
        give_up_the_disk();
        return fail_with(EIO);
    }

    if (strcmp(act, "hang") == 0) {
        hang();
        return FAULT_ACT_NONE;
    }

    if (strcmp(act, "kill-before") == 0) {
        fault_after(FAULT_ACT_KILL);
    }

    if (strcmp(act, "crash-before") == 0) {
        fault_after(FAULT_ACT_CRASH);
    }

    (void) fprintf(stderr, "fault: no act \"%s\"\n", act);
    _exit(127);
}


fault_act_e
fault_act(const char *call, fault_names_t names)
{
    line_t    line;
    uint64_t  n, state;

    if (!fault_is_planned() || names.first == NULL) {
        return FAULT_ACT_NONE;
    }

    state = __atomic_load_n(&counts()->state, __ATOMIC_SEQ_CST);

    if (!read_line(state, &line) || !is_about(&line, call, names)) {
        return FAULT_ACT_NONE;
    }

    n = count(state);

    if (n == 0 || n < line.nth || (n > line.nth && line.plus != '+')) {
        return FAULT_ACT_NONE;
    }

    (void) __atomic_add_fetch(&counts()->hits, 1, __ATOMIC_SEQ_CST);

    return begin_act(line.act);
}


void
fault_after(fault_act_e act)
{
    switch (act) {

    case FAULT_ACT_KILL:
        (void) kill(getpid(), SIGKILL);
        break;

    case FAULT_ACT_CRASH:
        (void) kill(0, SIGKILL);
        break;

    case FAULT_ACT_NEXT:
        next_line();
        break;

    default:
        break;
    }
}
