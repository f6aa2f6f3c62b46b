/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Files that hold a private key or a password: who else may read them.  Only
 * the file itself is looked at; its folders and its owner are the
 * administrator's.
 */

#ifndef EHR_SECRET_H
#define EHR_SECRET_H


/*
 * Gives  the file, open for reading; -1 and a sentence in *error (static, no
 *        path) when there is none or ehr_secret_check() refuses it
 * When   at configuration; waits for no FIFO and becomes no terminal's owner
 */
int ehr_secret_open(const char *path, const char **error);

/*
 * PostgreSQL's rule for ssl_key_file: nobody but the owner may read or change
 * the file; of one that belongs to root a group may read, for that is how
 * root gives a service its key (Debian's ssl-cert, 0640).
 *
 * Gives  NULL, or the sentence that refuses the file
 */
const char *ehr_secret_check(int fd);


#endif /* EHR_SECRET_H */
