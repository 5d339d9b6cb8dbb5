#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo, as a reader runs it: it must end by itself as expected, and leave nothing behind, also when it is
# interrupted. What "as expected" means is in its summary; here it is read once more, line by line.
# shellcheck disable=SC2317 # functions are called by check
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
kdrift=${KDRIFT:-build/kdrift}
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
out=$TMPDIR/out
status=0

check() { # check NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name: see the output below"
		status=1
	fi
}

said() { grep -qE -e "$1" "$out"; }

# Neither its directory nor a server that works in it.
nothing_left() {
	local cwd
	for cwd in /proc/[0-9]*/cwd "$TMPDIR"/kdrift-demo-*; do
		case $(readlink "$cwd" || echo "$cwd") in
		"$TMPDIR"/kdrift-demo-[!*]*) return 1 ;;
		esac
	done 2>/dev/null
}

all_tiers() { said '^immediate page' && said '^daily digest' && said '^weekly digest'; }

timeout 600 "$kdrift" demo --once --port 0 >"$out" 2>"$TMPDIR/err"
code=$?
check "it ends with exit code 0" test $code = 0
for line in \
	'ok +elec2-features +45264 records produced, +45264 counted' \
	'ok +elec2-features +48 violations incompatible_schema put in, 48 counted' \
	'ok +elec2-features +48 violations wrong_type put in, 48 counted' \
	'ok +elec2-predictions +44976 records produced, +44976 counted' \
	'ok +elec2-labels +45264 records produced, +45264 counted' \
	'ok +elec2-aa +22632 records produced, +22632 counted' \
	'ok +immediate +IncompatibleSchema on elec2-features: told firing 1 times' \
	'ok +immediate +PredictionsStopped on elec2-predictions: told firing 1 times' \
	'ok +immediate +nobody was woken for anything else: 2 pages' \
	'ok +daily +MissingValues on elec2-features' \
	'ok +daily +ConstantPredictions on elec2-predictions' \
	'ok +weekly +Drift of vicprice: first in the window that ends 1997-05-0' \
	'ok +weekly +Drift of vicdemand: first in the window that ends 1997-05-0' \
	'ok +weekly +Drift of transfer: first in the window that ends 1997-05-0' \
	'ok +immediate +nothing on elec2-aa' \
	'ok +daily +nothing on elec2-aa' \
	'ok +weekly +nothing on elec2-aa'; do
	check "${line#ok +}" said "^ +$line"
done
check "all three tiers are printed" all_tiers
check "it leaves nothing behind" nothing_left
[ $status = 0 ] || tail -n 40 "$out" "$TMPDIR/err" >&2

"$kdrift" demo --port 0 >"$out" 2>"$TMPDIR/err" &
pid=$!
for _ in $(seq 600); do
	said '^First page' && break
	sleep 0.1
done
check "while it runs, there is something to leave behind" eval '! nothing_left'
kill -INT $pid
began=$SECONDS
wait $pid
code=$?
check "interrupted, it ends with exit code 0" test $code = 0
check "interrupted, it ends within 10 s" test $((SECONDS - began)) -le 10
check "interrupted, it leaves nothing behind" nothing_left
[ $status = 0 ] || tail -n 40 "$out" "$TMPDIR/err" >&2
exit $status
