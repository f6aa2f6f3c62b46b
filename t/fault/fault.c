/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Preloaded into nginx and test programs: makes the calls on one folder's
 * files fail, fall short, hang or kill at a chosen moment, records them for a
 * power cut (trace.h), takes memory away, and shifts the wall clock.  It knows
 * names of files and system calls, nothing of what is in them.
 *
 *   EHR_FAULT_DIR     the folder; other files are left alone
 *   EHR_FAULT_PLAN    a file of 4096 bytes, mapped by all processes
 *   EHR_FAULT_TRACE   where to record (none: nothing is)
 *
 * The plan's page:
 *
 *   0     "CALL SUFFIX N[+] ACT\n", or a zero byte: nothing happens
 *         CALL    open write sync truncate, or any of them; memory: of
 *                 malloc() and its kin, in all programs but those of a
 *                 sanitizer, whose own is used
 *         SUFFIX  of the file's name ("-wal"); "*" for every file, and for
 *                 memory
 *         N       the N-th such call since the plan was written; with "+"
 *                 every later one too
 *         ACT     an errno (ENOSPC EIO EROFS EMFILE ENOMEM), dead (EIO, and
 *                 every later call on every file too), short (half is
 *                 written),
 *                 lie (an fsync that does nothing and says yes),
 *                 kill-before, kill-after (SIGKILL), hang (until the plan
 *                 changes)
 *   512   number of such calls, and of those that were acted on: uint64_t
 *   1024  "MS\n": milliseconds added to the wall clock
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "trace.h"


#define MAX_FDS     4096
#define MAX_NAME    64
#define PAGE        4096
#define AT_COUNTS   512
#define AT_CLOCK    1024
#define HANG_US     2000


typedef enum {
    NO_ACT = 0,
    FAIL,
    SHORT,
    LIE,
    KILL_BEFORE,
    KILL_AFTER
} act_e;


typedef struct {
    dev_t   dev;
    ino_t   inode;
    int     is_folder;
    char    name[MAX_NAME];   /* "": not one of ours */
} file_t;


typedef struct {
    const char  *name;
    int          number;
} errno_t;


