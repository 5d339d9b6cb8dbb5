// SPDX-License-Identifier: Apache-2.0
// encode.json is made by fastavro (tests/data/files/make.py).
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files/encode.h"
#include "util/digest.h"

static char path[80];

static struct rows *rows_of(const char *ext, const char *text)
{
	struct error err = ERROR_INIT;

	snprintf(path, sizeof path, "/tmp/kdrift-encode-%d.%s", (int)getpid(), ext);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	struct rows *r = rows_open(path, &err);
	cr_assert(ne(ptr, r, NULL), "%s", err.text);
	unlink(path);
	return r;
}

Test(encode, as_fastavro_does)
{
	struct error err = ERROR_INIT;
	json_t *cases = json_parse_file(TEST_DATA "/files/encode.json", &err), *c, *want;
	size_t i, k;

	cr_assert(ne(ptr, cases, NULL), "%s", err.text);
	json_array_foreach(cases, i, c)
	{
		const char *name = json_get_str(c, "name", "");
		struct rows *r = rows_of(json_get_str(c, "ext", ""), json_get_str(c, "text", ""));
		char *schema = json_text(json_object_get(c, "schema"));
		struct encoder *e = encoder_new(schema, strlen(schema), r, &err);
		struct buf out = BUF_INIT;
		const struct row *row;

		cr_assert(ne(ptr, e, NULL), "%s: %s", name, err.text);
		json_array_foreach(json_object_get(c, "rows"), k, want)
		{
			buf_clear(&out);
			cr_assert(eq(int, rows_next(r, &row, &err), 1), "%s: %s", name, err.text);
			cr_assert(eq(int, encoder_row(e, row, &out, &err), 0), "%s: %s", name, err.text);
			char *hex = malloc(2 * out.len + 1);
			hex_encode(out.data, out.len, hex);
			cr_expect(eq(str, hex, (char *)json_string_value(want)), "%s row %zu", name, k);
			free(hex);
		}
		cr_expect(
		    eq(str, (char *)encoder_unused(e), (char *)(strcmp(name, "documents") ? "" : "extra")));
		buf_release(&out);
		encoder_free(e);
		rows_free(r);
		free(schema);
	}
	json_decref(cases);
}

static void refuse(const char *ext, const char *text, const char *fields, const char *want)
{
	struct error err = ERROR_INIT;
	struct rows *r = rows_of(ext, text);
	struct buf schema = BUF_INIT, out = BUF_INIT;
	const struct row *row;

	buf_addf(&schema, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[%s]}", fields);
	struct encoder *e = encoder_new(schema.data, schema.len, r, &err);
	if (e && rows_next(r, &row, &err) == 1) {
		cr_expect(eq(int, encoder_row(e, row, &out, &err), -1));
		cr_expect(eq(sz, out.len, 0));
	}
	cr_expect(ne(ptr, strstr(err.text, want), NULL), "\"%s\" is not in \"%s\"", want, err.text);
	encoder_free(e);
	buf_release(&schema);
	buf_release(&out);
	rows_free(r);
}

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

Test(encode, says_what_does_not_fit)
{
	refuse("csv", "a,b\n1,x\n", FIELD("a", "\"int\"") "," FIELD("b", "\"double\""),
	       ".csv:2: column b: \"x\" does not fit; the schema wants double");
	refuse("csv", "a\n\"\"\n", FIELD("a", "\"string\""),
	       ":2: column a: missing; the schema wants string");
	refuse("csv", "a\n2147483648\n", FIELD("a", "\"int\""), "the schema wants int");
	refuse("csv", "a\n1.5\n", FIELD("a", "\"long\""), "the schema wants long");
	refuse("csv", "a\n9223372036854775808\n", FIELD("a", "\"long\""), "the schema wants long");
	refuse("csv", "a\nx\n", FIELD("a", "[\"null\",\"int\",\"boolean\"]"), "wants null or int or boolean");
	refuse("csv", "a\nx\n", FIELD("a", "[\"null\",\"int\"]"), "the schema wants int");
	refuse("csv", "a\nnoon\n", FIELD("a", "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"),
	       "wants timestamp-millis (long)");
	refuse("csv", "a\n1.234\n",
	       FIELD("a", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,"
			  "\"scale\":2}"),
	       "wants decimal (bytes)");
	refuse("csv", "a\n1\n", FIELD("a", "\"int\"") "," FIELD("b", "\"int\""), "no column \"b\"");
	refuse("csv", "a\n1\n", FIELD("b", "{\"type\":\"array\",\"items\":\"int\"}"), "no column \"b\"");
	refuse("jsonl", "{\"o\":{\"x\":\"1\"}}\n",
	       FIELD("o", "{\"type\":\"record\",\"name\":\"O\",\"fields\":["
			  "{\"name\":\"x\",\"type\":\"int\"}]}"),
	       ".jsonl:1: column o.x: \"\"1\"\" does not fit");
	refuse("jsonl", "{\"o\":[1]}\n", FIELD("o", "\"int\""), "column o: \"[1]\" does not fit");
}
