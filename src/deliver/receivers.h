// SPDX-License-Identifier: Apache-2.0
// The const table of receiver types. A type says whether a receiver's configuration can be used, sends one
// message once, and says what the answer means.
#ifndef KD_DELIVER_RECEIVERS_H
#define KD_DELIVER_RECEIVERS_H
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "deliver/classify.h"
#include "http/http.h"
#include "util/error.h"

enum { SEND_TIMEOUT_MS = 15000 }; // at most, whatever is configured

struct message {
	const char *id;
	const char *body;
	size_t len;
	int64_t unix_s;           // the attempt's time
};

struct receiver_type {
	const char *name;         // its key in receivers.yaml
	// Without a connection: is the configuration usable?
	int (*check)(const struct receiver_conf *r, struct error *err);
	// One attempt. 0: an answer came, in *out; -1: none did.
	int (*send)(struct http *h, const struct receiver_conf *r, const struct message *m,
		    struct http_answer *out, struct error *err);
	void (*classify)(const struct attempt *a, struct verdict *out);
};

const struct receiver_type *receiver_type_find(const char *name); // NULL if there is none
int64_t receiver_timeout_ms(const struct receiver_conf *r);
// scheme://host:port of the receiver's url, for logs: paths and user names may be secrets. The caller frees.
char *receiver_origin(const struct receiver_conf *r);
#endif
