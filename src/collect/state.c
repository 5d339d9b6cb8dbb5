// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "collect/partition.h"
#include "util/xalloc.h"

static void release(struct state_write *w)
{
	free((char *)(uintptr_t)w->stream);
	free((char *)(uintptr_t)w->name);
	free((void *)(uintptr_t)w->bytes);
}

static bool same(const struct state_write *w, const char *stream, const char *name)
{
	return !strcmp(w->stream, stream) && !strcmp(w->name, name);
}

void part_state(struct part *p, const char *stream, const char *name, enum state_op op, const void *bytes, size_t n)
{
	struct state_write w = {xstrdup(stream), xstrdup(name), op, xstrndup(bytes ? bytes : "", n), n};

	p->dirty = true;
	for (size_t i = p->nstates; op == STATE_PUT && i-- > 0;) {
		if (!same(&p->states[i], stream, name))
			continue;
		if (p->states[i].op != STATE_PUT)
			break;
		release(&p->states[i]);
		p->states[i] = w;
		return;
	}
	GROW(p->states, p->nstates, p->capstates);
	p->states[p->nstates++] = w;
}

void part_state_forget(struct part *p)
{
	for (size_t i = 0; i < p->nstates; i++)
		release(&p->states[i]);
	p->nstates = 0;
}
