// SPDX-License-Identifier: Apache-2.0
// The one table of configuration keys. A section is a map with a fixed set of keys; a key says what its
// value is, where it goes and what it means. Reading, unknown-key errors, the environment's names and
// docs/configuration.md all come from here.
#ifndef KD_CONFIG_KEYS_H
#define KD_CONFIG_KEYS_H
#include <stdbool.h>
#include <stddef.h>

enum key_kind {
	KEY_TEXT,     // char *
	KEY_TEXTS,    // char ** with its count: one text or a list
	KEY_PATH,     // char *: a file name, made relative to the file that it stands in
	KEY_SECRET,   // char *: given here, or read from the file that the key `NAME_file` names
	KEY_BOOL,     // bool
	KEY_INT,      // uint32_t
	KEY_COUNT,    // uint64_t
	KEY_NUMBER,   // double, with a bool that says that it was given
	KEY_DURATION, // int64_t milliseconds
	KEY_CHOICE,   // unsigned: index into choices
	KEY_WORD,     // char *: one of choices
	KEY_SECTION,  // a map, read into the same struct
	KEY_LIST,     // a list of maps, each read into a struct of its own
	KEY_TABLE,    // a map of maps by name
	KEY_OWN,      // read by code of its own
	KEY_LATER,    // legal in the contract, not served by this version: a warning
};

struct key {
	const char *name;
	enum key_kind kind;
	bool required;
	size_t at, also;            // offsets in the struct; also: count of KEY_TEXTS, flag of KEY_NUMBER (0: none)
	double min, max;            // KEY_INT, KEY_COUNT; KEY_DURATION in ms (max 0: none)
	const char *fallback;       // the default, as it would be written; NULL: none
	const char *shown;          // the default as documented, where code decides it
	const char *const *choices; // ends with NULL
	const char *unit;           // of KEY_OWN: what is to be written
	const struct section *section;
	const char *help;
};

struct section {
	const char *title;          // "streams[]", as the reference names it
	const char *item_name;      // KEY_LIST: the key that names an item
	bool open;                  // other keys pass to code of its own
	const struct key *keys;     // ends with a NULL name
	const char *help;
};

extern const struct section section_root;      // kdrift.yaml
extern const struct section section_stream;    // streams[]
extern const struct section section_field;     // streams[].fields.PATH
extern const struct section section_value_rule; // streams[].rules[]
extern const struct section section_rule;      // alerts/{immediate,daily,weekly}.yaml
extern const struct section section_receivers; // alerts/receivers.yaml
extern const struct section section_receiver;  // receivers[]

const struct key *key_find(const struct section *s, const char *name);
#endif
