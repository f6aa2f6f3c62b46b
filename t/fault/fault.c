/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Preloaded into nginx and test programs: makes the calls on one folder's
 * files fail, fall short, hang or kill at a moment that the plan (preload.h)
 * says, and records them for a power cut (trace.h).  It knows names of files
 * and system calls, nothing of what is in them.
 *
 *   EHR_FAULT_DIR     the folder; other files are left alone
 *   EHR_FAULT_PLAN    the plan's file
 *   EHR_FAULT_TRACE   where to record (none: nothing is)
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"
#include "trace.h"


#define MAX_FDS   4096
#define MAX_NAME  64


typedef struct {
    dev_t   dev;
    ino_t   inode;
    int     is_folder;
    char    name[MAX_NAME];   /* "": not one of ours */
} file_t;


/* A preloaded library has no owner to hand its state around. */

static const char  *folder;
static size_t       folder_len;
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


/* dlsym() gives data pointers; POSIX wants them to be convertible. */

void
fault_find(void *to, const char *name)
{
    void  *symbol = dlsym(RTLD_NEXT, name);

    if (symbol == NULL) {
        (void) fprintf(stderr, "fault: no %s\n", name);
        _exit(127);
    }

    memcpy(to, &symbol, sizeof(symbol));
}


void
fault_begin(void)
{
    const char  *plan, *trace;

    if (true_open != NULL) {
        return;
    }

    fault_find(&true_close, "close");
    fault_find(&true_write, "write");
    fault_find(&true_pwrite, "pwrite64");
    fault_find(&true_fsync, "fsync");
    fault_find(&true_fdatasync, "fdatasync");
    fault_find(&true_ftruncate, "ftruncate64");
    fault_find(&true_unlink, "unlink");
    fault_find(&true_open, "open64");

    /* A copy: nginx writes its title over the environment. */
    folder = getenv("EHR_FAULT_DIR");
    folder = folder ? strdup(folder) : NULL;
    plan = getenv("EHR_FAULT_PLAN");
    trace = getenv("EHR_FAULT_TRACE");

    folder_len = folder ? strlen(folder) : 0;

    if (plan != NULL) {
        fault_plan_open(plan);
    }

    if (trace != NULL && trace[0] != '\0') {
        trace_fd = true_open(trace, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC,
                             0600);
    }
}


__attribute__((constructor)) static void
begin(void)
{
    fault_begin();
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


static fault_names_t
named(const char *name)
{
    fault_names_t  names = { name, NULL };

    return names;
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

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

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


/* --- the calls --- */

static int
open_file(const char *path, int flags, mode_t mode)
{
    int           fd, is_new;
    fault_act_e         act;
    file_t       *file;
    const char   *name;
    struct stat   st;

    fault_begin();
    name = name_of(path);

    if (name == NULL) {
        return true_open(path, flags, mode);
    }

    act = fault_act("open", named(name));
    if (act == FAULT_ACT_FAIL) {
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

    fault_after(act);

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
    fault_begin();

    if (fd >= 0 && fd < MAX_FDS) {
        files[fd].name[0] = '\0';
    }

    return true_close(fd);
}


static ssize_t
write_at(int fd, struct iovec bytes, off_t at, int has_offset)
{
    fault_act_e    act;
    file_t  *file;
    ssize_t  n;

    file = file_of(fd);
    act = fault_act("write", named(file ? file->name : NULL));

    if (act == FAULT_ACT_FAIL) {
        return -1;
    }

    if (act == FAULT_ACT_SHORT) {
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
    fault_after(act);

    return n;
}


ssize_t
write(int fd, const void *data, size_t len)
{
    fault_begin();

    return write_at(fd, bytes_of(data, len), 0, 0);
}


ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
    fault_begin();

    return write_at(fd, bytes_of(data, len), at, 1);
}


ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
    __attribute__((alias("pwrite")));


static int
sync_file(int fd, int (*call)(int))
{
    int      rc;
    fault_act_e    act;
    file_t  *file;

    file = file_of(fd);
    if (file == NULL) {
        return call(fd);
    }

    act = fault_act("sync", named(file->name));
    if (act == FAULT_ACT_FAIL) {
        return -1;
    }

    if (act == FAULT_ACT_LIE) {
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

    fault_after(act);

    return rc;
}


int
fsync(int fd)
{
    fault_begin();

    return sync_file(fd, true_fsync);
}


int
fdatasync(int fd)
{
    fault_begin();

    return sync_file(fd, true_fdatasync);
}


int
ftruncate(int fd, off_t len)
{
    int      rc;
    fault_act_e    act;
    file_t  *file;

    fault_begin();

    file = file_of(fd);
    if (file == NULL) {
        return true_ftruncate(fd, len);
    }

    act = fault_act("truncate", named(file->name));
    if (act == FAULT_ACT_FAIL) {
        return -1;
    }

    record(FAULT_TRUNCATE, file, len, bytes_of(NULL, 0));
    rc = true_ftruncate(fd, len);
    fault_after(act);

    return rc;
}


int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));


int
unlink(const char *path)
{
    const char  *name;

    fault_begin();

    name = name_of(path);
    if (name != NULL) {
        record(FAULT_UNLINK, NULL, 0, bytes_of(name, strlen(name)));
    }

    return true_unlink(path);
}
