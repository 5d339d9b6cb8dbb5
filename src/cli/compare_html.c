// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "report/html.h"
#include "report/svg.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { OPEN = 10 };	// fields that are not folded away at first
#define CHANCE	   0.01 // p-values from which on a difference is called chance
#define MISSING	   0.01 // a change of the missing share that is worth a word
#define MUCH_WIDER 1.1	// of standard deviations

static double missing_share(const struct compared_side *s)
{
	return s->places ? (double)(s->places - s->present) / (double)s->places : NAN;
}

// --- what differs, in words ---------------------------------------------------------------------------

static void say_missing(struct buf *b, const struct compared_field *f)
{
	double r = missing_share(&f->reference), c = missing_share(&f->current);

	if (fabs(r - c) >= MISSING)
		buf_addf(b, "Missing: %.3g %% became %.3g %%. ", 100 * r, 100 * c);
}

static void say_numbers(struct buf *b, const struct compared_field *f)
{
	const struct compared_picture *p = f->picture;
	double shift = compared_value(f, "mean_shift"), wider = sqrt(compared_value(f, "variance_ratio"));

	if (fabs(shift) >= 0.05)
		buf_addf(b, "The mean went from %.4g to %.4g (%+.2g sd). ", p->mean_r, p->mean_c, shift);
	if (wider >= MUCH_WIDER || wider <= 1 / MUCH_WIDER)
		buf_addf(b, "The standard deviation is %.3g times the reference's. ", wider);
	buf_addf(b,
		 "Farthest apart at %.4g: %.3g %% of the reference's values are at most that, %.3g %% now. ",
		 p->gap_at, 100 * p->gap_r, 100 * p->gap_c);
}

static void say_row(struct buf *b, const struct share_row *row)
{
	buf_addf(b, "%s went from %.3g %% to %.3g %%", *row->label ? row->label : "(empty)", 100 * row->r,
		 100 * row->c);
}

// The two rows that moved most; values that the reference lacks.
static void say_categories(struct buf *b, const struct shape *s, double unseen)
{
	const struct share_row *first = NULL, *second = NULL;

	for (size_t i = 0; i < s->npoints; i++) {
		const struct share_row *row = &s->points[i];
		double d = fabs(row->c - row->r);
		if (!first || d > fabs(first->c - first->r)) {
			second = first;
			first = row;
		} else if (!second || d > fabs(second->c - second->r)) {
			second = row;
		}
	}
	say_row(b, first);
	if (second && second->r != second->c) {
		buf_adds(b, ", ");
		say_row(b, second);
	}
	buf_adds(b, ". ");
	if (unseen > 0)
		buf_addf(b, "%.3g %% of the values are new. ", 100 * unseen);
}

static void say_field(struct buf *b, const struct compared_field *f)
{
	bool numbers = f->type == FIELD_NUMERIC;
	const char *test = numbers ? "ks_p" : "chi2_p";
	double p = compared_value(f, test);

	if (!f->reference.there || !f->current.there)
		buf_addf(b, "Only the %s file has this column. ", f->current.there ? "current" : "reference");
	else if (!f->picture && (f->reference.present || f->current.present) && f->type == FIELD_TIME)
		buf_adds(b, "Times are not compared. ");
	else if (!f->picture)
		buf_addf(b, "No values in %s. ",
			 f->reference.count ? "the current file"
			 : f->current.count ? "the reference file"
					    : "either file");
	if (f->reference.there && f->current.there)
		say_missing(b, f);
	if (!f->picture)
		return;
	if (p >= CHANCE) {
		buf_addf(b, "No difference beyond chance (%s %.2g). ", test, p);
		return;
	}
	if (numbers)
		say_numbers(b, f);
	else
		say_categories(b, &f->picture->shape, compared_value(f, "unseen_ratio"));
}

// --- the page -----------------------------------------------------------------------------------------

static void cell_percent(struct html *h, double share)
{
	char text[32] = "\xe2\x80\x93";

	if (isfinite(share))
		snprintf(text, sizeof text, "%.2f %%", 100 * share);
	html_cell(h, text);
}

static void overview(struct html *h, const struct compared_field **order, size_t n)
{
	static const struct html_column columns[] = {
	    {"field", false},  {"type", false},
	    {"js", true},      {"psi", true},
	    {"p", true},       {"reference values", true},
	    {"current", true}, {"reference missing", true},
	    {"current", true},
	};

	html_heading(h, 2, "Overview");
	html_paragraph(
	    h, "The most different field first: by js, the Jensen-Shannon distance, from 0 (the same) to 1 "
	       "(nothing in common). p is ks_p of numbers and chi2_p of categories, of each field by "
	       "itself: among a hundred fields that do not differ, one is expected below 0.01.");
	html_table_begin(h, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		const struct compared_field *f = order[i];
		char anchor[32];
		snprintf(anchor, sizeof anchor, "field-%zu", i + 1);
		html_row(h);
		html_cell_link(h, f->path, anchor);
		html_cell(h, field_type_name(f->type));
		html_cell_number(h, compared_value(f, "js"));
		html_cell_number(h, compared_value(f, "psi"));
		html_cell_number(h, compared_value(f, f->type == FIELD_NUMERIC ? "ks_p" : "chi2_p"));
		html_cell_count(h, f->reference.count);
		html_cell_count(h, f->current.count);
		cell_percent(h, missing_share(&f->reference));
		cell_percent(h, missing_share(&f->current));
	}
	html_table_end(h);
}

