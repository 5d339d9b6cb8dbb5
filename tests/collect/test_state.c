// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "collect/partition.h"

// What the played store was told.
static enum store_result answer;
static size_t told;
static struct {
	char name[16], bytes[16];
	enum state_op op;
} writes[8];

static enum store_result play_checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
					 struct error *err)
{
	(void)ctx;
	(void)widths;
	(void)floors;
	(void)err;
	told = c->nstates;
	for (size_t i = 0; i < c->nstates; i++) {
		writes[i].op = c->states[i].op;
		snprintf(writes[i].name, 16, "%s", c->states[i].name);
		snprintf(writes[i].bytes, 16, "%.*s", (int)c->states[i].len, (const char *)c->states[i].bytes);
	}
	return answer;
}

static const struct collect_port port = {.checkpoint = play_checkpoint};

Test(state, is_written_once_in_order_and_puts_replace_one_another)
{
	const struct claim c = {.nonce = "n"};
	struct part *p = part_new("topic", 0, NULL, 0);
	struct error err = ERROR_INIT;

	part_adopt(p, &c);
	part_state(p, "s", "a", STATE_PUT, "1", 1);
	part_state(p, "s", "b", STATE_APPEND, "x", 1);
	part_state(p, "s", "b", STATE_APPEND, "y", 1);
	part_state(p, "s", "a", STATE_PUT, "2", 1);
	part_state(p, "s", "a", STATE_DROP, NULL, 0);
	part_state(p, "s", "a", STATE_PUT, "3", 1);
	cr_assert(p->dirty);
	cr_assert_eq(part_checkpoint(p, &port, &err), STORE_OK);
	cr_assert_eq(told, 5);
	cr_expect(!strcmp(writes[0].name, "a") && writes[0].op == STATE_PUT && !strcmp(writes[0].bytes, "2"));
	cr_expect(!strcmp(writes[1].bytes, "x") && !strcmp(writes[2].bytes, "y") && writes[2].op == STATE_APPEND);
	cr_expect(!strcmp(writes[3].name, "a") && writes[3].op == STATE_DROP);
	cr_expect(!strcmp(writes[4].name, "a") && writes[4].op == STATE_PUT && !strcmp(writes[4].bytes, "3"));
	cr_assert_eq(part_checkpoint(p, &port, &err), STORE_OK);
	cr_expect_eq(told, 0);
	part_free(p);
}

Test(state, goes_with_the_claim)
{
	const struct claim c = {.nonce = "n"};
	struct part *p = part_new("topic", 0, NULL, 0);
	struct error err = ERROR_INIT;

	part_adopt(p, &c);
	part_state(p, "s", "a", STATE_PUT, "1", 1);
	answer = STORE_LOST;
	cr_assert_eq(part_checkpoint(p, &port, &err), STORE_LOST);
	cr_expect_eq(told, 1);
	part_drop(p);
	part_adopt(p, &c);
	answer = STORE_OK;
	cr_assert_eq(part_checkpoint(p, &port, &err), STORE_OK);
	cr_expect_eq(told, 0);
	part_free(p);
}
