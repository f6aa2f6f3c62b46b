/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A power cut, from a trace of the calls: which bytes of which files a disk
 * would hold.  What was synced is there.  Of what was not, each sector of 512
 * bytes shows some moment between the file's last fsync and the cut: all of
 * them the first (nothing was written), all the last (all was), or each page
 * of 4096 bytes a moment of its own, some torn within.  Names that the folder
 * was not synced for are there or not.  Knows nothing of journals.
 *
 * For one seed everything is drawn the same way again.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "trace.h"


#define SECTOR       512
#define BLOCK        4096
#define MAX_FILES    64
#define MAX_NAME     64
#define MAX_PENDING  64       /* threads with an fsync under way */
#define MAX_IMAGE    ((int64_t) 1 << 30)


typedef struct {
    char       name[MAX_NAME];
    uint64_t   inode;
    size_t     synced;        /* records before this one are on the disk */
    int        is_named;      /* its name is on the disk */
    int        is_gone;
    uint8_t   *bytes;
    int64_t    len;
    int64_t    room;
} image_t;


typedef struct {
    uint32_t  thread;
    uint64_t  inode;
    size_t    at;
} pending_t;


typedef struct {
    const uint8_t           *data;
    size_t                   len;
    const fault_record_t   **records;
    size_t                   nrecords;
    size_t                   ncut;     /* records before the cut */
    uint64_t                 seed;
    image_t                  images[MAX_FILES];
    size_t                   nimages;
} cut_t;


typedef enum {
    OLDEST = 0,               /* nothing that was not synced */
    NEWEST,                   /* all of it */
    MIXED
} choice_e;


static uint64_t
mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;

    return x ^ (x >> 31);
}


static const uint8_t *
bytes_of(const fault_record_t *rec)
{
    return (const uint8_t *) (rec + 1);
}


/* --- the trace --- */

static int
trace_open(cut_t *cut, const char *path)
{
    int          fd;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) != 0 || st.st_size == 0) {
        (void) fprintf(stderr, "%s: no trace\n", path);
        return -1;
    }

    cut->len = (size_t) st.st_size;
    cut->data = mmap(NULL, cut->len, PROT_READ, MAP_PRIVATE, fd, 0);
    (void) close(fd);

    return cut->data == MAP_FAILED ? -1 : 0;
}


/* Records lie wherever the last one's bytes ended: taken over to where they
 * may be read from. */

static int
trace_read(cut_t *cut)
{
    size_t           at, size, n;
    fault_record_t   head, *rec;

    n = cut->len / sizeof(fault_record_t) + 1;
    cut->records = calloc(n, sizeof(fault_record_t *));

    for (at = 0; at + sizeof(head) <= cut->len; at += size) {
        memcpy(&head, cut->data + at, sizeof(head));
        size = sizeof(head) + head.len;

        if (head.magic != FAULT_MAGIC || size > cut->len - at) {
            (void) fprintf(stderr, "record %zu makes no sense\n",
                           cut->nrecords);
            return -1;
        }

        rec = malloc(size);
        if (rec == NULL || cut->records == NULL) {
            return -1;
        }

        memcpy(rec, cut->data + at, size);
        cut->records[cut->nrecords++] = rec;
    }

    return 0;
}


/* --- what is on the disk for certain --- */

static image_t *
image_by_inode(cut_t *cut, uint64_t inode)
{
    size_t  i;

    for (i = cut->nimages; i > 0; i--) {
        if (cut->images[i - 1].inode == inode) {
            return &cut->images[i - 1];
        }
    }

    return NULL;
}


static int
image_name(cut_t *cut, const fault_record_t *rec)
{
    image_t  *image;

    image = image_by_inode(cut, rec->inode);

    if (image != NULL && !rec->offset) {
        return 0;
    }

    if (cut->nimages == MAX_FILES || rec->len >= MAX_NAME) {
        (void) fprintf(stderr, "too many files, or too long a name\n");
        return -1;
    }

    image = &cut->images[cut->nimages++];
    memset(image, 0, sizeof(image_t));
    image->inode = rec->inode;
    image->is_named = !rec->offset;
    memcpy(image->name, bytes_of(rec), rec->len);

    return 0;
}


