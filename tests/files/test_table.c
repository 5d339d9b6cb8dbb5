// SPDX-License-Identifier: Apache-2.0
// Columns of whole files, against strtod and against rows.h, whose readers test_rows.c holds to hand-made
// cases.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files/decimal.h"
#include "files/rows.h"
#include "files/table.h"
#include "util/buf.h"
#include "util/map.h"
#include "util/xalloc.h"

static char dir[] = "/tmp/kdrift-table-XXXXXX";
static char path[200];
static uint64_t state;

static void setup(void)
{
	const char *seed = getenv("KDRIFT_SEED");

	cr_assert(mkdtemp(dir));
	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
	printf("table: KDRIFT_SEED=%" PRIu64 "\n", state);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(table, .init = setup, .fini = teardown);

static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static const char *write_file(const char *name, const struct buf *text)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	cr_assert(f && fwrite(text->data, 1, text->len, f) == text->len);
	fclose(f);
	return path;
}

static struct table *load(const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct table *t;

	buf_adds(&b, text);
	t = table_load(write_file(name, &b), NULL, NULL, &err);
	cr_assert(t, "%s", err.text);
	buf_release(&b);
	return t;
}

static void expect_decimal(const char *text)
{
	char padded[128] = {0};
	const char *p = padded;
	double got, want;
	bool whole;

	snprintf(padded, sizeof padded - 16, "%s,7.5e3", text);
	if (!decimal_read(&p, &got, &whole))
		return;
	want = strtod(text, NULL);
	cr_expect(!memcmp(&got, &want, sizeof got), "%s: %a, not %a", text, got, want);
	cr_expect_eq(p - padded, (ptrdiff_t)strlen(text), "%s", text);
	cr_expect_eq(whole, !strpbrk(text, ".eE"), "%s", text);
}

Test(table, decimals_as_strtod)
{
	static const char *const cases[] = {
	    "0",
	    "-0",
	    "+7",
	    "00012",
	    "123456789012345678",
	    "9007199254740993",
	    "9007199254740992.5",
	    "2092.011646979130319",
	    "46435774862438.34766",
	    "94357248016962.88282",
	    "18446744073709551615",
	    "18446744073709551616",
	    "99999999999999999999",
	    "0.1",
	    ".5",
	    "5.",
	    "-1.25",
	    "1e5",
	    "1E-5",
	    "1.5e+10",
	    "1e22",
	    "1e23",
	    "123e-19",
	    "123456789e-25",
	    "0.30000000000000004",
	    "2.2250738585072014e-308",
	    "1e-300",
	    "1e308",
	    "1e400",
	    "4.9406564584124654e-324",
	    "0.000000000000000000000001",
	    "1234567.1234567",
	    "8.000000000000000444",
	    "8.000000000000000888",
	    "1e0005",
	    "0e0",
	    "0.0",
	};
	static const char *const none[] = {"",	"-",   "+",  ".",   "e5",  "-.",
					   "x", "--1", "1e", "1e+", "nan", "inf"};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_decimal(cases[i]);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		char padded[32] = {0};
		const char *p = padded;
		double x;
		bool whole;

		snprintf(padded, sizeof padded, "%s,", none[i]);
		cr_expect(!decimal_read(&p, &x, &whole) && p == padded, "%s", none[i]);
	}
	for (int i = 0; i < 300000; i++) {
		static const char *const forms[] = {"%.*g", "%.*f", "%.*e"};
		double x = (double)(int64_t)next() * pow(10, (double)(next() % 50) - 35);

		snprintf(text, sizeof text, forms[next() % 3], (int)(next() % 19), x);
		if (strlen(text) < 40)
			expect_decimal(text);
	}
	// Most of what is written is read without strtod.
	const char *p = "0.12345678901234567,        ";
	double x;
	bool whole;
	cr_expect(decimal_read(&p, &x, &whole));
}

static const struct table_column *column(const struct table *t, const char *name)
{
	const struct table_column *c = table_find(t, name);

	cr_assert(c, "%s", name);
	return c;
}

