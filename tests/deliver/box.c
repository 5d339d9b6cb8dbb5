// SPDX-License-Identifier: Apache-2.0
#include "box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/xalloc.h"

struct box *box_new(void)
{
	struct box *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&b->lock, &attr);
	b->leading = true;
	return b;
}

void box_free(struct box *b)
{
	munmap(b, sizeof *b);
}

static struct box_entry *find(struct box *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->entries[i].id, id))
			return &b->entries[i];
	abort();
}

void box_put(struct box *b, const char *id, const char *receiver, const char *tier, const char *body)
{
	pthread_mutex_lock(&b->lock);
	struct box_entry *e = &b->entries[b->n++];
	snprintf(e->id, sizeof e->id, "%s", id);
	snprintf(e->receiver, sizeof e->receiver, "%s", receiver);
	snprintf(e->tier, sizeof e->tier, "%s", tier);
	snprintf(e->body, sizeof e->body, "%s", body);
	e->created = e->due = wall_now().ms;
	pthread_mutex_unlock(&b->lock);
}

struct box_entry box_get(struct box *b, const char *id)
{
	pthread_mutex_lock(&b->lock);
	struct box_entry e = *find(b, id);
	pthread_mutex_unlock(&b->lock);
	return e;
}

bool box_wait(struct box *b, const char *id, enum box_state state)
{
	for (struct mono_time until = mono_after_ms(10000); !mono_passed(until); usleep(2000))
		if (box_get(b, id).state == state)
			return true;
	return false;
}

static int due(void *ctx, const char *receiver, int64_t now, struct outbox_entry *out, size_t n, size_t *got,
	       struct error *err)
{
	struct box *b = ctx;

	(void)err;
	b->calls++;
	b->due_calls++;
	*got = 0;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n && *got < n; i++) {
		const struct box_entry *e = &b->entries[i];
		if (e->state != BOX_OWED || e->due > now || strcmp(e->receiver, receiver) != 0)
			continue;
		out[(*got)++] = (struct outbox_entry){
			.id = xstrdup(e->id),
			.receiver = xstrdup(e->receiver),
			.tier = xstrdup(e->tier),
			.body = xstrdup(e->body),
			.created = e->created,
			.due = e->due,
			.attempts = e->attempts,
			.last_error = xstrdup(e->why),
		};
	}
	pthread_mutex_unlock(&b->lock);
	return 0;
}

static int attempt(void *ctx, const char *id, struct error *err)
{
	struct box *b = ctx;

	b->calls++;
	b->attempt_calls++;
	if (b->fence_attempts)
		return error_set(err, "another process leads");
	pthread_mutex_lock(&b->lock);
	find(b, id)->attempts++;
	pthread_mutex_unlock(&b->lock);
	return 0;
}

static void set(struct box *b, const char *id, enum box_state state, const char *why, int64_t when)
{
	b->calls++;
	pthread_mutex_lock(&b->lock);
	struct box_entry *e = find(b, id);
	e->state = state;
	e->due = when;
	snprintf(e->why, sizeof e->why, "%s", why);
	pthread_mutex_unlock(&b->lock);
}

static int done(void *ctx, const char *id, const char *note, struct error *err)
{
	struct box *b = ctx;

	if (b->die_in_done)
		_exit(9);
	if (b->fence_done)
		return error_set(err, "another process leads");
	set(b, id, BOX_DONE, note, 0);
	return 0;
}

static int retry(void *ctx, const char *id, int64_t when, const char *why, struct error *err)
{
	(void)err;
	set(ctx, id, BOX_OWED, why, when);
	return 0;
}

static int dead(void *ctx, const char *id, const char *why, struct error *err)
{
	(void)err;
	set(ctx, id, BOX_DEAD, why, 0);
	return 0;
}

struct deliver_port box_port(struct box *b)
{
	return (struct deliver_port){b, due, attempt, done, retry, dead};
}

bool box_leading(void *box)
{
	struct box *b = box;

	b->leading_calls++;
	return b->leading;
}
