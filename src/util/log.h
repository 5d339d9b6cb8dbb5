// SPDX-License-Identifier: Apache-2.0
// One line an event on stderr, in logfmt: `time level component message`. Messages never hold secrets or
// payloads; a caller passes what was attempted, on what, and what to do.
#ifndef KD_UTIL_LOG_H
#define KD_UTIL_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level); // default LOG_INFO
void log_at(enum log_level level, const char *component, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#endif
