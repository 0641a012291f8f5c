#!/usr/bin/env bash
# Admissions a second on SQLite, by callers that wait together; empty tables, then 100,000 recordings
set -euo pipefail
folder=$(mktemp -d "${TMPDIR:-/tmp}/onetake-bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
for already in 0 100000; do "$ONETAKE_BUILD/bin/ledger_bench" "$folder" 50000 "$already"; done
