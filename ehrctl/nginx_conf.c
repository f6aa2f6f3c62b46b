/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads an nginx configuration as nginx does: words, quotes, comments, blocks
 * and includes.  Knows no directive but "include", and no value.
 */

#include <glob.h>
#include <stdio.h>

#include "file.h"
#include "nginx_conf.h"
#include "output.h"


#define CONF_FILES_MAX  256
#define CONF_DEPTH_MAX  8       /* of includes */
#define CONF_SAYS_MAX   512


typedef struct {
    ehrctl_t      *ctl;
    const char    *path;        /* of the first file */
    conf_take_pt   take;
    void          *data;
    size_t         nfiles;
} conf_t;


/* One file. */

typedef struct {
    conf_t      *conf;
    const char  *path;
    const char  *p;
    const char  *end;
    char        *room;        /* for words: as large as the file */
    unsigned     line;
    int          depth;
    const char  *words[CONF_WORDS_MAX];
    size_t       nwords;
} conf_file_t;


static int  conf_file(conf_t *conf, const char *path, int depth);


static int
conf_failure(const conf_file_t *f, const char *what)
{
    char  says[CONF_SAYS_MAX];

    (void) snprintf(says, sizeof(says), "%s, line %u", what, f->line);

    return output_failure(f->path, says);
}


const char *
conf_beside(ehrctl_t *ctl, const char *file, const char *path)
{
    const char  *slash = strrchr(file, '/');
    size_t       folder = slash ? (size_t) (slash - file) + 1 : 0;
    size_t       len = strlen(path);
    char        *full;

    if (path[0] == '/') {
        return path;
    }

    full = ehr_arena_alloc(ctl->arena, folder + len + 1);

    if (full) {
        memcpy(full, file, folder);
        memcpy(full + folder, path, len + 1);
    }

    return full;
}


/* --- words --------------------------------------------------------------- */


static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static void
skip_blanks(conf_file_t *f)
{
    while (f->p < f->end && (is_blank(*f->p) || *f->p == '#')) {
        if (*f->p == '#') {
            const char  *eol = memchr(f->p, '\n', (size_t) (f->end - f->p));

            f->p = eol ? eol : f->end;
            continue;
        }

        f->line += (*f->p == '\n');
        f->p++;
    }
}


/* The letter behind a backslash; 0: the backslash stands for itself. */

static char
unescape(char c)
{
    switch (c) {

    case '"':
    case '\'':
    case '\\':
        return c;

    case 't':
        return '\t';

    case 'r':
        return '\r';

    case 'n':
        return '\n';

    default:
        return 0;
    }
}


static int
word_ends(const conf_file_t *f, char quote)
{
    char  c = *f->p;

    if (quote) {
        return c == quote;
    }

    return is_blank(c) || c == ';'
           || (c == '{' && f->p[-1] != '$');
}


/* From the first letter of a word on; NULL when it does not end.  What ends it
 * leaves room for its NUL. */

static const char *
word_copy(conf_file_t *f, char quote)
{
    char  *word = f->room, c;

    for ( /* void */ ; f->p < f->end && !word_ends(f, quote); f->p++) {
        f->line += (*f->p == '\n');
        c = *f->p == '\\' && f->p + 1 < f->end ? unescape(f->p[1]) : 0;
        f->p += (c != 0);
        *f->room++ = c ? c : *f->p;
    }

    *f->room++ = '\0';

    return f->p < f->end ? word : NULL;
}


static int
word_read(conf_file_t *f)
{
    char         quote = *f->p == '"' || *f->p == '\'' ? *f->p : 0;
    const char  *word;

    f->p += (quote != 0);
    word = word_copy(f, quote);

    if (word == NULL || f->nwords == CONF_WORDS_MAX) {
        return conf_failure(f, "a directive does not end");
    }

    f->p += (quote != 0);
    f->words[f->nwords++] = word;

    return EHRCTL_OK;
}


/* --- directives ---------------------------------------------------------- */


static int
conf_include(conf_file_t *f)
{
    const char  *pattern;
    glob_t       found;
    int          status = EHRCTL_OK;

    pattern = f->nwords == 2 ? conf_beside(f->conf->ctl, f->conf->path,
                                           f->words[1])
                             : NULL;

    if (pattern == NULL || f->depth == CONF_DEPTH_MAX) {
        return conf_failure(f, "include cannot be followed");
    }

    if (strpbrk(pattern, "*?[") == NULL) {
        return conf_file(f->conf, pattern, f->depth + 1);
    }

    if (glob(pattern, 0, NULL, &found) != 0) {
        return EHRCTL_OK;
    }

    for (size_t i = 0; status == EHRCTL_OK && i < found.gl_pathc; i++) {
        status = conf_file(f->conf, found.gl_pathv[i], f->depth + 1);
    }

    globfree(&found);

    return status;
}


static int
conf_directive(conf_file_t *f)
{
    int  status = EHRCTL_OK;

    f->p++;

    if (f->nwords > 0) {
        status = strcmp(f->words[0], "include") == 0
                 ? conf_include(f)
                 : f->conf->take(f->conf->data, f->words, f->nwords);
    }

    f->nwords = 0;

    return status;
}


static int
conf_file(conf_t *conf, const char *path, int depth)
{
    conf_file_t  f = { .conf = conf, .path = path, .line = 1,
                       .depth = depth };
    ehr_str_t    text;
    int          status = EHRCTL_OK;

    if (conf->nfiles++ == CONF_FILES_MAX) {
        return output_failure(path, "too many files");
    }

    text = file_read(conf->ctl, path);
    if (text.data == NULL) {
        return EHRCTL_FAILED;
    }

    f.room = ehr_arena_alloc(conf->ctl->arena, text.len + 1);
    if (f.room == NULL) {
        return output_failure("no memory", NULL);
    }

    f.p = text.data;
    f.end = text.data + text.len;

    for (skip_blanks(&f); f.p < f.end && status == EHRCTL_OK;
         skip_blanks(&f))
    {
        status = strchr(";{}", *f.p) ? conf_directive(&f) : word_read(&f);
    }

    if (status == EHRCTL_OK && f.nwords > 0) {
        return conf_failure(&f, "a directive does not end");
    }

    return status;
}


int
conf_read(ehrctl_t *ctl, const char *path, conf_take_pt take, void *data)
{
    conf_t  conf = { ctl, path, take, data, 0 };

    return conf_file(&conf, path, 0);
}
