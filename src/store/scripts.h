// SPDX-License-Identifier: Apache-2.0
// The Lua scripts: each checks every type and argument before its first write, since Redis does not undo a
// script that fails half-way.
#ifndef KD_STORE_SCRIPTS_H
#define KD_STORE_SCRIPTS_H

enum script { SCRIPT_CLAIM, SCRIPT_CHECKPOINT, SCRIPT_LEASE, SCRIPT_LEASE_RELEASE, SCRIPT_COMMIT, SCRIPT_FLOOR, SCRIPT_DIRTY,
	      SCRIPT_OUTBOX, SCRIPT_ROLL_UP, SCRIPTS };

extern const char *const script_text[SCRIPTS];
#endif
