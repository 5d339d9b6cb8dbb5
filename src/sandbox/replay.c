// SPDX-License-Identifier: Apache-2.0
#include "sandbox/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/xalloc.h"

#define TS	      "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}"
#define F(name, type) ",{\"name\":\"" name "\",\"type\":" type "}"
#define RECORD(name, fields)                                                                                 \
	"{\"type\":\"record\",\"name\":\"" name "\",\"namespace\":\"elec2\",\"fields\":[" TS fields "]}"
#define MARKET(demand)                                                                                       \
	F("period", "\"double\"")                                                                            \
	F("nswprice", "\"double\"")                                                                          \
	F("nswdemand", demand)                                                                               \
	F("vicprice", "\"double\"") F("vicdemand", "\"double\"") F("transfer", "\"double\"")
#define CLASS "{\"type\":\"enum\",\"name\":\"Class\",\"symbols\":[\"DOWN\",\"UP\"]}"

const struct replay_topic replay_topics[REPLAY_STREAMS] = {
    {"elec2-features", "features", RECORD("Market", MARKET("[\"null\",\"double\"]"))},
    {"elec2-predictions", "predictions",
     RECORD("Prediction", F("probability", "\"double\"") F("predicted", CLASS))},
    {"elec2-labels", "labels", RECORD("Label", F("class", CLASS))},
    {"elec2-aa", "features", RECORD("Half", MARKET("\"double\""))},
};

const char replay_broken_schema[] = RECORD("Market", MARKET("\"string\""));

const struct replay_fault_info replay_faults[REPLAY_FAULTS] = {
    [FAULT_SCHEMA] =
	{"1997-01-14T00:00:00+10:00", "1997-01-15T00:00:00+10:00",
	 "for a day a producer writes nswdemand as a string: no reader of the contract can read it"},
    [FAULT_SILENCE] = {"1997-02-10T00:00:00+10:00", "1997-02-16T00:00:00+10:00",
		       "the model stops predicting for six days"},
    [FAULT_MISSING] = {"1997-03-11T00:00:00+10:00", "1997-03-15T00:00:00+10:00",
		       "for four days every fourth nswdemand is null"},
    [FAULT_CONSTANT] = {"1997-04-08T00:00:00+10:00", "1997-04-12T00:00:00+10:00",
			"for four days the model answers 0.5 to everything"},
};

const char replay_drift_begins[] = "1997-05-04T00:00:00+10:00";

struct replay {
	struct elec2_row *rows;
	size_t nrows, row;
	int next; // stream of the next message of this row
	int32_t ids[REPLAY_STREAMS + 1];
	int64_t from[REPLAY_FAULTS], to[REPLAY_FAULTS];
	bool announced[REPLAY_FAULTS];
	uint64_t counts[REPLAY_STREAMS], broken;
	struct buf value;
};

struct replay *replay_new(const int32_t schema_ids[REPLAY_STREAMS + 1])
{
	struct replay *r = xcalloc(1, sizeof *r);

	r->rows = elec2_rows(&r->nrows);
	memcpy(r->ids, schema_ids, sizeof r->ids);
	for (int i = 0; i < REPLAY_FAULTS; i++) {
		time_parse(replay_faults[i].from, &r->from[i]);
		time_parse(replay_faults[i].to, &r->to[i]);
	}
	return r;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	free(r->rows);
	buf_release(&r->value);
	free(r);
}

// Every other half hour, another one each day, so that both halves hold every day and every time of day.
static bool second_half(size_t row)
{
	return (row + row / 48) % 2;
}

bool replay_in_baseline(enum replay_stream s, size_t row)
{
	return s == REPLAY_AA ? !second_half(row) : row < REPLAY_BASELINE_ROWS;
}

static bool during(const struct replay *r, enum replay_fault f, int64_t ts)
{
	return ts >= r->from[f] && ts < r->to[f];
}

