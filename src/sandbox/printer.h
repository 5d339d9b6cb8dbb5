// SPDX-License-Identifier: Apache-2.0
// A webhook receiver that prints pages and digests readably as they arrive. It checks the Standard Webhooks
// signature (401 where it is wrong) and prints a delivery that comes again under its id only once.
#ifndef KD_SANDBOX_PRINTER_H
#define KD_SANDBOX_PRINTER_H
#include <stdbool.h>
#include <stdio.h>

#include "util/error.h"
#include "util/json.h"

struct printer;
// secret: "whsec_..." or NULL (unsigned). `seen` (may be NULL) is called for each new message from the
// server's thread, with the body {type, timestamp, data}.
struct printer *printer_start(FILE *out, bool colour, const char *secret,
			      void (*seen)(void *ctx, const json_t *message), void *ctx,
			      struct error *err) MUST_CHECK;
const char *printer_url(const struct printer *p);
// One line of the narrator's, never in the middle of a message.
void printer_say(struct printer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void printer_stop(struct printer *p);
#endif