static void
image_unlink(cut_t *cut, const fault_record_t *rec)
{
    size_t  i;

    for (i = 0; i < cut->nimages; i++) {
        if (strlen(cut->images[i].name) == rec->len
            && memcmp(cut->images[i].name, bytes_of(rec), rec->len) == 0)
        {
            cut->images[i].is_gone = 1;
        }
    }
}


static void
sync_begin(pending_t *pending, const fault_record_t *rec, size_t at)
{
    size_t  i;

    for (i = 0; i + 1 < MAX_PENDING; i++) {
        if (pending[i].thread == rec->thread || pending[i].thread == 0) {
            break;
        }
    }

    pending[i].thread = rec->thread;
    pending[i].inode = rec->inode;
    pending[i].at = at;
}


static void
sync_end(cut_t *cut, const pending_t *pending, const fault_record_t *rec)
{
    size_t    i;
    image_t  *image;

    image = image_by_inode(cut, rec->inode);

    for (i = 0; image != NULL && i < MAX_PENDING; i++) {
        if (pending[i].thread == rec->thread
            && pending[i].inode == rec->inode
            && pending[i].at > image->synced)
        {
            image->synced = pending[i].at;
        }
    }
}


static int
find_synced(cut_t *cut)
{
    size_t                 i, j;
    pending_t              pending[MAX_PENDING];
    const fault_record_t  *rec;

    memset(pending, 0, sizeof(pending));

    for (i = 0; i < cut->ncut; i++) {
        rec = cut->records[i];

        switch (rec->type) {

        case FAULT_NAME:
            if (image_name(cut, rec) != 0) {
                return -1;
            }
            break;

        case FAULT_UNLINK:
            image_unlink(cut, rec);
            break;

        case FAULT_SYNC:
            sync_begin(pending, rec, i);
            break;

        case FAULT_SYNCED:
            sync_end(cut, pending, rec);
            break;

        case FAULT_NAMES_SYNCED:
            for (j = 0; j < cut->nimages; j++) {
                cut->images[j].is_named = 1;
            }
            break;
        }
    }

    return 0;
}


/* --- the rest: drawn --- */

static choice_e
choice_of(const cut_t *cut)
{
    uint64_t  n = mix(cut->seed) % 6;

    return n == 0 ? OLDEST : n == 1 ? NEWEST : MIXED;
}


/* The moment that a sector shows, as a number of records. */

static size_t
moment_of(const cut_t *cut, const image_t *image, int64_t at)
{
    uint64_t  draw;

    switch (choice_of(cut)) {

    case OLDEST:
        return image->synced;

    case NEWEST:
        return cut->ncut;

    default:
        draw = mix(cut->seed ^ mix(image->inode)
                   ^ mix((uint64_t) (at / BLOCK) + 1));

        if (draw % 8 == 0) {          /* a torn block */
            draw = mix(draw ^ (uint64_t) (at / SECTOR));
        }

        /* Near the cut the more the better known: half of all show all. */
        if (draw % 2) {
            return cut->ncut;
        }

        return image->synced
               + (size_t) ((draw >> 8) % (cut->ncut - image->synced + 1));
    }
}


static int
image_reserve(image_t *image, int64_t len)
{
    int64_t   room;
    uint8_t  *bytes;

    if (len <= image->room) {
        return 0;
    }

    if (len > MAX_IMAGE) {
        return -1;
    }

    room = len * 2;
    bytes = realloc(image->bytes, (size_t) room);
    if (bytes == NULL) {
        return -1;
    }

    memset(bytes + image->room, 0, (size_t) (room - image->room));
    image->bytes = bytes;
    image->room = room;

    return 0;
}


