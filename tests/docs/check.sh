#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The documents and the command line agree: links lead somewhere, generated pages are what the program
# prints, every kind of violation is explained, every command has help, and the README's configuration passes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kdrift=${KDRIFT:-build/kdrift}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

# result NAME WHY: fails where WHY is not empty
result() {
	if [ -z "$2" ]; then
		printf 'ok %s\n' "$1"
	else
		printf 'not ok %s: %s\n' "$1" "$(tr '\n' ' ' <<<"$2")"
		bad=1
	fi
}

dead_links() {
	local file target
	git ls-files '*.md' | while read -r file; do
		{ grep -o '](\([^)#]*\)[^)]*)' "$file" || true; } | sed 's/^](//; s/[)#].*$//' | while read -r target; do
			case $target in
			'' | http*://*) ;;
			*) [ -e "$(dirname "$file")/$target" ] || printf '%s -> %s\n' "$file" "$target" ;;
			esac
		done
	done
}

undocumented_kinds() {
	local kind
	sed -n 's/.*\[VIOLATION_[A-Z_]*\] = {"\([a-z_]*\)".*/\1/p' src/stats/violation.c | while read -r kind; do
		grep -q "^| \`$kind\` |" docs/counting.md || printf '%s\n' "$kind"
	done
}

commands() { "$kdrift" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'; }

without_help() {
	local c
	commands | while read -r c; do
		{ "$kdrift" "$c" --help | grep '^usage: kdrift ' >/dev/null; } || printf '%s\n' "$c"
	done
}

wrong_usage() {
	local c rc
	{ commands && echo nonsense; } | while read -r c; do
		rc=0
		"$kdrift" "$c" --no-such-option >/dev/null 2>&1 || rc=$?
		[ $rc = 2 ] || printf '%s exits %d\n' "$c" $rc
	done
}

# The README's long example, with the files that it names.
example() {
	local s
	mkdir -p "$tmp/alerts" "$tmp/schemas"
	for s in kafka registry token; do echo secret >"$tmp/$s"; done
	cp schemas/payments-features.avsc "$tmp/schemas/"
	cp alerts/*.yaml "$tmp/alerts/"
	awk '/^```yaml$/ {on = 1; next} on && /^```$/ {exit} on' README.md |
		sed "s|/run/secrets/|$tmp/|; /baseline:/d" >"$tmp/kdrift.yaml"
	"$kdrift" check --config "$tmp/kdrift.yaml" >"$tmp/said" 2>&1 || cat "$tmp/said"
}

# Of the same example: librdkafka is asked about its properties, with file and line.
misspelt_property() {
	sed 's/sasl\.mechanism/sasl.mechansim/' "$tmp/kdrift.yaml" >"$tmp/misspelt.yaml"
	"$kdrift" check --config "$tmp/misspelt.yaml" >"$tmp/said" 2>&1 && echo 'exit code 0'
	grep -q 'misspelt.yaml:[1-9][0-9]*: error: kafka.sasl.mechansim: ' "$tmp/said" || cat "$tmp/said"
}

# The build configured with nothing but what the Dockerfile copies.
image_lacks() {
	local from
	mkdir "$tmp/image"
	sed -n '1,/^RUN cmake/s/^COPY \(.*\) [^ ]*$/\1/p' Dockerfile | tr ' ' '\n' | while read -r from; do
		ln -s "$PWD/$from" "$tmp/image/$from"
	done
	{ cmake -G Ninja -S "$tmp/image" -B "$tmp/image-build" -DKDRIFT_TESTS=OFF &&
		ninja -C "$tmp/image-build" -t query kdrift; } >"$tmp/image.log" 2>&1 || tail -n 6 "$tmp/image.log"
}

compose_lacks() {
	local path
	grep -o '\./[A-Za-z0-9._/-]*' docker-compose.yml | while read -r path; do
		[ -e "$path" ] || printf '%s\n' "$path"
	done
}

result 'links lead somewhere' "$(dead_links)"
result 'every kind of violation is explained' "$(undocumented_kinds)"
"$kdrift" help config >"$tmp/configuration.md"
result 'docs/configuration.md is what the program prints' "$(diff "$tmp/configuration.md" docs/configuration.md | head -n 4)"
result 'there are commands' "$([ "$(commands | wc -l)" -ge 8 ] || commands)"
result 'every command has help' "$(without_help)"
result 'wrong usage exits with 2' "$(wrong_usage)"
result 'the configuration in the README passes' "$(example)"
result 'a misspelt property of librdkafka is found' "$(misspelt_property)"
result 'the image has what its build needs' "$(image_lacks)"
result 'what docker-compose.yml mounts is there' "$(compose_lacks)"
exit $bad
