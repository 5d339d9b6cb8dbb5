// SPDX-License-Identifier: Apache-2.0
// JSON by Jansson, with what the rest of kdrift needs on top. The only file that includes jansson.h.
#ifndef KD_UTIL_JSON_H
#define KD_UTIL_JSON_H
#include <jansson.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/error.h"

// Parses one text; NULL with err set ("line 3: ..."). The caller decrefs.
json_t *json_parse(const char *text, size_t len, struct error *err) MUST_CHECK;
json_t *json_parse_file(const char *path, struct error *err) MUST_CHECK;
// A finite number as JSON real, null for NaN and infinities (JSON has none). A new reference.
json_t *json_num(double v);
json_t *json_time(int64_t ms);                      // RFC 3339; INT64_MIN gives null
json_t *json_str(const char *s);                    // NULL gives null; invalid UTF-8 is escaped as \xNN text
json_t *json_strn(const char *s, size_t n);
// Compact text with 17 significant digits and keys in insertion order. The caller frees.
char *json_text(const json_t *v);
char *json_pretty(const json_t *v);                 // indented by 2
const char *json_get_str(const json_t *obj, const char *key, const char *fallback);
int64_t json_get_int(const json_t *obj, const char *key, int64_t fallback);
double json_get_num(const json_t *obj, const char *key, double fallback);
#endif
