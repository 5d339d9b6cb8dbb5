// SPDX-License-Identifier: Apache-2.0
// Reading nodes into structs by the table of keys, and collecting problems on the way. Nothing here stops
// at the first problem: what cannot be read keeps its default, and the load fails at the end.
#ifndef KD_CONFIG_READ_H
#define KD_CONFIG_READ_H
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/yaml.h"

struct document {              // a file; its name is what nodes point to
	char *file, *dir;
	struct node *root;
};

struct env_var {
	char *name, *file;     // "KDRIFT_REDIS_URL"; and how messages name its place
	const char *value;
	bool used;
};

struct loader {
	struct config *c;
	struct config_problems *out;
	size_t first;          // problems from here on are this load's
	bool baselines_later;  // a baseline file need not exist yet
	const char *alerts;    // the directory of rules instead of the configuration's own; NULL: that one
	bool has_receivers;    // receivers.yaml was read; it is the last document then
	struct document **docs; // in the order of reading
	size_t ndocs, capdocs;
	struct env_var *env;
	size_t nenv, capenv;
};

// The file's tree, or NULL after telling why. Names in problems are as given.
struct document *document_read(struct loader *l, const char *file);

// `n` tells where; its file and line. Both take the whole text, beginning with the key's path.
void problem(struct loader *l, const struct node *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void warning(struct loader *l, const struct node *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void problem_at(struct loader *l, bool is_warning, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

// Fills base with defaults, then from a map (NULL: defaults only); `path` prefixes names ("streams[0]", "").
void section_read(struct loader *l, const struct node *map, const char *path, const struct section *s, void *base);
// Frees every char * and char ** of a section in base (not those of KEY_OWN, KEY_LIST, KEY_TABLE).
void section_release(const struct section *s, void *base);

// Values that are read by code of their own. 0, or -1 after telling.
int read_number(struct loader *l, const struct node *n, const char *path, double *out);
int read_duration(struct loader *l, const struct node *n, const char *path, double min, double max, int64_t *out);
int read_bool(struct loader *l, const struct node *n, const char *path, bool *out);
const char *read_text(struct loader *l, const struct node *n, const char *path); // borrowed; NULL after telling
// Letters, digits, '.', '_' and '-'.
bool check_name(struct loader *l, const struct node *n, const char *path, const char *name);
// The text of a file that a key ending in _file names, without its last newline; NULL after telling.
char *read_secret_file(struct loader *l, const struct node *n, const char *path);
// A file name made relative to where the node stands; the caller frees.
char *resolve_path(const struct loader *l, const struct node *n, const char *name);
// "prefix.name", or "name" where prefix is "".
const char *child_path(char *buf, size_t size, const char *prefix, const char *name);

// KDRIFT_* variables (env.c): put into the tree of a section before it is read.
void env_collect(struct loader *l);
void env_apply(struct loader *l, const struct section *s, struct node *map);
void env_apply_rules(struct loader *l, struct node *list); // KDRIFT_RULES_<ALERT>_<KEY>
void env_report_unused(struct loader *l);

// The readers of the parts.
void read_kafka(struct loader *l, const struct node *map);             // kafka.c
void read_streams(struct loader *l, const struct node *list);          // streams.c
void read_value_rules(struct loader *l, const struct node *list, const char *path, struct stream_conf *s); // expressions.c
void check_required_if(struct loader *l, const struct node *n, const char *path, const struct field_conf *f);
void stream_release(struct stream_conf *s);
void read_baseline(struct loader *l, const struct node *n, const char *path, struct stream_conf *s); // baseline.c
// `previous:`, whole minutes. 0, or -1 after telling.
int read_earlier(struct loader *l, const struct node *n, const char *path, int64_t *ms);
// Slices are named by every key of slice_by in its order: "model_version=3,region=eu".
bool slice_named(const struct stream_conf *s, const char *name);
void read_rules(struct loader *l, enum tier tier, struct document *d); // rules.c
void read_receivers(struct loader *l, struct document *d);             // receivers.c; NULL: defaults
void receivers_release(struct config *c);
void check_config(struct loader *l);                                   // check.c: what concerns several parts

enum { PATH_TEXT = 256 };
#endif