static const errno_t  errnos[] = {
    { "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EROFS", EROFS },
    { "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { NULL, 0 }
};


static const char  dead[] = "any * 1+ EIO\n";
static const char  memory[] = "memory";


/* A preloaded library has no owner to hand its state around. */

static const char  *folder;
static size_t       folder_len;
static char        *page;
static int          trace_fd = -1;
static file_t       files[MAX_FDS];

static int        (*true_open)(const char *, int, ...);
static int        (*true_close)(int);
static ssize_t    (*true_write)(int, const void *, size_t);
static ssize_t    (*true_pwrite)(int, const void *, size_t, off_t);
static int        (*true_fsync)(int);
static int        (*true_fdatasync)(int);
static int        (*true_ftruncate)(int, off_t);
static int        (*true_unlink)(const char *);
static int        (*true_clock_gettime)(clockid_t, struct timespec *);


/* dlsym() gives data pointers; POSIX wants them to be convertible. */

static void
find(void *to, const char *name)
{
    void  *symbol = dlsym(RTLD_NEXT, name);

    if (symbol == NULL) {
        (void) fprintf(stderr, "fault: no %s\n", name);
        _exit(127);
    }

    memcpy(to, &symbol, sizeof(symbol));
}


__attribute__((constructor)) static void
begin(void)
{
    int          fd;
    const char  *plan, *trace;

    if (true_open != NULL) {
        return;
    }

    find(&true_close, "close");
    find(&true_write, "write");
    find(&true_pwrite, "pwrite64");
    find(&true_fsync, "fsync");
    find(&true_fdatasync, "fdatasync");
    find(&true_ftruncate, "ftruncate64");
    find(&true_unlink, "unlink");
    find(&true_clock_gettime, "clock_gettime");
    find(&true_open, "open64");

    /* A copy: nginx writes its title over the environment. */
    folder = getenv("EHR_FAULT_DIR");
    folder = folder ? strdup(folder) : NULL;
    plan = getenv("EHR_FAULT_PLAN");
    trace = getenv("EHR_FAULT_TRACE");

    folder_len = folder ? strlen(folder) : 0;

    if (plan != NULL) {
        fd = true_open(plan, O_RDWR|O_CLOEXEC);
        if (fd == -1) {
            (void) fprintf(stderr, "fault: %s: no plan\n", plan);
            _exit(127);
        }

        page = mmap(NULL, PAGE, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
        (void) true_close(fd);

        if (page == MAP_FAILED) {
            _exit(127);
        }
    }

    if (trace != NULL && trace[0] != '\0') {
        trace_fd = true_open(trace, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC,
                             0600);
    }
}


/* --- which files --- */

/* The name within the folder; "." for the folder itself; NULL for others. */

static const char *
name_of(const char *path)
{
    if (folder == NULL || strncmp(path, folder, folder_len) != 0) {
        return NULL;
    }

    path += folder_len;

    if (*path == '\0') {
        return ".";
    }

    return *path == '/' && strchr(path + 1, '/') == NULL ? path + 1 : NULL;
}


/* A descriptor that was closed behind our back may be another file by now. */

static file_t *
file_of(int fd)
{
    file_t       *file;
    struct stat   st;

    if (fd < 0 || fd >= MAX_FDS || files[fd].name[0] == '\0') {
        return NULL;
    }

    file = &files[fd];

    if (fstat(fd, &st) != 0 || st.st_dev != file->dev
        || st.st_ino != file->inode)
    {
        file->name[0] = '\0';
        return NULL;
    }

    return file;
}


/* --- the trace --- */

static void
record(fault_type_e type, const file_t *file, int64_t offset,
       struct iovec bytes)
{
    int              saved = errno;
    struct iovec     parts[2];
    fault_record_t   rec;
    struct timespec  now;

    if (trace_fd == -1) {
        return;
    }

    (void) true_clock_gettime(CLOCK_MONOTONIC, &now);

    memset(&rec, 0, sizeof(rec));
    rec.magic = FAULT_MAGIC;
    rec.type = type;
    rec.at_ns = (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
    rec.inode = file ? file->inode : 0;
    rec.offset = offset;
    rec.thread = (uint32_t) syscall(SYS_gettid);
    rec.len = (uint32_t) bytes.iov_len;

    parts[0].iov_base = &rec;
    parts[0].iov_len = sizeof(rec);
    parts[1] = bytes;

    /* One call: the kernel keeps records of all processes whole. */
    if (writev(trace_fd, parts, bytes.iov_len ? 2 : 1)
        != (ssize_t) (sizeof(rec) + bytes.iov_len))
    {
        (void) fprintf(stderr, "fault: the trace cannot be written\n");
        _exit(127);
    }

    errno = saved;
}


static struct iovec
bytes_of(const void *data, size_t len)
{
    struct iovec  bytes;

    bytes.iov_base = (void *) (uintptr_t) data;
    bytes.iov_len = len;

    return bytes;
}


/* --- the plan --- */

static int
ends_in(const char *name, const char *suffix)
{
    size_t  n = strlen(name), m = strlen(suffix);

    return strcmp(suffix, "*") == 0
           || (n >= m && strcmp(name + n - m, suffix) == 0);
}


static act_e
act_of(const char *text)
{
    size_t  i;

    for (i = 0; errnos[i].name != NULL; i++) {
        if (strcmp(text, errnos[i].name) == 0) {
            errno = errnos[i].number;
            return FAIL;
        }
    }

    if (strcmp(text, "short") == 0) {
        return SHORT;
    }

    if (strcmp(text, "lie") == 0) {
        return LIE;
    }

    return strcmp(text, "kill-before") == 0 ? KILL_BEFORE : KILL_AFTER;
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


/* What is to happen to this call; FAIL has set errno. */

static act_e
act_on(const char *call, const char *name)
{
    char            what[16], suffix[32], act[16], text[128], plus;
    uint64_t       *counts, n;
    unsigned long   nth;

    if (page == NULL || page[0] == '\0' || name == NULL) {
        return NO_ACT;
    }

    memcpy(text, page, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    plus = ' ';

    if (sscanf(text, "%15s %31s %lu%c %15s", what, suffix, &nth, &plus, act)
        != 5
        || !ends_in(name, suffix)
        || (strcmp(what, "any") != 0 && strcmp(what, call) != 0))
    {
        return NO_ACT;
    }

    counts = (uint64_t *) (void *) (page + AT_COUNTS);
    n = __atomic_add_fetch(&counts[0], 1, __ATOMIC_SEQ_CST);

    if (n < nth || (n > nth && plus != '+')) {
        return NO_ACT;
    }

    (void) __atomic_add_fetch(&counts[1], 1, __ATOMIC_SEQ_CST);

    if (strcmp(act, "hang") == 0) {
        hang();
        return NO_ACT;
    }

    if (strcmp(act, "dead") == 0) {
        memcpy(page, dead, sizeof(dead));
        return act_of("EIO");
    }

    if (strcmp(act, "kill-before") == 0) {
        (void) kill(getpid(), SIGKILL);
    }

    return act_of(act);
}


static void
after(act_e act)
{
    if (act == KILL_AFTER) {
        (void) kill(getpid(), SIGKILL);
    }
}


/* --- the calls --- */

static int
open_file(const char *path, int flags, mode_t mode)
{
    int           fd, is_new;
    act_e         act;
    file_t       *file;
    const char   *name;
    struct stat   st;

    begin();
    name = name_of(path);

    if (name == NULL) {
        return true_open(path, flags, mode);
    }

    act = act_on("open", name);
    if (act == FAIL) {
        return -1;
    }

    is_new = (flags & O_CREAT) && stat(path, &st) != 0;
    fd = true_open(path, flags, mode);

    if (fd < 0 || fd >= MAX_FDS || fstat(fd, &st) != 0) {
        return fd;
    }

    file = &files[fd];
    file->dev = st.st_dev;
    file->inode = st.st_ino;
    file->is_folder = S_ISDIR(st.st_mode);
    (void) snprintf(file->name, sizeof(file->name), "%s", name);

    if (!file->is_folder) {
        record(FAULT_NAME, file, is_new, bytes_of(name, strlen(name)));
    }

    after(act);

    return fd;
}


#define open_call(name)                                                       \
    int name(const char *path, int flags, ...);                               \
    int                                                                       \
    name(const char *path, int flags, ...)                                    \
    {                                                                         \
        mode_t   mode;                                                        \
        va_list  args;                                                        \
                                                                              \
        va_start(args, flags);                                                \
        mode = flags & (O_CREAT|O_TMPFILE) ? va_arg(args, mode_t) : 0;        \
        va_end(args);                                                         \
                                                                              \
        return open_file(path, flags, mode);                                  \
    }

open_call(open)
open_call(open64)


int
close(int fd)
{
    begin();

    if (fd >= 0 && fd < MAX_FDS) {
        files[fd].name[0] = '\0';
    }

    return true_close(fd);
}


static ssize_t
write_at(int fd, struct iovec bytes, off_t at, int has_offset)
{
    act_e    act;
    file_t  *file;
    ssize_t  n;

    file = file_of(fd);
    act = file ? act_on("write", file->name) : NO_ACT;

    if (act == FAIL) {
        return -1;
    }

    if (act == SHORT) {
        bytes.iov_len = (bytes.iov_len + 1) / 2;
    }

    if (file != NULL && trace_fd != -1) {
        if (!has_offset) {
            at = lseek(fd, 0, SEEK_CUR);
        }

        record(FAULT_WRITE, file, at, bytes);
    }

    n = has_offset ? true_pwrite(fd, bytes.iov_base, bytes.iov_len, at)
                   : true_write(fd, bytes.iov_base, bytes.iov_len);
    after(act);

    return n;
}


ssize_t
write(int fd, const void *data, size_t len)
{
    begin();

    return write_at(fd, bytes_of(data, len), 0, 0);
}


ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
    begin();

    return write_at(fd, bytes_of(data, len), at, 1);
}


ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
    __attribute__((alias("pwrite")));


static int
sync_file(int fd, int (*call)(int))
{
    int      rc;
    act_e    act;
    file_t  *file;

    file = file_of(fd);
    if (file == NULL) {
        return call(fd);
    }

    act = act_on("sync", file->name);
    if (act == FAIL) {
        return -1;
    }

    if (act == LIE) {
        return 0;
    }

    if (!file->is_folder) {
        record(FAULT_SYNC, file, 0, bytes_of(NULL, 0));
    }

    rc = call(fd);

    if (rc == 0) {
        record(file->is_folder ? FAULT_NAMES_SYNCED : FAULT_SYNCED, file, 0,
               bytes_of(NULL, 0));
    }

    after(act);

    return rc;
}


int
fsync(int fd)
{
    begin();

    return sync_file(fd, true_fsync);
}


int
fdatasync(int fd)
{
    begin();

    return sync_file(fd, true_fdatasync);
}


int
ftruncate(int fd, off_t len)
{
    int      rc;
    act_e    act;
    file_t  *file;

    begin();

    file = file_of(fd);
    if (file == NULL) {
        return true_ftruncate(fd, len);
    }

    act = act_on("truncate", file->name);
    if (act == FAIL) {
        return -1;
    }

    record(FAULT_TRUNCATE, file, len, bytes_of(NULL, 0));
    rc = true_ftruncate(fd, len);
    after(act);

    return rc;
}


int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));


int
unlink(const char *path)
{
    const char  *name;

    begin();

    name = name_of(path);
    if (name != NULL) {
        record(FAULT_UNLINK, NULL, 0, bytes_of(name, strlen(name)));
    }

    return true_unlink(path);
}


/* --- the wall clock --- */

static int64_t
clock_shift_ms(void)
{
    return page == NULL ? 0 : strtoll(page + AT_CLOCK, NULL, 10);
}


int
clock_gettime(clockid_t id, struct timespec *now)
{
    int      rc;
    int64_t  ms;

    begin();

    rc = true_clock_gettime(id, now);

    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ms = clock_shift_ms();
        now->tv_sec += ms / 1000;
        now->tv_nsec += ms % 1000 * 1000000;

        if (now->tv_nsec >= 1000000000) {
            now->tv_nsec -= 1000000000;
            now->tv_sec++;

        } else if (now->tv_nsec < 0) {
            now->tv_nsec += 1000000000;
            now->tv_sec--;
        }
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec  now;

    (void) zone;
    (void) clock_gettime(CLOCK_REALTIME, &now);

    tv->tv_sec = now.tv_sec;
    tv->tv_usec = now.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *out)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);

    if (out != NULL) {
        *out = now.tv_sec;
    }

    return now.tv_sec;
}


/* --- memory --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);


static int
has_memory(void)
{
    return page == NULL || strncmp(page, memory, sizeof(memory) - 1) != 0
           || act_on(memory, "") != FAIL;
}


void *
malloc(size_t size)
{
    return has_memory() ? __libc_malloc(size) : NULL;
}


void *
calloc(size_t n, size_t size)
{
    return has_memory() ? __libc_calloc(n, size) : NULL;
}


void *
realloc(void *old, size_t size)
{
    return has_memory() ? __libc_realloc(old, size) : NULL;
}


int
posix_memalign(void **piece, size_t align, size_t size)
{
    *piece = has_memory() ? __libc_memalign(align, size) : NULL;

    return *piece == NULL ? ENOMEM : 0;
}
