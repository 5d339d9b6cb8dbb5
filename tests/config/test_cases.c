// SPDX-License-Identifier: Apache-2.0
// cases/NAME/kdrift.yaml is loaded; expected.txt holds a line a problem. An expected line is matched from
// the start of what is said; " ... " skips any text, and what follows the last part is free.
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/report.h"
#include "util/xalloc.h"

#define CASES SOURCE_DIR "/tests/config/cases"

static bool matches(const char *expected, size_t len, const char *said)
{
	for (bool first = true; len; first = false) {
		const char *dots = memmem(expected, len, " ... ", 5);
		size_t part = dots ? (size_t)(dots - expected) : len;
		const char *at = memmem(said, strcspn(said, "\n"), expected, part);

		if (!at || (first && at != said))
			return false;
		said = at + part;
		expected += dots ? part + 5 : part;
		len -= dots ? part + 5 : part;
	}
	return true;
}

// The problems as text, with file names relative to the case.
static char *load(const char *dir)
{
	struct config_problems p = {0};
	struct buf all = BUF_INIT, text = BUF_INIT;
	char *file = xasprintf("%s/kdrift.yaml", dir), *prefix = xasprintf("%s/", dir);
	struct config *c = config_load(file, &p);
	bool errors = false;

	for (size_t i = 0; i < p.n; i++)
		errors |= !p.items[i].warning;
	cr_expect(errors == !c, "%s: errors and a configuration exclude each other", dir);
	problems_text(&p, &all);
	for (const char *s = all.data ? all.data : ""; *s;) {
		const char *line = strncmp(s, prefix, strlen(prefix)) ? s : s + strlen(prefix);
		size_t n = strcspn(line, "\n") + 1;
		buf_add(&text, line, n);
		s = line + n;
	}
	config_free(c);
	config_problems_release(&p);
	buf_release(&all);
	free(file);
	free(prefix);
	return buf_steal(&text);
}

static size_t check_case(const char *name)
{
	char *dir = xasprintf("%s/%s", CASES, name), *file = xasprintf("%s/expected.txt", dir),
	     *said = load(dir);
	struct buf expected = BUF_INIT;
	size_t lines = 0;

	cr_assert(buf_read_file(&expected, file, 1 << 20) > 0, "%s", file);
	const char *e = expected.data, *s = said;
	while (*e || *s) {
		size_t n = strcspn(e, "\n"), m = strcspn(s, "\n");
		bool same = *e && *s && matches(e, n, s);
		cr_expect(same, "%s line %zu\n  expected: %.*s\n  said:     %.*s", name, lines + 1, (int)n, e,
			  (int)m, s);
		if (!same)
			break;
		lines++;
		e += n + 1;
		s += m + 1;
	}
	buf_release(&expected);
	free(dir);
	free(file);
	free(said);
	return lines;
}

Test(cases, every_fault_is_told_where_it_stands)
{
	DIR *d = opendir(CASES);
	size_t lines = 0;

	cr_assert(d != NULL);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			lines += check_case(e->d_name);
	closedir(d);
	cr_expect(lines >= 90, "%zu", lines);
}