static int
apply_write(const cut_t *cut, image_t *image, size_t i)
{
    int64_t                at, end, next;
    const fault_record_t  *rec = cut->records[i];

    end = rec->offset + rec->len;

    for (at = rec->offset; at < end; at = next) {
        next = (at / SECTOR + 1) * SECTOR;
        next = next < end ? next : end;

        if (i >= image->synced && i >= moment_of(cut, image, at)) {
            continue;
        }

        if (image_reserve(image, next) != 0) {
            return -1;
        }

        memcpy(image->bytes + at, bytes_of(rec) + (at - rec->offset),
               (size_t) (next - at));

        image->len = image->len > next ? image->len : next;
    }

    return 0;
}


static int
apply_truncate(const cut_t *cut, image_t *image, size_t i)
{
    int64_t  len = cut->records[i]->offset;

    if (i >= image->synced && i >= moment_of(cut, image, 0)) {
        return 0;
    }

    if (image_reserve(image, len) != 0) {
        return -1;
    }

    if (len < image->len) {
        memset(image->bytes + len, 0, (size_t) (image->len - len));
    }

    image->len = len;

    return 0;
}


static int
image_fill(cut_t *cut, image_t *image)
{
    int                    rc;
    size_t                 i;
    const fault_record_t  *rec;

    for (i = 0, rc = 0; i < cut->ncut && rc == 0; i++) {
        rec = cut->records[i];

        if (rec->inode != image->inode) {
            continue;
        }

        if (rec->type == FAULT_NAME && rec->offset) {
            image->len = 0;           /* the number of an older file */
        }

        if (rec->type == FAULT_WRITE) {
            rc = apply_write(cut, image, i);
        }

        if (rec->type == FAULT_TRUNCATE) {
            rc = apply_truncate(cut, image, i);
        }
    }

    return rc;
}


static int
image_save(const cut_t *cut, const image_t *image, const char *dir)
{
    int    rc;
    char   path[4096];
    FILE  *file;

    if (image->is_gone
        || (!image->is_named && mix(cut->seed ^ image->inode) % 2))
    {
        return 0;
    }

    (void) snprintf(path, sizeof(path), "%s/%s", dir, image->name);

    file = fopen(path, "wb");
    if (file == NULL) {
        return -1;
    }

    rc = 0;

    if (image->len > 0
        && fwrite(image->bytes, 1, (size_t) image->len, file)
           != (size_t) image->len)
    {
        rc = -1;
    }

    return fclose(file) == 0 ? rc : -1;
}


/* --- */

static int
cut_at(cut_t *cut, uint64_t at_ns)
{
    if (at_ns == 0) {
        cut->ncut = 1 + mix(cut->seed ^ 0xc0ffee) % cut->nrecords;

    } else {
        while (cut->ncut < cut->nrecords
               && cut->records[cut->ncut]->at_ns < at_ns)
        {
            cut->ncut++;
        }
    }

    return cut->ncut != 0 ? 0 : -1;
}


int
fault_cut(int argc, char **argv)
{
    int       rc;
    size_t    i;
    cut_t    *cut;

    (void) argc;

    cut = calloc(1, sizeof(cut_t));
    if (cut == NULL) {
        return 1;
    }

    cut->seed = strtoull(argv[2], NULL, 10);

    if (trace_open(cut, argv[0]) != 0 || trace_read(cut) != 0
        || cut->nrecords == 0
        || cut_at(cut, strtoull(argv[3], NULL, 10)) != 0
        || find_synced(cut) != 0)
    {
        return 1;
    }

    for (i = 0, rc = 0; i < cut->nimages && rc == 0; i++) {
        rc = image_fill(cut, &cut->images[i]);

        if (rc == 0) {
            rc = image_save(cut, &cut->images[i], argv[1]);
        }
    }

    (void) printf("%" PRIu64 " %zu %zu\n",
                  cut->records[cut->ncut - 1]->at_ns, cut->ncut,
                  cut->nrecords);

    /* The process ends here: its memory goes with it. */
    return rc == 0 ? 0 : 1;
}
