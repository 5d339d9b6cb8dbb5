// SPDX-License-Identifier: Apache-2.0
// What a page says: the `data` of a kdrift.alert message (the contract), rendered from readings and windows.
// Pure.
#ifndef KD_JUDGE_PAGE_H
#define KD_JUDGE_PAGE_H
#include "judge/readings.h"

enum { PAGE_ITEMS = 500 }; // listed a page; the rest are counted in items_left_off

// One alert of a page.
json_t *page_item(const struct rule *r, const struct reading *v);
// Adds an item; one of the same field and slice is replaced.
void page_add_item(json_t *data, json_t *item);
// Puts item (borrowed) in the place of that of the same field and slice; false: there is none.
bool page_renew_item(json_t *data, json_t *item);

// The item of a field and slice ("": none), borrowed; NULL: there is none.
json_t *page_item_of(const json_t *data, const char *field, const char *slice);
// Adds the alert (an item with its rule's name; borrowed) to those that follow from the page's cause.
void page_add_follower(json_t *data, json_t *item);

struct page_about {
	const struct rule *rule;
	const struct judge_stream *stream;
	const struct slice_stats *window; // of the slice that fired, or of all; NULL where judged by the clock
	const struct stream_view *view;
	const struct version *version;    // of a rule on what is registered
	const char *config_path;
	int64_t started;                  // event-time boundary at which it became true
};

// Hex digits that name a cause, and one incident of it.
void page_fingerprint(const struct rule *r, const char *stream, char out[17]);
char *page_id(const char *fingerprint, int64_t started);
// A firing page with these items (an array, taken over): a new reference.
json_t *page_firing(const struct page_about *about, json_t *items);
// Summary and evidence anew, for its items of now.
void page_renew(json_t *data, const struct page_about *about);
// Turns it into a resolved one.
void page_resolve(json_t *data, int64_t ended, const char *why);
#endif
