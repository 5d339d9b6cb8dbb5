// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/rows.h"
#include "util/buf.h"

static char dir[] = "/tmp/kdrift-rows-XXXXXX";
static char path[200];

static void setup(void)
{
	cr_assert(ne(ptr, mkdtemp(dir), NULL));
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(rows, .init = setup, .fini = teardown);

static const char *write_file(const char *name, const char *text, size_t len)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	cr_assert(eq(sz, fwrite(text, 1, len, f), len));
	fclose(f);
	return path;
}

// The whole file as text: a line of columns with types, then a line a row, `column=text`.
static char *dump(const char *file, struct error *err)
{
	struct buf b = BUF_INIT;
	const struct row *row;
	int got;
	struct rows *r = rows_open(file, err);

	if (!r)
		return NULL;
	for (size_t i = 0; i < rows_columns(r); i++) {
		static const char types[] = {[FIELD_NUMERIC] = 'n',
					     [FIELD_CATEGORICAL] = 'c',
					     [FIELD_BOOLEAN] = 'b',
					     [FIELD_TIME] = 't',
					     [FIELD_TEXT] = 'x'};
		buf_addf(&b, "%s:%c ", rows_column(r, i)->path, types[rows_column(r, i)->type]);
	}
	while ((got = rows_next(r, &row, err)) > 0) {
		buf_addf(&b, "\n%llu", (unsigned long long)row->line);
		for (size_t i = 0; i < row->ncells; i++) {
			const struct cell *c = &row->cells[i];
			buf_addf(&b, " %s=", rows_column(r, c->column)->path);
			if (rows_column(r, c->column)->type == FIELD_TIME && !c->other)
				buf_addf(&b, "@%lld", (long long)c->ms);
			else
				buf_add(&b, c->text, c->len);
		}
	}
	rows_free(r);
	if (got < 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_steal(&b);
}

static void expect(const char *name, const char *text, const char *want)
{
	struct error err = ERROR_INIT;
	char *got = dump(write_file(name, text, strlen(text)), &err);

	cr_assert(ne(ptr, got, NULL), "%s", err.text);
	cr_expect(eq(str, got, (char *)want));
	free(got);
}

static void refuse(const char *name, const char *text, const char *want)
{
	struct error err = ERROR_INIT;
	char *got = dump(write_file(name, text, strlen(text)), &err);

	cr_expect(eq(ptr, got, NULL));
	cr_expect(ne(ptr, strstr(err.text, want), NULL), "\"%s\" is not in \"%s\"", want, err.text);
	free(got);
}

Test(rows, csv_cells)
{
	expect("a.csv", "a,b\n1,x\n2,y\n", "a:n b:c \n2 a=1 b=x\n3 a=2 b=y");
	expect("a.csv", "a,b\r\n1,x\r\n2,y", "a:n b:c \n2 a=1 b=x\n3 a=2 b=y");
	expect("a.csv",
	       "\xef\xbb\xbf"
	       "a\n1\n",
	       "a:n \n2 a=1");
	expect("a.csv", "a,b\n\"x,\"\"y\"\"\",\"two\r\nlines\"\n\"\",z\n",
	       "a:c b:c \n2 a=x,\"y\" b=two\r\nlines\n4 b=z");
	expect("a.csv", "a,b\n,\n\n1,\n", "a:n b:n \n2\n4 a=1");
	expect("a.csv", "a\n\"\"\n7\n", "a:n \n2\n3 a=7");
	expect("a.csv", "a,b\nx\ry, z \n", "a:c b:c \n2 a=x\ry b= z ");
	expect("a.csv", "a,b\n1,2", "a:n b:n \n2 a=1 b=2");
	expect("a.csv", "\"a \"\"b\"\"\",c\n\"1\",2\n", "a \"b\":n c:n \n2 a \"b\"=1 c=2");
	expect("a.csv", "a,b\n", "a:n b:n ");
}

Test(rows, csv_types)
{
	expect("t.csv", "n,b,m,w,h,i\n1,true,true,1,0x10,nan\n-2.5e3,false,1,1x,1,-inf\n +7 ,true,,,2,.5\n",
	       "n:n b:b m:c w:c h:c i:n \n2 n=1 b=true m=true w=1 h=0x10 i=nan\n"
	       "3 n=-2.5e3 b=false m=1 w=1x h=1 i=-inf\n4 n= +7  b=true h=2 i=.5");
}

Test(rows, csv_numbers)
{
	struct error err = ERROR_INIT;
	const char text[] = "n,b\n-2.5e3,true\nNaN,false\n";
	struct rows *r = rows_open(write_file("n.csv", text, sizeof text - 1), &err);
	const struct row *row;

	cr_assert(ne(ptr, r, NULL));
	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(eq(dbl, row->cells[0].number, -2500));
	cr_expect(row->cells[1].truth);
	cr_expect(eq(ptr, (void *)row_cell(row, rows_find(r, "b")), (void *)&row->cells[1]));
	cr_expect(eq(int, rows_find(r, "z"), -1));
	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(isnan(row->cells[0].number));
	cr_expect(not(row->cells[1].truth));
	cr_expect(eq(int, rows_next(r, &row, &err), 0));
	cr_expect(eq(dbl, rows_progress(r), 1));
	rows_free(r);
}

Test(rows, csv_refusals)
{
	refuse("r.csv", "", "empty");
	refuse("r.csv", "a,b\n1,2\n1,2,3\n", "r.csv:3: 3 cells, but the header names 2 columns");
	refuse("r.csv", "a,b\n\"x\ny\",1\n1\n", "r.csv:4: 1 cells");
	refuse("r.csv", "a\n\"x\n\n", "r.csv:2: a quoted cell is not closed");
	refuse("r.csv", "a\n\"x\"y\n", "r.csv:2: text after a closing quote");
	refuse("r.csv", "a\nx\"y\n", "r.csv:2: a quote inside");
	refuse("r.csv", "a,,b\n1,2,3\n", "r.csv:1: column 2 has no name");
	refuse("r.csv", "a,a\n1,2\n", "r.csv:1: two columns are named \"a\"");
	refuse("r.txt", "a\n1\n", "unknown file format");
}

Test(rows, json_lines)
{
	expect("j.jsonl",
	       "{\"a\":1,\"o\":{\"x\":\"s\",\"d\":{\"e\":true}},\"l\":[1,2.5]}\n\n{\"b\":null,\"a\":-7}\n",
	       "a:n o.x:c o.d.e:b l[]:n \n1 a=1 o.x=s o.d.e=true l[]=1 l[]=2.5\n3 a=-7");
	expect("j.ndjson", "{\"m\":1}\r\n{\"m\":\"1\",\"n\":9007199254740993}\r\n",
	       "m:c n:n \n1 m=1\n2 m=1 n=9007199254740993");
	expect("j.jsonl", "{\"b\":1}\n{\"a\":2,\"b\":3}", "b:n a:n \n1 b=1\n2 b=3 a=2");
	refuse("j.jsonl", "{\"a\":1}\n{\"a\":\n", "j.jsonl:2: ");
	refuse("j.jsonl", "{\"a\":1}\n[1]\n", "j.jsonl:2: not an object");
}

Test(rows, an_error_does_not_quote_a_malformed_line)
{
	static const char text[] = "{\"a\":secret}\n";
	struct error err = ERROR_INIT;

	cr_assert(eq(ptr, dump(write_file("j.jsonl", text, strlen(text)), &err), NULL));
	cr_assert(ne(ptr, strstr(err.text, "invalid token"), NULL), "%s", err.text);
	cr_assert(eq(ptr, strstr(err.text, "secret"), NULL), "%s", err.text);
}

static const char order[] =
    "id:n amount:n price:n paid:b state:c at:t day:t key:x address.city:c address.zip:n again:c scores[]:n "
    "tags{}:c "
    "\n1 id=9007199254740993 amount=1.5 price=-12.34 paid=true state=DONE at=@1709208000123 day=@-86400000 "
    "key=00000000-0000-0000-0000-000000000007 address.city=Köln address.zip=50667 again=NEW scores[]=0.5 "
    "scores[]=-1.25 tags{}=x"
    "\n2 id=-1 price=300 paid=false state=NEW at=@-1 day=@1704067200000 "
    "key=00000000-0000-0000-0000-000000000008 again=DONE"
    "\n3 id=0 amount=inf price=0 paid=false state=NEW at=@0 day=@0 key=00000000-0000-0000-0000-000000000009 "
    "address.city= address.zip=SW1A again=DONE scores[]=2";

Test(rows, avro_container)
{
	struct error err = ERROR_INIT;

	for (int i = 0; i < 2; i++) {
		char *got = dump(
		    i ? TEST_DATA "/files/order-deflate.avro" : TEST_DATA "/files/order-null.avro", &err);
		cr_assert(ne(ptr, got, NULL), "%s", err.text);
		char *price = strstr(got, "-12.34");
		cr_assert(ne(ptr, price, NULL));
		// The double nearest to -12.34, with 17 digits or fewer.
		size_t n = strcspn(price, " ");
		cr_expect(eq(dbl, strtod(price, NULL), -12.34));
		memmove(price + 6, price + n, strlen(price + n) + 1);
		cr_expect(eq(str, got, (char *)order));
		free(got);
	}
}

Test(rows, avro_union_value_of_another_type)
{
	struct error err = ERROR_INIT;
	struct rows *r = rows_open(TEST_DATA "/files/order-null.avro", &err);
	const struct row *row;
	int zip = rows_find(r, "address.zip");

	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(not(row_cell(row, zip)->other));
	cr_expect(eq(dbl, row_cell(row, zip)->number, 50667));
	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(eq(ptr, (void *)row_cell(row, zip), NULL));
	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(row_cell(row, zip)->other);
	rows_free(r);
}

Test(rows, avro_refusals)
{
	struct buf whole = BUF_INIT;
	struct error err = ERROR_INIT;

	cr_expect(eq(ptr, dump(TEST_DATA "/files/recursive.avro", &err), NULL));
	cr_expect(ne(ptr, strstr(err.text, "contains itself"), NULL));
	refuse("x.avro", "Obj\2nonsense", "not an Avro object container");
	cr_assert(gt(int, (int)buf_read_file(&whole, TEST_DATA "/files/order-null.avro", 1 << 20), 0));
	// Cut anywhere, it is an error or a file without rows, never a crash. In children, because Avro C
	// itself leaks when a file's first block is cut.
	for (size_t n = 0; n < whole.len; n++) {
		const char *file = write_file("x.avro", whole.data, n);
		pid_t pid = fork();
		int status;
		if (!pid) {
			struct error cut = ERROR_INIT;
			char *got = dump(file, &cut);
			_exit(got ? strchr(got, '\n') != NULL : !cut.set);
		}
		cr_assert(eq(int, waitpid(pid, &status, 0), pid));
		cr_expect(eq(int, status, 0), "cut at %zu", n);
	}
	buf_release(&whole);
}

Test(rows, time_of_a_cell)
{
	struct error err = ERROR_INIT;
	const char text[] = "t\n2024-02-29T12:00:00.5Z\n1709208000500\n1.7092080005e12\nnoon\n";
	struct rows *r = rows_open(write_file("t.csv", text, sizeof text - 1), &err);
	const struct row *row;
	int64_t ms;

	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, rows_next(r, &row, &err), 1));
		cr_expect(eq(int, cell_time(r, &row->cells[0], &ms), 0));
		cr_expect(eq(i64, ms, 1709208000500));
	}
	cr_assert(eq(int, rows_next(r, &row, &err), 1));
	cr_expect(eq(int, cell_time(r, &row->cells[0], &ms), -1));
	rows_free(r);
}

Test(rows, file_hash)
{
	struct error err = ERROR_INIT;
	char hex[65];

	cr_assert(eq(int, file_sha256(write_file("h", "abc", 3), hex, &err), 0));
	cr_expect(eq(str, hex, (char *)"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	cr_assert(eq(int, file_sha256(write_file("h", "", 0), hex, &err), 0));
	cr_expect(eq(str, hex, (char *)"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	cr_expect(eq(int, file_sha256("/nonexistent", hex, &err), -1));
}
