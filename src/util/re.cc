// SPDX-License-Identifier: Apache-2.0
#include "util/re.h"

#include <re2/re2.h>

// Of each: RE2 falls back to a slower search where its automaton outgrows it.
static const int64_t memory = 1 << 20;

static const RE2 *of(const struct re *r)
{
	return reinterpret_cast<const RE2 *>(r);
}

struct re *re_new(const char *pattern, size_t n, struct error *err)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_never_capture(true);
	options.set_max_mem(memory);
	RE2 *re = new RE2(re2::StringPiece(pattern, n), options);
	if (re->ok())
		return reinterpret_cast<struct re *>(re);
	error_set(err, "%s", re->error().c_str());
	delete re;
	return nullptr;
}

void re_free(struct re *r)
{
	delete of(r);
}

bool re_found(const struct re *r, const char *text, size_t n)
{
	return of(r)->Match(re2::StringPiece(text, n), 0, n, RE2::UNANCHORED, nullptr, 0);
}
