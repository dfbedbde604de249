//! All blocks together: the settings.

use std::path::PathBuf;

use super::blocks::{
    admin, apply, check, commit_key, consul, crash, drain, exec, expvar, fleet, guard, key, listen, log, name,
    registration, sources, state, statsd, status, version, wait,
};
use super::read::call::Lookup;
use super::read::section::Section;
use super::read::value;
use super::{Admin, Apply, Key, Log, State, Statsd, Status, Version};
use crate::environment::glob::Glob;
use crate::environment::{Schema, Visibility, VisibilityRules};
use crate::{environment, machine, service, source};

/// Everything that was configured, by files, flags, the environment and defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The service's name: unique on a host.
    pub name: String,
    /// Where Consul is.
    pub consul: crate::consul::Connection,
    /// The sources, later ones win.
    pub sources: Vec<source::Spec>,
    /// What holds for all layers.
    pub rules: environment::Rules,
    /// What to run.
    pub command: service::Command,
    /// The policy of the machine: for the road, the process's life and the checks.
    pub policy: machine::Policy,
    /// The checks, in the order of the file.
    pub checks: Vec<crate::check::Spec>,
    /// Where the version is read.
    pub version: Version,
    /// The status port.
    pub status: Status,
    /// The operator's socket.
    pub admin: Admin,
    /// `StatsD`.
    pub statsd: Statsd,
    /// Where the service publishes numbers, if that is configured.
    pub expvar: Option<crate::expvar::Settings>,
    /// How the hosts that run this service take turns, if they do.
    pub fleet: Option<crate::fleet::Rules>,
    /// What is kept on disk.
    pub state: State,
    /// What is logged.
    pub log: Log,
    /// `--pid-file`.
    pub pid_file: Option<PathBuf>,
    /// The settings of `apply {}` that are not part of the policy.
    pub apply: Apply,
    /// The rules for single variables.
    pub keys: Vec<Key>,
    /// The sockets that lictor holds for the service.
    pub listen: Vec<crate::listen::Spec>,
    /// How this instance is registered in Consul and leaves traffic; `None`: it is not registered by lictor.
    pub registration: Option<crate::registration::Settings>,
}

/// Reads every block by its own reader. `None` only if an error was reported.
pub(super) fn read(root: &mut Section<'_>, lookup: Lookup<'_>) -> Option<Settings> {
    let flag = |root: &mut Section<'_>, word| root.read(word, value::boolean).unwrap_or(false);
    let naming = sources::Naming { sanitize: flag(root, "sanitize"), upcase: flag(root, "upcase") };
    let pristine = if flag(root, "pristine") { exec::Pristine::Yes } else { exec::Pristine::No };

    let consul = consul::read(root, lookup);
    let mut sources = sources::read(root, naming, lookup);
    if sources.given == sources::Given::None {
        root.missing(NO_SOURCE);
    }
    let exec = exec::read(root, pristine);
    let name = name::read(root, exec.command.as_ref().map(|command| command.program.as_path()));
    let mut policy = machine::Policy::new(name.clone().unwrap_or_default());
    let wait = wait::read(root);
    (policy.quiet_min, policy.quiet_max) = (wait.min, wait.max);
    let listen = listen::read_all(root);
    let checks = check::read_all(root, &listen);
    policy.checks = checks.iter().map(|check| check.rule.clone()).collect();
    let apply = root.within("apply", |section| apply::read(section, &mut policy, &checks, &listen)).unwrap_or_default();
    root.within("crash", |section| crash::read(section, &mut policy.crash));
    policy.guard = root.within("guard", guard::read).unwrap_or_default();
    policy.guard.empty_of = sources.empty;
    policy.guard.sealed = commit_key::read(root, &mut sources.specs);
    let keys = key::read_all(root);
    let labels = |visibility| {
        keys.iter().filter(|key| key.visibility == visibility).map(|key| key.label.clone()).collect::<Vec<Glob>>()
    };
    let visibility = VisibilityRules { public: labels(Visibility::Public), private: labels(Visibility::Secret) };
    policy.visibility = visibility.clone();
    let schema = Schema::new(keys.iter().map(Key::known).collect());
    policy.on_change = keys.iter().map(Key::rule).collect();
    let rules = environment::Rules { visibility, schema, ..exec.rules };
    let version = root.within("version", version::read).unwrap_or_default();
    let status = root.within("status", status::read).unwrap_or_default();
    let admin = root.within("admin", admin::read).unwrap_or_default();
    let statsd = root.within("statsd", statsd::read).unwrap_or_default();
    let expvar = root.within("expvar", expvar::read).flatten();
    let state = root.within("state", state::read).unwrap_or_default();
    policy.boot_grace = state.boot_grace;
    let log = root.within("log", log::read).unwrap_or_default();
    let pid_file = root.read("pid_file", value::maybe_text).flatten().map(PathBuf::from);
    let drain = drain::read(root);
    let registration =
        root.within("registration", |section| registration::read(section, name.as_deref(), drain)).flatten();
    policy.drain_max = registration.as_ref().map(|registration| registration.drain.max);
    let named = name.as_deref().unwrap_or_default();
    let known = registration.as_ref().map(|known| (known.name.as_str(), known.id.as_str()));
    let (service, id) = known.unwrap_or((named, named));
    let instance = fleet::Instance { service, id, name: named };
    let fleet = root.within("fleet", |section| fleet::read(section, instance));
    if fleet.is_some() {
        policy.turn = machine::policy::StepSetting::Enabled;
    }
    Some(Settings {
        name: name?,
        consul,
        sources: sources.specs,
        rules,
        command: exec.command?,
        policy,
        checks,
        version,
        status,
        admin,
        statsd,
        expvar,
        fleet,
        state,
        log,
        pid_file,
        apply,
        keys,
        listen,
        registration,
    })
}

const NO_SOURCE: &str =
    "no source: give --prefix, --file or --directory, or write a prefix {}, file {} or directory {} block";
