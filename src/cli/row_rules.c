// SPDX-License-Identifier: Apache-2.0
#include "cli/row_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/utf8.h"
#include "stats/field.h"
#include "util/re.h"
#include "util/xalloc.h"

struct field_rules {
	const struct field_conf *conf;
	int column;     // -1: the file has none
	struct re *pattern;
	unsigned broken; // by the row in hand: bit per violation kind
};

struct row_rules {
	const struct stream_conf *stream;
	const struct rows *rows;
	struct field_rules *fields;
	size_t n;
	struct range_faults *faults;
};

struct row_rules *row_rules_new(const struct stream_conf *s, const struct rows *r, struct error *err)
{
	struct row_rules *k = xcalloc(1, sizeof *k);

	k->stream = s;
	k->rows = r;
	k->fields = xcalloc(s->nfields + 1, sizeof *k->fields);
	for (size_t i = 0; i < s->nfields; i++) {
		struct field_rules *f = &k->fields[k->n++];

		*f = (struct field_rules){.conf = &s->fields[i], .column = rows_find(r, s->fields[i].path)};
		if (f->conf->pattern && !(f->pattern = re_new(f->conf->pattern, strlen(f->conf->pattern), err))) {
			row_rules_free(k);
			return NULL;
		}
	}
	return k;
}

void row_rules_free(struct row_rules *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		re_free(k->fields[i].pattern);
	free(k->fields);
	free(k);
}

// One record, one kind, one field.
static void breach(struct row_rules *k, struct field_rules *f, const struct row *row, enum violation_kind kind, const char *text)
{
	if (f->broken >> kind & 1)
		return;
	f->broken |= 1u << kind;
	k->faults->violations[kind]++;
	if (path_redacted(f->conf->path, k->stream->redact, k->stream->nredact))
		text = "(redacted)";
	if (!*k->faults->first)
		snprintf(k->faults->first, sizeof k->faults->first, "%s at %.100s:%" PRIu64 ", %s %.40s", violation_table[kind].name,
			 rows_path(k->rows), row->line, f->conf->path, text);
}

static bool allowed(const struct field_conf *c, const struct cell *cell, const double *x)
{
	for (size_t i = 0; i < c->nallowed; i++) {
		double v;

		if (x ? !number_parse(c->allowed[i], strlen(c->allowed[i]), &v) && v == *x
		      : strlen(c->allowed[i]) == cell->len && !memcmp(c->allowed[i], cell->text, cell->len))
			return true;
	}
	return !c->nallowed;
}

static void judge_cell(struct row_rules *k, struct field_rules *f, const struct row *row, const struct cell *cell,
		       enum field_type type)
{
	const struct field_conf *c = f->conf;
	bool text = type == FIELD_CATEGORICAL || type == FIELD_TEXT;
	double x = cell->number;

	if (type == FIELD_NUMERIC && rows_column(k->rows, cell->column)->type != FIELD_NUMERIC &&
	    number_parse(cell->text, cell->len, &x))
		return; // of another type: the caller refuses the file
	if (type == FIELD_NUMERIC && c->has_range && (x < c->range_min || x > c->range_max))
		breach(k, f, row, VIOLATION_RANGE, cell->text);
	if (type != FIELD_TIME && !allowed(c, cell, type == FIELD_NUMERIC ? &x : NULL))
		breach(k, f, row, VIOLATION_ALLOWED, cell->text);
	if (f->pattern && type != FIELD_TIME && !re_found(f->pattern, cell->text, cell->len))
		breach(k, f, row, VIOLATION_PATTERN, cell->text);
	if (c->has_length && text) {
		uint64_t n = utf8_characters((const uint8_t *)cell->text, cell->len);

		if (n < c->length_min || n > c->length_max)
			breach(k, f, row, VIOLATION_LENGTH, cell->text);
	}
}

void row_rules_judge(struct row_rules *k, const struct row *row, const enum field_type *types, struct range_faults *f)
{
	bool broken = false;

	k->faults = f;
	f->records++;
	for (size_t i = 0; i < k->n; i++) {
		struct field_rules *r = &k->fields[i];
		bool found = false;

		r->broken = 0;
		for (size_t j = 0; j < row->ncells; j++) {
			if ((int)row->cells[j].column != r->column)
				continue;
			found = true;
			judge_cell(k, r, row, &row->cells[j], types[r->column]);
		}
		if (!found && r->column >= 0 && r->conf->not_null)
			breach(k, r, row, VIOLATION_NULL, "is missing");
		broken |= r->broken != 0;
	}
	f->violating += broken;
}