static uint64_t times(const struct table_column *c, const char *text)
{
	for (size_t i = 0; i < c->words.n; i++)
		if (c->words.items[i].len == strlen(text) && !memcmp(c->words.items[i].s, text, strlen(text)))
			return c->words.items[i].n;
	return 0;
}

Test(table, types_by_all_cells)
{
	struct table *t = load("t.csv", "n,whole,c,late,b,none,odd,gap\r\n"
					"1.5,1,x,1,true,,nan,1\r\n"
					"-0,2,y,2,false,,inf,\r\n"
					" 2 ,3,x,x,true,,-inf,3\r\n"
					"1e3,-4,\"a \"\"b\"\"\",2,true,,1,4\r\n");

	cr_expect_eq(t->rows, 4);
	cr_expect_eq(t->ncolumns, 8);
	cr_expect_eq(column(t, "n")->type, FIELD_NUMERIC);
	cr_expect_eq(column(t, "n")->n, 4);
	cr_expect(column(t, "n")->numbers[1] == 0 && !signbit(column(t, "n")->numbers[1]));
	cr_expect_eq(column(t, "n")->numbers[2], 2);
	cr_expect_not(column(t, "n")->whole);
	cr_expect(column(t, "whole")->whole);
	cr_expect_not(column(t, "gap")->whole);
	cr_expect_eq(column(t, "gap")->present, 3);
	cr_expect_eq(column(t, "c")->type, FIELD_CATEGORICAL);
	cr_expect_eq(times(column(t, "c"), "x"), 2);
	cr_expect_eq(times(column(t, "c"), "a \"b\""), 1);
	cr_expect_eq(column(t, "late")->type, FIELD_CATEGORICAL); // found out in the third row
	cr_expect_eq(times(column(t, "late"), "2"), 2);
	cr_expect_eq(times(column(t, "late"), "1"), 1);
	cr_expect_eq(column(t, "late")->present, 4);
	cr_expect_eq(column(t, "b")->type, FIELD_BOOLEAN);
	cr_expect_eq(times(column(t, "b"), "true"), 3);
	cr_expect_eq(column(t, "none")->type, FIELD_NONE);
	cr_expect_eq(column(t, "none")->present, 0);
	cr_expect(column(t, "odd")->nan == 1 && column(t, "odd")->inf == 2 && column(t, "odd")->n == 1);
	table_free(t);
}

Test(table, numbers_again_as_words)
{
	struct error err = ERROR_INIT;
	struct table *t = load("t.csv", "a,b\n1.50,1\n1.5,2\n1.50,3\n");
	const bool which[] = {true, false};

	cr_assert_eq(table_as_words(t, which, NULL, NULL, &err), 0);
	cr_expect_eq(column(t, "a")->type, FIELD_CATEGORICAL);
	cr_expect_eq(times(column(t, "a"), "1.50"), 2);
	cr_expect_eq(column(t, "a")->present, 3);
	cr_expect_eq(column(t, "b")->n, 3);
	table_free(t);
}

Test(table, whole_numbers_past_2_to_the_53)
{
	struct table *t =
	    load("t.csv", "a,b,c,d,e\n"
			  "5,9007199254740993,9007199254740993,9007199254740993,-9223372036854775807\n"
			  "-9007199254740993,1,1.5,,3\n"
			  "9223372036854775807,2,2,2,99999999999999999999\n");

	cr_assert(column(t, "a")->integers);
	cr_expect_eq(column(t, "a")->integers[0], 5);
	cr_expect_eq(column(t, "a")->integers[1], -9007199254740993);
	cr_expect_eq(column(t, "b")->integers[0], 9007199254740993);
	cr_expect_eq(column(t, "b")->integers[2], 2);
	for (const char *name = "cde"; *name; name++) { // a fraction, a gap, more than 64 bits
		cr_expect_null(column(t, (char[]){*name, 0})->integers);
		cr_expect_not(column(t, (char[]){*name, 0})->whole);
	}
	cr_expect_eq(column(t, "e")->n, 3);
	table_free(t);
}

