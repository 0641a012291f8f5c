# shellcheck shell=bash disable=SC2034  # what is set here is for cold.sh and warm.sh
# Sourced: finds the rig of HTTP caches, and starts and ends its engines, onetake among them, by their process ids.

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${ONETAKE_RESULTS:-$bench/../build/bench}
mkdir -p "$out"
out=$(cd "$out" && pwd)

peers=${ONETAKE_PEERS:-$bench/../../shared/peers}
[[ -f $peers/lib.sh ]] || peers=$peers/caches
if [[ ! -f $peers/lib.sh ]]; then
  echo "the rig of HTTP caches is not here: ONETAKE_PEERS names the folder that has caches/lib.sh" >&2
  exit 2
fi
CACHES=$(cd "$peers" && pwd)
ONETAKE=${ONETAKE:-$bench/../build/release/bin/onetake}
export CACHES ONETAKE
if [[ ! -x $ONETAKE ]]; then echo "no $ONETAKE: script/build makes it, or ONETAKE names another" >&2; exit 2; fi

started=()
end() {
  local pid
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  started=()
}
trap end EXIT

# Does the machine have this engine? Those of Debian lie in /usr/sbin.
installed() {
  local binary=$1
  [[ $1 == onetake ]] && return
  [[ $1 == varnish ]] && binary=varnishd
  PATH=$PATH:/usr/sbin command -v "$binary" >/dev/null || { echo "$1 is not installed: left out" >&2; return 1; }
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# begin ENGINE [COMMAND…]: starts it (under COMMAND, such as taskset) with an origin of its own; returns when it answers.
# Sets engine_url, origin_url and engine_pid, the script's, whose children are the servers.
begin() {
  local engine=$1 script=$CACHES/$1.sh
  shift
  [[ $engine == onetake ]] && script=$bench/caches/onetake.sh
  local port origin_port log=$out/$engine.log
  port=$(free_port)
  origin_port=$(free_port)
  : >"$log"
  PORT=$port ORIGIN_PORT=$origin_port "$@" "$script" serve >"$log" 2>&1 &
  engine_pid=$!
  started+=("$engine_pid")
  engine_url=http://127.0.0.1:$port
  origin_url=http://127.0.0.1:$origin_port
  local i
  for ((i = 0; i < 300; i++)); do
    grep -q "http://127.0.0.1:$port/" "$log" && return
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  echo "$engine did not start" >&2
  exit 1
}
