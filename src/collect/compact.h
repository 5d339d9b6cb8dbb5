// SPDX-License-Identifier: Apache-2.0
// Private to collect. Every late record that reopens a closed interval leaves one more segment behind; its
// owner merges them into one a slice, in one fenced write.
#ifndef KD_COLLECT_COMPACT_H
#define KD_COLLECT_COMPACT_H
#include "collect/partition.h"

// Merges the partition's segments of intervals that were reopened and closed again, where they have become many.
// Anything but STORE_OK: drop the partition's memory.
enum store_result part_compact(struct part *p, const struct collect_port *port, struct error *err) MUST_CHECK;
#endif