// Does the stream have a message for this row at all?
static bool exists(const struct replay *r, enum replay_stream s)
{
	if (s == REPLAY_AA)
		return second_half(r->row);
	return s != REPLAY_PREDICTIONS || !during(r, FAULT_SILENCE, r->rows[r->row].ts);
}

// 0x00, the id big-endian, then the Avro record. Avro's numbers are those of util/buf.
static void begin(struct replay *r, int32_t id, int64_t ts)
{
	buf_clear(&r->value);
	buf_u8(&r->value, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(&r->value, (uint8_t)((uint32_t)id >> shift));
	buf_svar(&r->value, ts);
}

static void encode_features(struct replay *r, const struct elec2_row *row, struct replay_message *out)
{
	bool broken = during(r, FAULT_SCHEMA, row->ts);
	bool hole = during(r, FAULT_MISSING, row->ts) && r->row % 4 == 0;

	out->schema_id = r->ids[broken ? REPLAY_STREAMS : REPLAY_FEATURES];
	begin(r, out->schema_id, row->ts);
	for (size_t i = 0; i < ELEC2_FEATURES; i++) {
		bool demand = !strcmp(elec2_names[i], "nswdemand");
		char text[32];
		if (demand && broken) {
			snprintf(text, sizeof text, "%.6f", row->features[i]);
			buf_svar(&r->value, (int64_t)strlen(text));
			buf_adds(&r->value, text);
			continue;
		}
		if (demand)
			buf_svar(&r->value, hole ? 0 : 1);
		if (!demand || !hole)
			buf_f64(&r->value, row->features[i]);
	}
	r->broken += broken;
}

static void encode(struct replay *r, struct replay_message *out)
{
	const struct elec2_row *row = &r->rows[r->row];
	double p = during(r, FAULT_CONSTANT, row->ts) ? 0.5 : elec2_predict(row);

	out->schema_id = r->ids[out->stream];
	switch (out->stream) {
	case REPLAY_FEATURES:
		encode_features(r, row, out);
		break;
	case REPLAY_PREDICTIONS:
		begin(r, out->schema_id, row->ts);
		buf_f64(&r->value, p);
		buf_svar(&r->value, p > 0.5);
		break;
	case REPLAY_LABELS:
		begin(r, out->schema_id, row->ts);
		buf_svar(&r->value, row->up);
		break;
	default:
		begin(r, out->schema_id, row->ts);
		for (size_t i = 0; i < ELEC2_FEATURES; i++)
			buf_f64(&r->value, row->features[i]);
		break;
	}
	out->ts = row->ts;
	out->value = r->value.data;
	out->len = r->value.len;
	r->counts[out->stream]++;
}

static int announce(struct replay *r)
{
	for (int i = 0; i < REPLAY_FAULTS; i++)
		if (!r->announced[i] && during(r, (enum replay_fault)i, r->rows[r->row].ts)) {
			r->announced[i] = true;
			return i;
		}
	return -1;
}

bool replay_next(struct replay *r, struct replay_message *out)
{
	while (r->row < r->nrows && !exists(r, (enum replay_stream)r->next))
		if (++r->next == REPLAY_STREAMS) {
			r->next = 0;
			r->row++;
		}
	if (r->row == r->nrows)
		return false;
	out->stream = (enum replay_stream)r->next;
	out->fault_begins = announce(r);
	encode(r, out);
	if (++r->next == REPLAY_STREAMS) {
		r->next = 0;
		r->row++;
	}
	return true;
}

uint64_t replay_count(const struct replay *r, enum replay_stream s)
{
	return r->counts[s];
}

uint64_t replay_broken(const struct replay *r)
{
	return r->broken;
}

int64_t replay_end(const struct replay *r)
{
	return r->rows[r->nrows - 1].ts;
}

const struct elec2_row *replay_rows(const struct replay *r, size_t *n)
{
	*n = r->nrows;
	return r->rows;
}
