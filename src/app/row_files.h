// SPDX-License-Identifier: Apache-2.0
// Files' rows as the records that a topic would have held: encoded as Avro with one schema a stream, and told in
// event time over all files, each file's rows in its own order. The schema is the one that the stream names
// (`schema:`), else its contract, else that of its Avro files, else one made of the files' columns, typed as
// `kdrift baseline --file` types them. With a schema that is named, a row that does not fit it is a record that
// cannot be decoded; columns that it lacks are not judged. Of a stream of JSON whose files are all JSON Lines the lines
// are the records, as they stand.
//
//     r = row_files_open(config, files, n, err); row_files_bind(r, model); while (row_files_next(r, &row, err) > 0) ...
#ifndef KD_APP_ROW_FILES_H
#define KD_APP_ROW_FILES_H
#include "app/model.h"
#include "kafka/consumer.h"

struct row_file {
	const char *stream, *path;
};

struct file_record {
	size_t stream;             // index in the configuration
	int32_t file;              // of those of the topic: as it were its partition
	struct message message;    // valid until the next call; its offset is the row
	int64_t event_ms;
};

struct row_files;
// -1 with err in the end where a stream has no event time, or a row none that can be read.
struct row_files *row_files_open(const struct config *c, const struct row_file *files, size_t n, struct error *err) MUST_CHECK;
void row_files_free(struct row_files *r);
// The model collects these rows, of a configuration with the same streams. r must outlive what collects; rows are not
// to be read once its own configuration is gone.
void row_files_bind(const struct row_files *r, struct model *m);
// 1 and a record, 0 at the end, -1.
int row_files_next(struct row_files *r, struct file_record *out, struct error *err) MUST_CHECK;
double row_files_progress(const struct row_files *r);
// Columns that are not in their stream's schema, "" if there are none.
const char *row_files_unused(const struct row_files *r);
#endif
