#!/usr/bin/env bash
# Ready recordings with the signed URL checked, beside nginx sendfile: 64 KiB ranges and 2 MB bodies per server CPU second
#
#   bench/warm.sh     ROUNDS=3 SECONDS_EACH=6
#
# Both servers on core 0 with one thread for connections, wrk on core 1.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=caches/rig.sh
source "$(dirname "${BASH_SOURCE[0]}")/caches/rig.sh"

for tool in nginx wrk taskset; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "$tool is not installed: nothing to compare with" >&2; exit 2; }
done
(($(nproc) >= 2)) || { echo "two cores are needed, one for the server and one for wrk" >&2; exit 2; }

begin onetake taskset -c 0
ours=onetake,$engine_url,$engine_pid,$origin_url
VARIANT=static WORKERS=1 begin nginx taskset -c 0
nginx=nginx-static,$engine_url,$engine_pid
# As onetake does: the head goes out with the first bytes of the file.
NOPUSH=on VARIANT=static WORKERS=1 begin nginx taskset -c 0
nopush=nginx-nopush,$engine_url,$engine_pid
python3 "$bench/caches/warm.py" "$out" "${ROUNDS:-3}" "${SECONDS_EACH:-6}" "$ours" "$nginx" "$nopush"
