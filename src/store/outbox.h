// SPDX-License-Identifier: Apache-2.0
// An outbox entry as the store's JSON.
#ifndef KD_STORE_OUTBOX_H
#define KD_STORE_OUTBOX_H
#include "store/types.h"
#include "util/json.h"

char *outbox_text(const struct outbox_entry *e); // the caller frees
// Fills *out with malloc'ed copies (deliver releases them). -1: not an entry.
int outbox_parse(const char *id, const char *text, size_t n, struct outbox_entry *out);
#endif
