#!/bin/bash
# AfterInstall: applies the migrations that are new, on the same configuration that the service will get.
#
# They only ever add: the release before this one must be able to run on what they leave, since a rollback undoes none.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

new=$(new_migrations)
if [[ ! $new ]]; then
  echo "no new migrations"
  exit 0
fi
# As the service's own user, who has no shell.
timeout --foreground 300 setpriv --reuid billing --regid billing --init-groups \
  lictor run --once -c /etc/lictor/billing.hcl -- /opt/billing/billing -migrate /opt/billing/migrations </dev/null |
  last_words || fail "the migrations were not applied; see above"
printf '%s\n' "$new" >>"$migrated"
