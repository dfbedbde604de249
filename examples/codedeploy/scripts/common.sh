#!/bin/bash
# shellcheck disable=SC2034 # its variables are for whoever sources it
# What the hooks share; they source it. Each is a program of its own, run by CodeDeploy's agent as root.
#
# - The agent waits until nobody holds a hook's output any more: whatever is to stay is started through systemd.
# - Of what a hook says, the last 2 KB of whole lines reach the console, and none at all if the last line is longer. So
#   lines are short and the last one is the reason. Both outputs are one, or their order would be lost.
# - A rollback is a deployment of an older bundle: each script also finds what a newer release has left.
set -euo pipefail
exec 2>&1

bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unit=lictor@billing.service
migrated=/var/lib/billing/migrated # the migrations that this host has seen applied

fail() {
  printf 'no: %s\n' "$*" | cut -c 1-200
  exit 1
}

# Another program's last words, in short lines.
last_words() { tail -n 8 | cut -c 1-200; }

# The bundle's migrations that this host has not seen applied.
new_migrations() {
  comm -23 <(find "$bundle/migrations" -name '*.sql' -printf '%f\n' | sort) <(sort "$migrated" 2>/dev/null)
}

command -v lictor >/dev/null || fail "lictor is not installed here: install its package first"
