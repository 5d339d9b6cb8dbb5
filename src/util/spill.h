// SPDX-License-Identifier: Apache-2.0
// Bytes that are seldom asked for, in a file without a name: they take no memory of the process until they are read.
//
//     s = spill_new(most);                        // NULL: there is no place for such a file
//     const uint8_t *p = spill_add(s, bytes, n);  // where they are from now on; NULL: there is no room, keep them
//     spill_close(s);                             // that was all; it holds no descriptor from now on
//     spill_forget(s);                            // those that were read meanwhile are let go; they are read again
//     spill_free(s);
#ifndef KD_UTIL_SPILL_H
#define KD_UTIL_SPILL_H
#include <stddef.h>
#include <stdint.h>

struct spill;

struct spill *spill_new(size_t most); // bytes in all; in the first of $TMPDIR, /var/tmp and /tmp that can be written to
const uint8_t *spill_add(struct spill *s, const void *bytes, size_t n);
void spill_close(struct spill *s); // these three: NULL is allowed
void spill_forget(struct spill *s);
void spill_free(struct spill *s);
#endif
