#!/usr/bin/env bash
# What it costs to know who asks: a signed URL, an API key, a cookie, and OpenSSL's one-call HMAC beside them
set -euo pipefail
exec "$ONETAKE_BUILD/bin/signature_bench"