Test(table, json_lines)
{
	struct table *t = load("t.jsonl", "{\"a\":{\"x\":1},\"s\":\"u\",\"b\":true,\"l\":[1,2,null],\"m\":1}\n"
					  "{\"a\":{\"x\":2.5},\"s\":null,\"b\":false,\"m\":\"z\"}\n");

	cr_expect_eq(t->rows, 2);
	cr_expect_eq(column(t, "l[]")->type, FIELD_NUMERIC);
	cr_expect_eq(column(t, "l[]")->numbers[1], 2);
	cr_expect(column(t, "l[]")->in_elements);
	cr_expect_eq(column(t, "l[]")->places, 3);
	cr_expect_eq(column(t, "l[]")->present, 2);
	cr_expect_eq(column(t, "s")->places, 2);
	cr_expect_eq(table_places(t, &(struct table_column){.path = (char *)"l[].x", .in_elements = true}), 3);
	cr_expect_eq(table_places(t, &(struct table_column){.path = (char *)"k[]", .in_elements = true}), 0);
	cr_expect_eq(table_places(t, &(struct table_column){.path = (char *)"x"}), 2);
	cr_expect_eq(column(t, "a.x")->type, FIELD_NUMERIC);
	cr_expect_eq(column(t, "a.x")->numbers[1], 2.5);
	cr_expect_eq(column(t, "s")->present, 1);
	cr_expect_eq(column(t, "b")->type, FIELD_BOOLEAN);
	cr_expect_eq(column(t, "m")->type, FIELD_CATEGORICAL);
	cr_expect_eq(times(column(t, "m"), "1"), 1);
	table_free(t);
}

Test(table, avro)
{
	struct error err = ERROR_INIT;
	struct table *t = table_load(TEST_DATA "/files/order-deflate.avro", NULL, NULL, &err);
	struct rows *r = rows_open(TEST_DATA "/files/order-deflate.avro", &err);
	const struct row *row;
	uint64_t rows = 0;

	cr_assert(t && r, "%s", err.text);
	while (rows_next(r, &row, &err) > 0)
		rows++;
	cr_expect_eq(t->rows, rows);
	// address.zip is a union of a number and a text: both occur, so it is categories. So is what rows
	// call text.
	for (size_t i = 0; i < rows_columns(r); i++) {
		const struct column *c = rows_column(r, i);
		bool words = c->type == FIELD_TEXT || !strcmp(c->path, "address.zip");

		if (column(t, c->path)->present)
			cr_expect_eq(column(t, c->path)->type, words ? FIELD_CATEGORICAL : c->type, "%s",
				     c->path);
	}
	rows_free(r);
	table_free(t);
}

// Refused with the very words of rows.h.
Test(table, refusals)
{
	static const char *const cases[] = {
	    "",
	    "a,a\n1,2\n",
	    "a,\n1,2\n",
	    "a,b\n1\n",
	    "a,b\n1,2\n1,2,3\n",
	    "a\n\"x\n",
	    "a\n\"x\"y\n",
	    "a\nx\"y\n",
	    "a,b\n\"x\ny\",2\n\"p\"q,3\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error by_columns = ERROR_INIT, by_rows = ERROR_INIT;
		struct buf b = BUF_INIT;

		buf_adds(&b, cases[i]);
		buf_reserve(&b, 1);
		write_file("t.csv", &b);
		cr_expect_null(rows_open(path, &by_rows), "%s", cases[i]);
		cr_expect_null(table_load(path, NULL, NULL, &by_columns), "%s", cases[i]);
		cr_expect_str_eq(by_columns.text, by_rows.text);
		buf_release(&b);
	}
}

// --- random files by columns and by rows ----------------------------------------------------------------

