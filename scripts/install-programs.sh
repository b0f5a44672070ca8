#!/usr/bin/env bash
# Installs, as root on Debian, the real programs that system tests run against; with --peers also those that
# benchmarks stand beside.
set -euo pipefail

# program:package
needed=(promtool:prometheus prometheus:prometheus etcd:etcd-server etcdctl:etcd-client openssl:openssl ip:iproute2 journalctl:systemd unshare:util-linux chronyd:chrony containerd:containerd python3:python3-minimal zsh:zsh fish:fish)
peers=(serf:serf prometheus-node-exporter:prometheus-node-exporter runsvdir:runit s6-svscan:s6 supervisord:supervisor)

wanted=("${needed[@]}")
if [ "${1:-}" = --peers ]; then wanted+=("${peers[@]}"); fi

# Not packaged by Debian, and no dependency of ours: a folder of its own, where `pnpm bench supervisor` looks for it.
if [ "${1:-}" = --peers ]; then
  pm2=${XDG_CACHE_HOME:-$HOME/.cache}/ringrift-peers/pm2
  [ -e "$pm2/node_modules/.bin/pm2" ] || npm install --prefix "$pm2" --no-fund --no-audit --ignore-scripts --loglevel=error pm2@7
fi

missing=()
for entry in "${wanted[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
done
# A library, and no program.
ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || missing+=(libfaketime)
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

# Debian's packages start services after their installation; the policy file forbids that while we install.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "install-programs: could not install ${missing[*]}" >&2
  exit 1
fi
rm -f "$log"
for entry in "${wanted[@]}"; do
  command -v "${entry%%:*}" >/dev/null || { echo "install-programs: ${entry%%:*} is missing after the installation of ${entry#*:}" >&2; exit 1; }
done
