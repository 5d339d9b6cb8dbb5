// SPDX-License-Identifier: Apache-2.0
// The whole program: ordered start, reverse stop, reload. Everything that runs has its place in struct app.
//
//     app_start -> (app_wait | app_status ...) -> app_stop
#ifndef KD_APP_APP_H
#define KD_APP_APP_H
#include <stdbool.h>

#include "util/error.h"
#include "util/json.h"

enum app_role { APP_ALL, APP_COLLECT, APP_JUDGE };

struct app_options {
	enum app_role role;
	bool clock_is_watermark; // demo: the judge's clock is the newest watermark
};

struct app;
// Loads the configuration at path and starts what the role asks for. The store, the registry and the
// brokers need not be there yet: until they are, the state says so.
struct app *app_start(const char *path, const struct app_options *opt, struct error *err) MUST_CHECK;
// Blocks until SIGINT or SIGTERM; SIGHUP reloads.
void app_wait(struct app *a);
// Drains: checkpoints, leaves the group, ends deliveries under way. Within 10 s.
void app_stop(struct app *a);
// A configuration that is refused leaves the old one in force.
int app_reload(struct app *a, struct error *err) MUST_CHECK;
json_t *app_status(struct app *a); // /api/v1/status; a new reference
int app_http_port(const struct app *a);
#endif
