// SPDX-License-Identifier: Apache-2.0
// Private to cli/: `kdrift baseline diff A B`.
#ifndef KD_CLI_BASELINE_H
#define KD_CLI_BASELINE_H
#include "cli/cli.h"

// To the exit code.
int baseline_diff(struct cli_args *args);
#endif
