// SPDX-License-Identifier: Apache-2.0
// Every key of the store (P is the prefix):
//
//   P:part:SCOPE/TOPIC/PARTITION  hash  epoch nonce next co ct cc idle end target beat too_old lost m:STREAM u:STREAM n:STREAM h:STREAM d:STREAM
//   P:state:SCOPE/TOPIC/PARTITION set   STREAM 1f NAME of its states; each is a str under this key 1f STREAM 1f NAME
//   P:streams                     hash  STREAM -> wall ms of its first claim; STREAM 1f TOPIC -> its partitions then.
//                                       STREAM/TYPE is the sub-stream of one record type, in every key a stream of its own
//   P:parts:STREAM                set   keys of its partitions
//   P:seg:STREAM:WIDTH:START      hash  SLICE 1f TOPIC/PARTITION 1f NONCE 1f N -> encoded pane
//   P:idx:STREAM                  zset  START by START
//   P:roll:STREAM:WIDTH:START     hash  SLICE 1f TOPIC/PARTITION 1f OVERFLOWS 1f MET -> encoded pane: what were the
//                                       segments of the intervals within. Only the judge writes it
//   P:rolls:STREAM                zset  START/WIDTH by START
//   P:w:STREAM                    hash  START or START/WIDTH -> write counter
//   P:dirty:STREAM                set   STARTs written since the judge last looked
//   P:widths:STREAM               set   pane widths in use (one, until the configuration changes it)
//   P:floor:STREAM                str   event ms below which nothing is kept
//   P:holes:STREAM                zset  "FROM TO", event ms of records that were lost, by TO; h:STREAM is an open one
//   P:stage:NONCE:K               str   a large checkpoint's part, named by the final script (expires); of the lease's
//                                       nonce a hash, which becomes a P:roll
//   P:wake                        list  at most one token: the judge should look now
//   P:lease                       hash  nonce token until
//   P:doc:TABLE                   hash  key -> JSON
//   P:journal, P:journal:seq      zset  "SEQ JSON" by time; bounded
//   P:outbox                      hash  id -> JSON;  P:due:RECEIVER zset id by due;  P:sent zset;  P:dead hash
//   P:schemas:REGISTRY            hash  id -> schema text; id/subject -> "yes"
#ifndef KD_STORE_KEYS_H
#define KD_STORE_KEYS_H
#include <stdint.h>

// All return malloc'ed text.
char *key_plain(const char *prefix, const char *name);                        // P:name
char *key_of(const char *prefix, const char *kind, const char *name);         // P:kind:name
char *key_part(const char *prefix, const char *scope, const char *topic, int32_t partition);
char *key_state(const char *prefix, const char *scope, const char *topic, int32_t partition);
char *key_segment(const char *prefix, const char *stream, int64_t width, int64_t start);
char *key_roll(const char *prefix, const char *stream, int64_t width, int64_t start);
#endif
