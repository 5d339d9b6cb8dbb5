// SPDX-License-Identifier: Apache-2.0
// Contracts against what the registry holds under the stream's subject.
#ifndef KD_APP_CONTRACTS_H
#define KD_APP_CONTRACTS_H
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

// The subject under which the stream's writers register. false: there is no single one, since the topic is a
// pattern or holds several record types.
bool contract_subject(const struct stream_conf *c, char *out, size_t n);
#endif
