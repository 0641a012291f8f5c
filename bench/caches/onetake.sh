#!/usr/bin/env bash
# onetake as an engine of the rig of HTTP caches ($CACHES): `serve` starts origin and server, as its README says.
# $ONETAKE is the binary. The key and the secret are those of signed.py. BACKEND_LOG=info says more in $T/onetake.log.
set -euo pipefail
# shellcheck source=/dev/null
source "$CACHES/lib.sh"
export NAME=onetake

engine_start() {
  # per_tenant_concurrent: one tenant's fifty cold recordings at once are meant to be fetched at once.
  cat >"$T/onetake.toml" <<C
[log]
level = "${BACKEND_LOG:-warn}"
[fetch]
per_tenant_concurrent = 256
allow_addresses = ["127.0.0.0/8"]
allow_plain_http = true
[[tenant]]
id = "bench"
api_key_sha256 = ["$(printf bench-api-key | sha256sum | cut -d' ' -f1)"]
url_signing_keys = [{ id = "k1", secret = "bench-url-secret" }]
[[tenant.provider]]
name = "origin"
type = "http"
allowed_hosts = ["127.0.0.1:$ORIGIN_PORT"]
C
  "$ONETAKE" serve --config "$T/onetake.toml" --listen "127.0.0.1:$PORT" --data-dir "$T/data" >"$T/out" 2>"$T/onetake.log" &
  # shellcheck disable=SC2034  # lib.sh waits for these and ends them
  PIDS=($!)
}
main "${1:-serve}"
