// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "report/bars.h"
#include "util/escape.h"

enum { LABEL = 30, SHOWN = 8 }; // SHOWN: of a list, the rest is in --json

// Whatever came from outside goes through here.
static void line(struct buf *out, const char *indent, struct buf *text)
{
	buf_adds(out, indent);
	plain_text(out, text->data ? text->data : "", text->len, 4000);
	buf_addc(out, '\n');
	buf_release(text);
}

static void label(struct buf *out, const char *text)
{
	size_t used = plain_text(out, text, strlen(text), LABEL);

	while (used++ < LABEL + 2)
		buf_addc(out, ' ');
}

static void rest(struct buf *out, size_t n)
{
	if (n > SHOWN)
		buf_addf(out, "    and %zu more (--json has them)\n", n - SHOWN);
}

static void contributions(struct buf *out, const json_t *item)
{
	const json_t *c = json_object_get(item, "contributions"), *rows = json_object_get(c, "rows");
	struct buf text = BUF_INIT;
	size_t i;
	json_t *row;

	if (!c)
		return;
	buf_addf(out, "\n  What makes it up (terms of %s: %s)\n", json_get_str(c, "of", ""),
		 json_get_str(c, "how", ""));
	json_array_foreach(rows, i, row)
	{
		if (i == SHOWN)
			break;
		explain_label(&text, row);
		buf_adds(out, "    ");
		label(out, text.data);
		buf_release(&text);
		buf_addf(out, "%5.1f %%   %6.2f %% became %6.2f %%\n", 100 * json_get_num(row, "share", 0),
			 100 * json_get_num(row, "reference", 0), 100 * json_get_num(row, "current", 0));
	}
	rest(out, json_array_size(rows));
	explain_gap(&text, item);
	if (text.len)
		line(out, "    ", &text);
}

static void carrier(struct buf *out, const char *name, const json_t *one)
{
	struct buf value = BUF_INIT;

	buf_adds(out, "    ");
	label(out, name);
	if (json_is_number(json_object_get(one, "value")))
		explain_number(&value, json_object_get(one, "value"));
	else
		buf_adds(&value, json_get_str(one, "state", "?"));
	buf_addf(out, "%-15s ", value.data);
	html_count(out, json_get_int(one, "records", 0));
	buf_adds(out, " records");
	if (json_object_get(one, "from_offset"))
		buf_addf(out, ", offsets %" PRId64 " to %" PRId64, json_get_int(one, "from_offset", 0),
			 json_get_int(one, "to_offset", 0));
	buf_addc(out, '\n');
	buf_release(&value);
}

static void carriers(struct buf *out, const json_t *item, const char *key, const char *title)
{
	const json_t *list = json_object_get(item, key);
	struct buf name = BUF_INIT;
	size_t i;
	json_t *one;

	if (!json_array_size(list))
		return;
	buf_addf(out, "\n  %s\n", title);
	json_array_foreach(list, i, one)
	{
		if (i == SHOWN)
			break;
		explain_carrier(&name, one);
		carrier(out, name.data, one);
		buf_release(&name);
	}
	rest(out, json_array_size(list));
}

static void item_text(struct buf *out, const json_t *v, const json_t *item)
{
	struct buf text = BUF_INIT;
	struct shape s;

	buf_addc(out, '\n');
	explain_place(&text, item);
	line(out, "", &text);
	explain_value(&text, item);
	line(out, "  ", &text);
	explain_since(&text, v, item);
	line(out, "  ", &text);
	explain_hidden(&text, item);
	if (text.len)
		line(out, "  ", &text);
	if (explain_shape(&s, item, BARS_CELLS)) {
		buf_addc(out, '\n');
		bars_shape(out, &s, "reference", "window");
		shape_release(&s);
	}
	contributions(out, item);
	carriers(out, item, "slices", "In each slice");
	carriers(out, item, "partitions", "In each partition");
	carriers(out, item, "schemas", "In panes of one schema id alone");
	if (json_get_int(item, "records_of_mixed_schemas", 0)) {
		buf_adds(out, "    ");
		html_count(out, json_get_int(item, "records_of_mixed_schemas", 0));
		buf_adds(out, " records are in panes of several, which do not tell their values apart.\n");
	}
}

static void listed(struct buf *out, const char *title, const json_t *list,
		   void (*say)(struct buf *, const json_t *))
{
	struct buf text = BUF_INIT;
	size_t i;
	json_t *one;

	if (!json_array_size(list))
		return;
	buf_addf(out, "\n%s\n", title);
	json_array_foreach(list, i, one)
	{
		say(&text, one);
		line(out, "  ", &text);
	}
}

static void header(struct buf *out, const json_t *v)
{
	const json_t *page = json_object_get(v, "page");
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s: %s, %s, %s on stream %s", json_get_str(page, "id", ""),
		 json_get_str(page, "status", ""), json_get_str(page, "tier", ""),
		 json_get_str(page, "alert", ""), json_get_str(page, "stream", ""));
	line(out, "", &text);
	buf_adds(&text, json_get_str(page, "summary", ""));
	line(out, "", &text);
	if (json_object_get(v, "rule")) {
		explain_rule(&text, v);
		line(out, "Rule: ", &text);
	}
	explain_window(&text, v);
	if (text.len)
		line(out, "", &text);
}

char *explain_text(const json_t *v)
{
	const json_t *items = json_object_get(v, "items"), *page = json_object_get(v, "page");
	const json_t *evidence = json_object_get(page, "evidence");
	size_t shown = json_array_size(items) - (size_t)json_get_int(v, "items_listed_only", 0);
	struct buf out = BUF_INIT, text = BUF_INIT;
	json_t *others = explain_others(v);

	header(&out, v);
	for (size_t i = 0; i < shown; i++)
		item_text(&out, v, json_array_get(items, i));
	listed(&out, "The page also has", others, explain_other);
	json_decref(others);
	listed(&out, "Violations in the window", json_object_get(v, "violations"), explain_violation);
	listed(&out, "Samples", json_object_get(evidence, "samples"), explain_sample);
	if (json_object_get(v, "schemas")) {
		explain_schemas(&text, v);
		buf_adds(&out, "\nSchema ids\n");
		line(&out, "  ", &text);
	}
	listed(&out, "What else moved then", json_object_get(v, "also_moved"), explain_moved);
	listed(&out, "What happened around the time it was told", json_object_get(v, "events"),
	       explain_event);
	listed(&out, "To look further", json_object_get(page, "commands"), explain_command);
	return buf_steal(&out);
}
