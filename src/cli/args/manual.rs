//! What `--help` says at its end, as a manual page does: examples, signals, files, exit codes.

/// Of `lictor` itself.
pub(super) const LICTOR: &str = "\
lictor turns Consul KV, a watched directory or a file into the environment of a service and runs the service. When the \
configuration changes it restarts the service, and if the service is not healthy on a change, lictor takes it back.

All verbs but run, check, doctor, init, help and buildinfo ask the running lictor on its admin socket: the one that --socket or \
--name names, else the only one on the host.

Examples:
  lictor run --prefix billing/ -- /opt/billing/billing -addr :8080
  lictor run -c /etc/lictor/billing.hcl
  lictor status
  lictor validate --version 1.214

Files:
  /run/lictor/NAME.sock   the admin socket; under systemd /run/lictor/NAME/NAME.sock
  /var/lib/lictor/NAME/   what outlives a restart; only good.json in it holds values

Exit codes:
  0   done, healthy, yes
  1   no: unhealthy, not valid, refused
  2   wrong usage
  3   plan --exit-code: there are changes
  69  no lictor answered
  70  a bug in lictor
  74  the answer could not be written to standard output
  75  an address, a socket or a lock is taken, or something is not there yet: try again
  78  the configuration is wrong";

/// Of `run`.
pub(super) const RUN: &str = "\
Flags win over files, files over the environment (CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN and the others of Consul's own \
client), and the environment over defaults. One dash before a long name is enough: -prefix billing/.

Examples:
  lictor run --prefix global/ --prefix billing/ -- /opt/billing/billing -addr :8080
  lictor run --file /etc/billing/billing.env -- ./billing
  lictor run --once --prefix billing/ -- /opt/billing/migrate up

Signals:
  TERM, INT                 stop the service, then lictor; a second one kills the service at once
  HUP                       reads lictor's own configuration again, as `lictor reload` does
  USR1, USR2, WINCH, QUIT   go to the service's main process

Exit codes:
  0   stopped as asked; with --once the command's own code, or 128+N if signal N ended it
  2   wrong usage
  70  a bug in lictor
  75  an address, a socket or a lock is taken (another lictor of this name runs), or something that lictor needs, such as
      an interface, a directory or a certificate, is not there yet: another start may succeed
  78  the configuration is wrong";

/// Of `status`.
pub(super) const STATUS: &str = "\
If the socket may not be used, the status port answers in its place, if it has its default address.

Exit codes:
  0   the service is healthy
  1   it is not
  2   wrong usage, or several lictors run: say which
  69  no lictor answered";

/// Of `validate`.
pub(super) const VALIDATE: &str = "\
Yes means that exactly this version runs, that it is healthy, and that its configuration is settled. It waits for a lictor \
that is not up yet, and says no at once where waiting cannot help.

Example, as the last line of a ValidateService hook:
  lictor validate --version 1.214 --timeout 150s

Exit codes:
  0   yes
  1   no, and the last line says why
  2   wrong usage
  69  no lictor answered in all that time";

/// Of `plan`.
pub(super) const PLAN: &str = "\
Examples:
  lictor plan
  lictor plan --watch
  lictor plan -c /etc/lictor/billing.hcl --exit-code

Exit codes:
  0   done
  1   the newest change is refused: rejected, or in quarantine
  2   wrong usage
  3   with --exit-code: there are changes (keys that only wait for a restart are no change)
  69  neither a lictor nor a required source answered
  78  the configuration is wrong";

/// Of `check`.
pub(super) const CHECK: &str = "\
Examples:
  lictor check /etc/lictor/billing.hcl
  lictor check --prefix billing/ -- /opt/billing/billing
  lictor check --sources /etc/lictor/billing.hcl

Exit codes:
  0   nothing is wrong
  1   with --sources: a value breaks a rule, so that nothing would be started on it
  2   wrong usage, or nothing to check
  69  with --sources: a source that a start waits for has not answered
  78  something is wrong; each error is a line of its own, as file:line:column";

/// Of `doctor`.
pub(super) const DOCTOR: &str = "\
Example:
  sudo -u billing lictor doctor /etc/lictor/billing.hcl --unit lictor@billing

Exit codes:
  0   nothing is wrong
  1   something does not work
  2   wrong usage
  78  the configuration is wrong";

/// Of `init`.
pub(super) const INIT: &str = "\
Example:
  lictor init --prefix billing/ -- /opt/billing/billing -addr :8080 > /etc/lictor/billing.hcl";

/// Of what only reads.
pub(super) const READ: &str = "\
Exit codes:
  0   done
  2   wrong usage
  69  no lictor answered";

/// Of `buildinfo`.
pub(super) const BUILDINFO: &str = "\
Example:
  lictor buildinfo /opt/billing/billing

Exit codes:
  0   the file tells its version or its build
  1   it tells neither, or cannot be read";
