# shellcheck shell=bash
# Sourced by every script: strict mode, the root folder, and the Node of script/lib/node.sh on PATH.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/.tools
[[ -d $tools/bin ]] && PATH=$tools/bin:$PATH
export PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# Parallel compilers: one a core, but Beast and clang-tidy take up to 1 GB each.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1200000) }' /proc/meminfo)
  ((memory < 1)) && memory=1
  echo "${ONETAKE_JOBS:-$((cores < memory ? cores : memory))}"
}
