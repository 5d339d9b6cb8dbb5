// SPDX-License-Identifier: Apache-2.0
// The state machine as tables: a row is one evaluation and the state after it.
#include <criterion/criterion.h>
#include <string.h>

#include "judge/alert.h"

enum { F = TRUTH_FALSE, T = TRUTH_TRUE, U = TRUTH_UNKNOWN };

struct row {
	char mode; // w window, e eager, c clock
	int truth;
	int64_t boundary, at;
	const char *state;
	enum alert_change change;
};

static struct alert_state play(const char *what, int64_t for_ms, const struct row *rows, size_t n)
{
	struct alert_state a;

	alert_init(&a);
	for (size_t i = 0; i < n; i++) {
		struct alert_step s = {
			.mode = rows[i].mode == 'w' ? ALERT_WINDOW : rows[i].mode == 'e' ? ALERT_EAGER : ALERT_CLOCK,
			.truth = (enum truth)rows[i].truth,
			.why = rows[i].truth == U ? READING_TOO_FEW : READING_KNOWN,
			.boundary = rows[i].boundary,
			.at = rows[i].at,
			.for_ms = for_ms};
		enum alert_change c = alert_apply(&a, &s);
		cr_expect_str_eq(alert_state_name(&a), rows[i].state, "%s, row %zu: %s", what, i, alert_state_name(&a));
		cr_expect_eq(c, rows[i].change, "%s, row %zu: change %d", what, i, (int)c);

		// What is stored gives the same state back.
		struct alert_state again;
		json_t *doc = json_object();
		alert_to_json(&a, doc);
		alert_from_json(&again, doc);
		cr_expect(!memcmp(&again.window, &a.window, sizeof a.window) &&
				  !memcmp(&again.eager, &a.eager, sizeof a.eager) && again.firing == a.firing &&
				  again.unknown == a.unknown && again.why == a.why && again.started == a.started &&
				  again.true_until == a.true_until,
			  "%s, row %zu: stored", what, i);
		json_decref(doc);
	}
	return a;
}

#define PLAY(what, for_ms, rows) play(what, for_ms, rows, sizeof(rows) / sizeof *(rows))

Test(alert, windows_without_for)
{
	static const struct row rows[] = {
		{'w', F, 10, 10, "ok", ALERT_SAME},	    {'w', U, 20, 20, "unknown", ALERT_CHANGED},
		{'w', U, 30, 30, "unknown", ALERT_SAME},    {'w', T, 40, 40, "firing", ALERT_FIRED},
		{'w', T, 50, 50, "firing", ALERT_SAME},	    {'w', U, 60, 60, "firing", ALERT_SAME},
		{'w', F, 70, 70, "ok", ALERT_RESOLVED},	    {'w', T, 80, 80, "firing", ALERT_FIRED},
	};

	cr_expect_eq(PLAY("no for", 0, rows).started, 80);
}

Test(alert, for_is_event_time_between_boundaries)
{
	static const struct row rows[] = {
		{'w', T, 10, 10, "pending", ALERT_CHANGED}, {'w', T, 20, 20, "pending", ALERT_SAME},
		{'w', F, 30, 30, "ok", ALERT_CHANGED},	    {'w', T, 40, 40, "pending", ALERT_CHANGED},
		{'w', U, 50, 50, "unknown", ALERT_CHANGED}, {'w', T, 60, 60, "pending", ALERT_CHANGED},
		{'w', T, 80, 80, "pending", ALERT_SAME},    {'w', T, 90, 90, "firing", ALERT_FIRED},
	};

	cr_expect_eq(PLAY("for 30", 30, rows).started, 60, "the page is named by when it became true");
}

Test(alert, eager_fires_and_closed_windows_resolve)
{
	static const struct row rows[] = {
		{'e', U, 100, 1, "unknown", ALERT_CHANGED}, {'e', T, 100, 2, "firing", ALERT_FIRED},
		{'e', F, 100, 3, "firing", ALERT_SAME},	     {'w', F, 90, 90, "firing", ALERT_SAME},
		{'e', T, 110, 4, "firing", ALERT_CHANGED},  {'w', F, 100, 100, "firing", ALERT_SAME},
		{'w', U, 110, 110, "firing", ALERT_SAME},   {'w', F, 110, 110, "ok", ALERT_RESOLVED},
	};

	PLAY("eager", 0, rows);
}

Test(alert, eager_for_is_the_judges_clock)
{
	static const struct row rows[] = {
		{'e', T, 100, 1000, "pending", ALERT_CHANGED}, {'w', F, 90, 90, "pending", ALERT_SAME},
		{'e', T, 101, 1020, "pending", ALERT_SAME},    {'e', F, 102, 1025, "ok", ALERT_CHANGED},
		{'e', T, 103, 1030, "pending", ALERT_CHANGED}, {'e', T, 104, 1060, "firing", ALERT_FIRED},
	};

	cr_expect_eq(PLAY("eager for", 30, rows).started, 103);
}

Test(alert, clock_resolves_at_once_and_unknown_does_not)
{
	static const struct row rows[] = {
		{'c', T, 5, 1000, "pending", ALERT_CHANGED}, {'c', T, 5, 1030, "firing", ALERT_FIRED},
		{'c', U, 5, 1040, "firing", ALERT_SAME},     {'c', F, 9, 1050, "ok", ALERT_RESOLVED},
	};

	PLAY("clock", 30, rows);
}

// What one kind of evaluation does not meet, the other may still hold.
Test(alert, absence_ends_what_its_own_kind_held)
{
	struct alert_state a;
	struct alert_step s = {ALERT_EAGER, TRUTH_TRUE, READING_KNOWN, 100, 1000, 30};

	alert_init(&a);
	cr_expect_eq(alert_apply(&a, &s), ALERT_CHANGED);
	cr_expect_eq(alert_absent(&a, ALERT_WINDOW), ALERT_SAME);
	cr_expect(alert_pending(&a));
	cr_expect_eq(alert_absent(&a, ALERT_EAGER), ALERT_CHANGED);
	cr_expect(alert_ok(&a));

	s.mode = ALERT_WINDOW;
	s.truth = TRUTH_UNKNOWN;
	alert_apply(&a, &s);
	cr_expect_eq(alert_absent(&a, ALERT_EAGER), ALERT_SAME, "unknown in the closed windows");
	cr_expect_eq(alert_absent(&a, ALERT_WINDOW), ALERT_CHANGED);
	cr_expect(alert_ok(&a));

	s.truth = TRUTH_TRUE;
	s.for_ms = 0;
	cr_expect_eq(alert_apply(&a, &s), ALERT_FIRED);
	cr_expect_eq(alert_absent(&a, ALERT_WINDOW), ALERT_SAME);
	cr_expect(a.firing);
}
