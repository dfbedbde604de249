#!/bin/bash
# BeforeInstall, from the new bundle: sees to it that the deployment can succeed, and only then stops the service.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

lictor check -c "$bundle/lictor/billing.hcl" | last_words ||
  fail "the bundle's lictor/billing.hcl is wrong; nothing was touched"

# Without Consul the service starts on its last good configuration, but there is no migrating without the database's name.
if [[ $(new_migrations) ]]; then
  timeout --foreground 30 lictor run --once -c "$bundle/lictor/billing.hcl" -- true </dev/null | last_words ||
    fail "there are new migrations, and the configuration cannot be read (is Consul down?); nothing was touched"
fi

getent passwd billing >/dev/null || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin billing
install -d -o billing -g billing -m 0750 /var/lib/billing

# Under every name that a release has had, since this may follow any of them.
for old in billing.service "$unit"; do
  if systemctl is-active --quiet "$old" || systemctl is-failed --quiet "$old"; then
    systemctl stop "$old" || fail "$old cannot be stopped"
    systemctl reset-failed "$old" 2>/dev/null || true
    echo "$old is stopped"
  fi
done
