/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A document of which every copy is unique: one template, a marker in it, and
 * another text of the same length in the marker's place, also inside the
 * Base64 sections of a claim.  Knows no HTTP and not what a claim means.
 */

#ifndef DOC_H
#define DOC_H


#include <stddef.h>


#define DOC_MARKER_MIN  12
#define DOC_MARKER_MAX  100

typedef struct doc_s  doc_t;


/*
 * Does   reads the file and finds the marker in the text and in its sections
 * Takes  marker: the text to replace; NULL: the content of the first <MA_LK>
 * Gives  NULL, and why on standard error; else free it with doc_free()
 */
doc_t *doc_load(const char *path, const char *marker);

void doc_free(doc_t *doc);

/* Bytes of every copy; they all have the same length. */
size_t doc_size(const doc_t *doc);

/* What a copy starts from; doc_size() bytes. */
const char *doc_image(const doc_t *doc);

/* Length of what stands in the marker's place. */
size_t doc_marker_len(const doc_t *doc);

/*
 * Does   writes the unique text into every place of the marker
 * Takes  copy: doc_size() bytes, once filled from doc_image();
 *        unique: doc_marker_len() characters
 */
void doc_stamp(const doc_t *doc, char *copy, const char *unique);


#endif /* DOC_H */
