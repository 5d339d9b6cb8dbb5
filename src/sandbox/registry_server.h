// SPDX-License-Identifier: Apache-2.0
// A small schema registry in this process, in memory, for the demo and for tests. It speaks the Confluent
// REST interface as far as clients of Avro schemas use it:
//
//     POST /subjects/{s}/versions      register; the same schema gets the same id and version again
//     POST /subjects/{s}               look a schema up: 40401, 40403
//     GET  /subjects, /subjects/{s}/versions, /subjects/{s}/versions/{v|latest}: 40401, 40402, 42202
//     GET  /schemas/ids/{id}, /schemas/ids/{id}/schema|subjects|versions: 40403
//     GET  /schemas/types, /config[/{s}]
//
// A body that is no Avro schema is refused with 42201, references and other schema types too. The
// compatibility level is NONE: it takes whatever a careless producer registers.
#ifndef KD_SANDBOX_REGISTRY_SERVER_H
#define KD_SANDBOX_REGISTRY_SERVER_H
#include <stdint.h>

#include "util/error.h"

struct registry_server;
struct registry_server *registry_server_start(struct error *err) MUST_CHECK; // on a free port of loopback
const char *registry_server_url(const struct registry_server *s);	     // "http://127.0.0.1:34567"
// Registers from within; the id, or -1.
int32_t registry_server_add(struct registry_server *s, const char *subject, const char *schema,
			    struct error *err) MUST_CHECK;
void registry_server_stop(struct registry_server *s);
#endif
