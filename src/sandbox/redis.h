// SPDX-License-Identifier: Apache-2.0
// A private redis-server: a child on a free port of loopback with its files in a directory of ours, with
// persistence as kdrift asks of any Redis. It dies with this process, however that ends.
#ifndef KD_SANDBOX_REDIS_H
#define KD_SANDBOX_REDIS_H
#include <sys/types.h>

#include "util/error.h"

struct redis_server;
// dir must exist. Blocks until the server answers. Call it from the main thread: the kernel ties the child
// to the *thread* that made it.
struct redis_server *redis_server_start(const char *dir, struct error *err) MUST_CHECK;
const char *redis_server_url(const struct redis_server *r); // "redis://127.0.0.1:34567/0"
pid_t redis_server_pid(const struct redis_server *r);
void redis_server_stop(struct redis_server *r); // waits for it, then frees
#endif
