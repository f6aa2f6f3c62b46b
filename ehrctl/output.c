/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Output.  Decides how things look in a terminal; knows nothing of
 * facilities or receipts.
 */

#include <stdlib.h>

#include "output.h"


#define OUTPUT_GAP         2
#define OUTPUT_ERRORS_MAX  200

#define UTF8_MORE(c)       (((c) & 0xc0) == 0x80)


ehr_lang_e
output_language(void)
{
    const char  *value;

    static const char *const  names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        value = getenv(names[i]);

        if (value != NULL && value[0] != '\0') {
            return strncmp(value, "vi", 2) == 0 ? EHR_LANG_VI : EHR_LANG_EN;
        }
    }

    return EHR_LANG_EN;
}


/* The combining diacritical marks, U+0300 to U+036F. */

static int
is_combining(const unsigned char *p)
{
    return (p[0] == 0xcc && UTF8_MORE(p[1]))
           || (p[0] == 0xcd && p[1] >= 0x80 && p[1] <= 0xaf);
}


size_t
output_width(const char *text)
{
    size_t                width = 0;
    const unsigned char  *p = (const unsigned char *) text;

    for ( /* void */ ; *p != '\0'; p++) {
        if (!UTF8_MORE(*p) && !is_combining(p)) {
            width++;
        }
    }

    return width;
}


/* Prints without control characters: C0, DEL, C1 (0xc2 0x80 to 0x9f). */

static void
put(FILE *out, const char *text)
{
    const unsigned char  *p = (const unsigned char *) text;

    for ( /* void */ ; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            (void) fputc('?', out);
            continue;
        }

        if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
            (void) fputc('?', out);
            p++;
            continue;
        }

        (void) fputc(*p, out);
    }
}


static void
pad(FILE *out, size_t width, size_t wanted)
{
    for (size_t i = width; i < wanted; i++) {
        (void) fputc(' ', out);
    }
}


int
output_failure(const char *what, const char *detail)
{
    (void) fputs("ehrctl: ", stderr);
    put(stderr, what);

    if (detail != NULL) {
        (void) fputs(": ", stderr);
        put(stderr, detail);
    }

    (void) fputc('\n', stderr);

    return EHRCTL_FAILED;
}


static const char *
text_of(const json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}


static void
put_error(const json_t *error)
{
    (void) fputs("  ", stderr);

    if (text_of(error, "field")[0] != '\0') {
        put(stderr, text_of(error, "field"));
        (void) fputs(": ", stderr);
    }

    put(stderr, text_of(error, "message"));
    (void) fputs(" [", stderr);
    put(stderr, text_of(error, "code"));
    (void) fputs("]\n", stderr);
}


static void
put_problem(const json_t *problem)
{
    const json_t  *errors = json_object_get(problem, "errors");

    (void) fputs("ehrctl: ", stderr);
    put(stderr, text_of(problem, "title"));
    (void) fputs(" [", stderr);
    put(stderr, text_of(problem, "code"));
    (void) fputs("]\n", stderr);

    if (text_of(problem, "detail")[0] != '\0') {
        (void) fputs("  ", stderr);
        put(stderr, text_of(problem, "detail"));
        (void) fputc('\n', stderr);
    }

    for (size_t i = 0; i < json_array_size(errors) && i < OUTPUT_ERRORS_MAX;
         i++)
    {
        put_error(json_array_get(errors, i));
    }

    if (text_of(problem, "request_id")[0] != '\0') {
        (void) fputs("  request_id: ", stderr);
        put(stderr, text_of(problem, "request_id"));
        (void) fputc('\n', stderr);
    }
}


int
output_problem(ehrctl_t *ctl, int status, ehr_str_t body)
{
    char     text[32];
    json_t  *problem;

    problem = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);

    if (text_of(problem, "title")[0] != '\0') {
        put_problem(problem);

    } else {
        (void) snprintf(text, sizeof(text), "HTTP %d", status);
        (void) output_failure("the server refused", text);
    }

    if (ctl->output == EHRCTL_JSON && json_is_object(problem)) {
        (void) output_json(problem);
    }

    json_decref(problem);

    return EHRCTL_FAILED;
}


int
output_json(const json_t *value)
{
    if (json_dumpf(value, stdout, JSON_INDENT(2)) != 0
        || fputc('\n', stdout) == EOF)
    {
        return output_failure("the output cannot be written", NULL);
    }

    return EHRCTL_OK;
}


static const char *
cell(const json_t *row, size_t i)
{
    const char  *text = json_string_value(json_array_get(row, i));

    return text != NULL ? text : "";
}


int
output_table(ehrctl_t *ctl, const label_t *labels, size_t ncolumns,
             json_t *rows)
{
    size_t       width, widths[OUTPUT_COLUMNS] = { 0 };
    const char  *text;

    for (size_t i = 0; i < ncolumns; i++) {
        widths[i] = output_width(labels[i].text[ctl->lang]);

        for (size_t r = 0; r < json_array_size(rows); r++) {
            width = output_width(cell(json_array_get(rows, r), i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }

    /* Row 0 is the line of labels; the last column is not padded. */

    for (size_t r = 0; r <= json_array_size(rows); r++) {
        for (size_t i = 0; i < ncolumns; i++) {
            text = r == 0 ? labels[i].text[ctl->lang]
                          : cell(json_array_get(rows, r - 1), i);

            put(stdout, text);

            if (i + 1 < ncolumns) {
                pad(stdout, output_width(text), widths[i] + OUTPUT_GAP);
            }
        }

        (void) fputc('\n', stdout);
    }

    return EHRCTL_OK;
}


void
output_field(const char *label, size_t width, const char *value)
{
    put(stdout, label);
    (void) fputc(label[0] ? ':' : ' ', stdout);
    pad(stdout, output_width(label), width + OUTPUT_GAP - 1);
    put(stdout, value);
    (void) fputc('\n', stdout);
}
