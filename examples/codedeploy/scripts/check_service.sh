#!/bin/bash
# ValidateService: is this very build live and healthy, and its configuration settled? The last line says why not.
#
# lictor knows by DEPLOYMENT_ID which deployment asks; `lictor history` shows what it was answered.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

exec lictor validate --name billing --version "$(<"$bundle/VERSION")" --timeout "${VALIDATE_TIMEOUT:-150s}" </dev/null
