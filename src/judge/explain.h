// SPDX-License-Identifier: Apache-2.0
// What `kdrift explain` says of a page, as JSON (docs/explain.md): read from the store through the judge's
// port, whether or not a monitor runs; it changes nothing.
#ifndef KD_JUDGE_EXPLAIN_H
#define KD_JUDGE_EXPLAIN_H
#include "judge/judge.h"

struct explain_conf {
	const struct judge_conf *judge;
	const struct judge_port *port;
	char *const *redact; // paths of the page's stream whose values are not shown
	size_t nredact;
};

// {page, fired_at}: the page of that id, or the newest of that fingerprint, from the pages that are kept and
// from the journal; fired_at (unix ms) is when it was told, null where the journal has forgotten. A new
// reference; NULL with err.
json_t *explain_find(const struct judge_port *port, const char *id, struct error *err) MUST_CHECK;
// The explanation of what explain_find found. A new reference; NULL with err.
json_t *explain_page(const struct explain_conf *c, const json_t *found, struct error *err) MUST_CHECK;
#endif
