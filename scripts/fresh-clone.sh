#!/usr/bin/env bash
# Starts the committed state as a newcomer does: a new clone, an empty home, one command, Ctrl-C.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/ringrift-fresh-clone-XXXXXX")

# The programs run in process groups of their own, but all of them work in the clone.
ours() {
  local link
  for link in /proc/[0-9]*/cwd; do
    case "$(readlink "$link" 2>/dev/null || true)" in
    "$work"/clone*) basename "$(dirname "$link")" ;;
    esac
  done
}

cleanup() {
  cd /
  local pid
  for pid in $(ours); do kill -KILL "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "fresh-clone: $*" >&2
  if [ -s "$work/log" ]; then tail -n 40 "$work/log" >&2; fi
  exit 1
}

# What an outer npm or pnpm exports would point back into this checkout.
for name in $(compgen -e); do
  case "$name" in npm_* | pnpm_* | PNPM_* | XDG_* | RINGRIFT_* | INIT_CWD | NODE_PATH | NODE_OPTIONS) unset "$name" ;; esac
done
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v node_modules | paste -sd:)
export PATH
export HOME="$work/home"
mkdir "$HOME"

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}
server_port=$(free_port)
agent_port=$(free_port)
export RINGRIFT_HEALTH_SERVER_PORT="$server_port" RINGRIFT_AGENT_PORT="$agent_port"
export RINGRIFT_SERVERS="ws://127.0.0.1:$server_port/mesh"

git clone --quiet --no-hardlinks "$root" "$work/clone"

# Job control gives the command a process group of its own, and a SIGINT that is not ignored.
set -m
(cd "$work/clone" && exec npx -y pnpm@12 start) >"$work/log" 2>&1 </dev/null &
group=$!
set +m

limit=$((SECONDS + 420))
until grep -q 'Ctrl-C' "$work/log"; do
  kill -0 "$group" 2>/dev/null || fail "start ended before it was ready"
  [ "$SECONDS" -lt "$limit" ] || fail "start did not say in time that it runs"
  sleep 0.2
done
for port in "$server_port" "$agent_port"; do
  for path in health ready metrics status; do
    curl --silent --show-error --fail --max-time 5 "http://127.0.0.1:$port/$path" >/dev/null ||
      fail "http://127.0.0.1:$port/$path does not answer with success"
  done
done

kill -INT -- "-$group"
code=0
wait "$group" || code=$?
# npx itself reports an interrupt as 130; pnpm says when what it ran has failed.
case "$code" in 0 | 130) ;; *) fail "start ended with $code after Ctrl-C" ;; esac
if grep -q 'ELIFECYCLE' "$work/log"; then fail "start did not end with 0 after Ctrl-C"; fi
left=$(ours)
[ -z "$left" ] || fail "processes are left: $(xargs ps -o pid=,args= -p <<<"$left")"
echo "fresh-clone: installed, built, ready and stopped in $SECONDS s"
