#!/usr/bin/env bash
# Many press Play on what is not there yet: first bytes and provider requests, beside the HTTP caches that are installed
#
#   bench/cold.sh [SCENARIO,…]    cold,late,ready,fifty,dying without; the rig's others are seek, die, range0, mid, tail, leave, slow
#
# ROUNDS=3, ENGINES="onetake nginx varnish" (those that are not installed are left out). ONETAKE_PEERS: the folder of rigs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=caches/rig.sh
source "$(dirname "${BASH_SOURCE[0]}")/caches/rig.sh"

scenarios=${1:-cold,late,ready,fifty,dying}
results=()
for round in $(seq "${ROUNDS:-3}"); do
  for engine in ${ENGINES:-onetake nginx varnish}; do
    installed "$engine" || continue
    begin "$engine"
    echo "== $engine, round $round"
    results+=("$out/cold-$engine-$round.json")
    python3 "$bench/caches/cold.py" "$engine" "$engine_url" "$origin_url" "${results[-1]}" "$scenarios"
    end
  done
done
python3 "$bench/caches/summary.py" "${results[@]}"
