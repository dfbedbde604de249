//! The whole environment of the service's process: what lictor composed over what it passes on of its own.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::Environment;
use super::compose::{any, passes};
use super::glob::Glob;

/// What of lictor's own environment the service inherits. Composed variables always win over inherited ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherit {
    /// `pristine` or `exec.env.pristine`: nothing.
    pub pristine: bool,
    /// If not empty, only names that match one of these (inherited and composed alike, as in envconsul).
    pub allowlist: Vec<Glob>,
    /// Never names that match one of these.
    pub denylist: Vec<Glob>,
}

/// Variables that the service manager addressed to lictor alone: a service that took them for its own would answer for us.
const ADDRESSED_TO_LICTOR: [&str; 11] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MAINPID",
];

/// Credentials that lictor itself used: passed on only if the allowlist matches them.
const CREDENTIALS: [&str; 4] = ["CONSUL_HTTP_TOKEN", "CONSUL_TOKEN", "CONSUL_HTTP_AUTH", "VAULT_TOKEN"];

/// The variables to start the service with, by name. `own` is lictor's environment.
pub fn inherit(
    own: impl IntoIterator<Item = (OsString, OsString)>,
    environment: &Environment,
    settings: &Inherit,
) -> Vec<(OsString, OsString)> {
    let mut whole = BTreeMap::new();
    if !settings.pristine {
        for (name, value) in own {
            if settings.passes_on(&name.to_string_lossy()) {
                // Of two entries with one name, libc's getenv sees the first.
                whole.entry(name).or_insert(value);
            }
        }
    }
    for (name, variable) in environment.variables() {
        whole.insert(OsString::from(name), OsString::from_vec(variable.value.expose().to_vec()));
    }
    whole.into_iter().collect()
}

impl Inherit {
    fn passes_on(&self, name: &str) -> bool {
        !ADDRESSED_TO_LICTOR.contains(&name)
            && (!CREDENTIALS.contains(&name) || any(&self.allowlist, name))
            && passes(name, &self.allowlist, &self.denylist)
    }
}