static void add_random_cell(struct buf *b, int kind)
{
	static const char *const words[] = {"x",    "true", "caf\xc3\xa9", "a b", "1x", "\"q,\"\"\r\n\"\"\"",
					    "\"\"", "\"1\""};
	static const char *const odd[] = {"nan", "-inf", " 3 ", "1e3", "-0", "12345678901234567890123"};

	if (next() % 7 == 0)
		return;
	switch (kind) {
	case 0:
		buf_addf(b, "%.*g", (int)(next() % 17) + 1, (double)(int64_t)next() / 0x1p60);
		break;
	case 1:
		buf_addf(b, "%d", (int)(next() % 2000) - 1000);
		break;
	case 2:
		buf_adds(b, words[next() % ARRAY_LEN(words)]);
		break;
	case 3:
		buf_adds(b, next() % 2 ? "true" : "false");
		break;
	case 4:
		buf_adds(b, odd[next() % ARRAY_LEN(odd)]);
		break;
	default: // numbers with few words among them
		buf_addf(b, next() % 500 ? "%d" : "w%d", (int)(next() % 100));
	}
}

static void random_csv(struct buf *b, size_t columns, size_t rows)
{
	for (size_t i = 0; i < columns; i++)
		buf_addf(b, "%sc%zu", i ? "," : "", i);
	for (size_t r = 0; r < rows; r++) {
		buf_adds(b, next() % 3 ? "\n" : "\r\n");
		if (next() % 100 == 0)
			buf_adds(b, "\n");
		for (size_t i = 0; i < columns; i++) {
			if (i)
				buf_addc(b, ',');
			add_random_cell(b, (int)(i % 6));
		}
	}
	if (next() % 2)
		buf_adds(b, "\n");
}

// Numbers in order, texts by how often.
static void expect_same(const struct table *t, struct error *err)
{
	struct rows *r = rows_open(t->path, err);
	size_t *seen = xcalloc(t->ncolumns, sizeof *seen);
	struct map *counts = xcalloc(t->ncolumns, sizeof *counts);
	const struct row *row;
	uint64_t rows = 0;

	cr_assert(r, "%s", err->text);
	for (size_t i = 0; i < t->ncolumns; i++)
		map_init(&counts[i]);
	while (rows_next(r, &row, err) > 0) {
		rows++;
		for (size_t i = 0; i < row->ncells; i++) {
			const struct cell *c = &row->cells[i];
			const struct table_column *k = &t->columns[c->column];

			if (k->type == FIELD_NUMERIC && isfinite(c->number))
				cr_assert(k->numbers[seen[c->column]++] == c->number, "row %" PRIu64 ": %s",
					  row->line, c->text);
			else
				map_put(&counts[c->column], c->text, c->len,
					(char *)map_get(&counts[c->column], c->text, c->len) + 1);
		}
	}
	cr_assert_eq(rows, t->rows);
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct table_column *k = &t->columns[i];

		cr_expect(!k->present || k->type == rows_column(r, i)->type, "column %zu", i);
		cr_expect_eq(seen[i], k->n);
		for (size_t w = 0; w < k->words.n; w++)
			cr_expect_eq(
			    (uintptr_t)map_get(&counts[i], k->words.items[w].s, k->words.items[w].len),
			    k->words.items[w].n, "column %zu: %s", i, k->words.items[w].s);
		if (k->type != FIELD_NUMERIC)
			cr_expect_eq(counts[i].count, k->words.n);
		map_release(&counts[i], NULL);
	}
	free(counts);
	free(seen);
	rows_free(r);
}

Test(table, random_files_as_rows)
{
	for (int i = 0; i < 40; i++) {
		struct error err = ERROR_INIT;
		struct buf b = BUF_INIT;
		struct table *t;

		// Some longer than the reader's buffer.
		random_csv(&b, 2 + next() % 12, i % 8 ? next() % 300 : 12000);
		t = table_load(write_file("t.csv", &b), NULL, NULL, &err);
		cr_assert(t, "%s", err.text);
		expect_same(t, &err);
		table_free(t);
		buf_release(&b);
	}
}
