// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "deliver/deliver.h"

static const struct option_def options[] = {OPTION_CONFIG, OPTIONS_END};

static const struct receiver_conf *find(const struct config *c, const char *name, struct error *err)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < c->nreceivers; i++)
		if (!strcmp(c->receivers[i].name, name))
			return &c->receivers[i];
	for (size_t i = 0; i < c->nreceivers; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", c->receivers[i].name);
	error_set(err, "there is no receiver \"%s\" in receivers.yaml; the names are: %s", name,
		  names.len ? names.data : "(none)");
	buf_release(&names);
	return NULL;
}

static int run(struct cli_args *args)
{
	struct config *c = cli_config(args);
	struct buf said = BUF_INIT;
	struct error err = ERROR_INIT;
	int rc = EXIT_OK;

	if (!c)
		return EXIT_FAILED;
	const struct receiver_conf *r = find(c, cli_word(args, 0), &err);
	if (!r || deliver_test(r, &said, &err) < 0)
		rc = cli_fail(args, &err);
	else
		puts(said.data);
	buf_release(&said);
	config_free(c);
	return rc;
}

const struct command cmd_test_receiver = {
	.name = "test-receiver",
	.summary = "sends a test message to a receiver, once, and says what it answered",
	.usage = "kdrift test-receiver NAME",
	.options = options,
	.min_words = 1,
	.max_words = 1,
	.run = run,
	.about = "The message is of type kdrift.test, signed as every other. It does not pass through the "
		 "outbox: "
		 "neither Kafka nor Redis is needed.",
};
