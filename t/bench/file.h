/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A whole file in memory.  Knows nothing of what is in it.
 */

#ifndef FILE_H
#define FILE_H


#include <stddef.h>


/*
 * Gives  the bytes, with a NUL behind them that *len does not count; free()
 *        them.  NULL with errno: not there, or longer than max
 */
char *file_read(const char *path, size_t max, size_t *len);


#endif /* FILE_H */
