//! What `--help` says at its end, as a manual page does: examples, signals, files, exit codes.

/// Of `lictor` itself.
pub(super) const LICTOR: &str = "\
lictor turns Consul KV, a watched directory or a file into the environment of a service, runs it, restarts it when the \
configuration changes, and takes a change back that the service is not healthy on.

Every verb but run, check and buildinfo asks the running lictor on its admin socket: with --socket or --name this one, \
else the only one on the host.

Examples:
  lictor run --prefix billing/ -- /opt/billing/billing -addr :8080
  lictor run -c /etc/lictor/billing.hcl
  lictor status
  lictor validate --version 1.214

Files:
  /run/lictor/NAME.sock   the admin socket; under systemd /run/lictor/NAME/NAME.sock
  /var/lib/lictor/NAME/   what outlives a restart; of it good.json holds values

Exit codes:
  0   done, healthy, yes
  1   no: unhealthy, not valid, refused
  2   wrong usage
  3   plan --exit-code: there are changes
  69  no lictor answered
  70  a bug in lictor
  75  an address, a socket or a lock is taken
  78  the configuration is wrong";

/// Of `run`.
pub(super) const RUN: &str = "\
Flags win over files, files over the environment (CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN and the others of Consul's own \
client), that over defaults. One dash before a long name will do: -prefix billing/.

Examples:
  lictor run --prefix global/ --prefix billing/ -- /opt/billing/billing -addr :8080
  lictor run --file /etc/billing/billing.env -- ./billing
  lictor run --once --prefix billing/ -- /opt/billing/migrate up

Signals:
  TERM, INT                 stops the service, then ends; a second one kills the service now
  HUP                       reads lictor's own configuration again, as `lictor reload`
  USR1, USR2, WINCH, QUIT   go to the service's main process

Exit codes:
  0   stopped as asked; with --once the command's own code, 128+N if signal N ended it
  2   wrong usage
  70  a bug in lictor
  75  an address, a socket or a lock is taken: another lictor of this name runs
  78  the configuration is wrong";

/// Of `status`.
pub(super) const STATUS: &str = "\
Exit codes:
  0   the service is healthy
  1   it is not
  2   wrong usage, or several lictors run: say which
  69  no lictor answered";

/// Of `validate`.
pub(super) const VALIDATE: &str = "\
Yes means: exactly this version runs, is healthy, and its configuration is settled. It waits for a lictor that is not up \
yet, and says no at once where waiting cannot help.

Example, as the last line of a ValidateService hook:
  lictor validate --version 1.214 --timeout 150s

Exit codes:
  0   yes
  1   no, and the last line says why
  2   wrong usage
  69  no lictor answered in all that time";

/// Of `check`.
pub(super) const CHECK: &str = "\
Example:
  lictor check -c /etc/lictor/billing.hcl

Exit codes:
  0   nothing is wrong
  78  something is; each error stands on a line of its own, as file:line:column";

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
