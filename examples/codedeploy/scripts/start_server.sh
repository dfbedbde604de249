#!/bin/bash
# AfterInstall: starts the service; systemd says when it is healthy, or at lictor's apply.deadline.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# The service's definition. Without Consul it is read when Consul starts.
if command -v consul >/dev/null; then
  consul reload >/dev/null 2>&1 </dev/null || echo "(Consul does not answer: it will read its definition of billing at its start)"
fi

systemctl enable --quiet "$unit"
if ! systemctl restart "$unit"; then
  journalctl --unit "$unit" --lines 8 --output cat --no-pager | last_words
  fail "$unit does not start; see above"
fi
echo "$unit is started"