static void sizes(struct html *h, const struct compared_field *f)
{
	html_paragraph(h,
		       "%s. Reference: %" PRIu64 " values, %.3g %% missing; current: %" PRIu64
		       " values, %.3g %% missing.",
		       field_type_name(f->type), f->reference.count, 100 * missing_share(&f->reference),
		       f->current.count, 100 * missing_share(&f->current));
}

static void picture(struct html *h, const struct compared_field *f, size_t at)
{
	char id[32];
	struct buf title = BUF_INIT, desc = BUF_INIT, r = BUF_INIT, c = BUF_INIT;

	snprintf(id, sizeof id, "picture-%zu", at);
	buf_addf(&title, "%s: both distributions", f->path);
	say_field(&desc, f);
	buf_addf(&r, "reference, %" PRIu64 " values", f->reference.count);
	buf_addf(&c, "current, %" PRIu64 " values", f->current.count);
	const struct svg_about about = {id, title.data, desc.data, r.data, c.data};
	svg_shape(&h->body, &about, &f->picture->shape);
	buf_release(&title);
	buf_release(&desc);
	buf_release(&r);
	buf_release(&c);
}

static void summary_row(struct html *h, const char *name, const double q[QUANTILES], double mean)
{
	html_row(h);
	html_cell(h, name);
	html_cell_number(h, mean);
	for (size_t i = 0; i < QUANTILES; i++)
		html_cell_number(h, q[i]);
}

static void quantile_table(struct html *h, const struct compared_picture *p)
{
	static const struct html_column columns[] = {{"", false},    {"mean", true}, {"least", true},
						     {"5 %", true},  {"25 %", true}, {"median", true},
						     {"75 %", true}, {"95 %", true}, {"greatest", true}};

	html_table_begin(h, columns, ARRAY_LEN(columns));
	summary_row(h, "reference", p->quantiles_r, p->mean_r);
	summary_row(h, "current", p->quantiles_c, p->mean_c);
	html_table_end(h);
}

static void measures(struct html *h, const struct compared_field *f)
{
	static const struct html_column columns[] = {
	    {"measure", false}, {"value", true}, {"usual limit", true}};
	char text[64];

	html_columns_begin(h);
	html_table_begin(h, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		if (isnan(f->values[i]))
			continue;
		html_row(h);
		html_cell(h, m->name);
		snprintf(text, sizeof text, "%.6g%s", f->values[i],
			 m->unit && !strcmp(m->unit, "sd") ? " sd" : "");
		html_cell(h, text);
		html_cell_number(h, m->threshold);
	}
	html_table_end(h);
	html_columns_end(h);
}

static void field(struct html *h, const struct compared_field *f, size_t at)
{
	struct buf what = BUF_INIT;
	char anchor[32];

	say_field(&what, f);
	snprintf(anchor, sizeof anchor, "field-%zu", at);
	html_fold_begin(h, f->path, anchor, at <= OPEN);
	html_paragraph(h, "%s", what.data ? what.data : "");
	sizes(h, f);
	if (f->picture)
		picture(h, f, at);
	if (f->picture && f->type == FIELD_NUMERIC)
		quantile_table(h, f->picture);
	measures(h, f);
	html_fold_end(h);
	buf_release(&what);
}

static void glossary(struct html *h)
{
	static const struct html_column columns[] = {
	    {"measure", false}, {"is", false}, {"range", false}, {"as computed by", false}};

	html_heading(h, 2, "Measures");
	html_table_begin(h, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		if (!exact_has(m))
			continue;
		html_row(h);
		html_cell(h, m->name);
		html_cell(h, m->help);
		html_cell(h, m->range ? m->range : "");
		html_cell(h, m->dialect ? m->dialect : "");
	}
	html_table_end(h);
}

char *comparison_html(const struct comparison *c)
{
	const struct compared_field **order = comparison_order(c);
	struct html h;
	char when[40];

	html_init(&h, "Comparison of two files");
	html_paragraph(&h,
		       "Reference: %s, %" PRIu64 " rows. Current: %s, %" PRIu64
		       " rows. %zu fields. Made by kdrift " KDRIFT_VERSION " at %s.",
		       c->reference->path, c->reference->rows, c->current->path, c->current->rows, c->n,
		       time_format(time_floor(wall_now().ms, 1000), when, sizeof when));
	overview(&h, order, c->n);
	html_heading(&h, 2, "Fields");
	for (size_t i = 0; i < c->n; i++)
		field(&h, order[i], i + 1);
	glossary(&h);
	free(order);
	return html_finish(&h);
}
