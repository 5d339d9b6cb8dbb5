// SPDX-License-Identifier: Apache-2.0
#include "collect/limits.h"

enum { FORMAT = 1 };

const char *const limit_names[LIMIT_STOPS] = {"", "max_ratio", "max_consecutive"};

static void push(struct limit_state *s, bool violating)
{
	if (s->filled == LIMIT_BLOCK) {
		s->at = (s->at + 1) % LIMIT_BLOCKS;
		s->share -= s->blocks[s->at];
		s->blocks[s->at] = 0;
		s->filled = 0;
	}
	s->filled++;
	s->blocks[s->at] = (uint16_t)(s->blocks[s->at] + violating);
	s->share += violating;
	s->run = violating ? s->run + (s->run < UINT32_MAX) : 0;
}

static enum limit_stop past(const struct limit_state *s, const struct limits *l)
{
	if (l->max_consecutive && s->run > l->max_consecutive)
		return LIMIT_CONSECUTIVE;
	return l->max_ratio < 1 && s->share > l->max_ratio * LIMIT_WINDOW ? LIMIT_RATIO : LIMIT_NONE;
}

enum limit_answer limit_record(struct limit_state *s, const struct limits *l, bool violating, int64_t ms, bool *changed)
{
	*changed = false;
	push(s, violating);
	if (!s->stopped && violating && past(s, l)) {
		s->stopped = past(s, l);
		s->missed = 0;
		s->since = ms;
		*changed = true;
	} else if (s->stopped && !violating && s->share <= l->max_ratio / 2 * LIMIT_WINDOW) {
		s->stopped = LIMIT_NONE;
		*changed = true;
	}
	if (!violating)
		return LIMIT_GOOD;
	s->missed += s->stopped != LIMIT_NONE;
	return s->stopped ? LIMIT_SKIP : LIMIT_COPY;
}

void limit_encode(const struct limit_state *s, struct buf *out)
{
	buf_u8(out, FORMAT);
	buf_u8(out, (uint8_t)s->stopped);
	buf_uvar(out, s->run);
	buf_uvar(out, s->missed);
	buf_svar(out, s->since);
	buf_uvar(out, s->filled);
	for (uint32_t i = 0; i < LIMIT_BLOCKS; i++) // the oldest first
		buf_uvar(out, s->blocks[(s->at + 1 + i) % LIMIT_BLOCKS]);
}

bool limit_decode(struct limit_state *s, const void *bytes, size_t len)
{
	struct rd r;
	struct limit_state read = {.at = LIMIT_BLOCKS - 1};

	*s = (struct limit_state){0};
	rd_init(&r, bytes, len);
	uint8_t format = rd_u8(&r), stopped = rd_u8(&r);
	uint64_t run = rd_uvar(&r);
	read.missed = rd_uvar(&r);
	read.since = rd_svar(&r);
	uint64_t filled = rd_uvar(&r);
	for (size_t i = 0; i < LIMIT_BLOCKS; i++) {
		uint64_t n = rd_uvar(&r);
		if (n > LIMIT_BLOCK)
			return false;
		read.blocks[i] = (uint16_t)n;
		read.share += (uint32_t)n;
	}
	if (r.bad || rd_left(&r) || format != FORMAT || stopped >= LIMIT_STOPS || run > UINT32_MAX || filled > LIMIT_BLOCK ||
	    read.blocks[read.at] > filled)
		return false;
	read.stopped = (enum limit_stop)stopped;
	read.run = (uint32_t)run;
	read.filled = (uint32_t)filled;
	*s = read;
	return true;
}
