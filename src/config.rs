//! The configuration: HCL or JSON as written, to settings that mean something. (Skeleton: the settings.)

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{check, consul, environment, machine, service, source, version};

/// Everything that was configured, by files, flags, the environment and defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The service's name: unique on a host.
    pub name: String,
    /// Where Consul is.
    pub consul: consul::Connection,
    /// The sources, later ones win.
    pub sources: Vec<source::Spec>,
    /// What holds for all layers.
    pub rules: environment::Rules,
    /// What to run.
    pub command: service::Command,
    /// The road, the process's life and the checks' rules.
    pub policy: machine::Policy,
    /// The checks, in the order of the file.
    pub checks: Vec<check::Spec>,
    /// Where the version is read.
    pub version: version::Spec,
    /// The status port.
    pub status: Status,
    /// The operator's socket.
    pub admin: Admin,
    /// `StatsD`.
    pub statsd: Statsd,
    /// What is kept on disk.
    pub state: State,
    /// What is logged.
    pub log: Log,
    /// `--pid-file`.
    pub pid_file: Option<PathBuf>,
}

/// `status {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether somebody asked for this address (if so, its being taken is an error).
    pub chosen: bool,
}

/// `admin {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// `None`: the default place for this name.
    pub socket: Option<PathBuf>,
    /// Its permissions, such as 0o660.
    pub mode: u32,
    /// Its group.
    pub group: Option<String>,
}

/// `statsd {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statsd {
    /// `host:port`.
    pub address: String,
    /// Before every name.
    pub prefix: String,
    /// How tags are written.
    pub style: Style,
    /// Between two ticks.
    pub interval: Duration,
    /// Added to every metric.
    pub tags: Vec<(String, String)>,
}

/// `statsd.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `name,tag=value:1|c`.
    Influx,
    /// `name:1|c|#tag:value`.
    Datadog,
}

/// `state {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `None`: the default place for this name.
    pub directory: Option<PathBuf>,
    /// Older good environments are not used.
    pub max_age: Duration,
    /// How long a start waits for the sources.
    pub boot_grace: Duration,
}

/// `log {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: tracing::Level,
    /// How lines look.
    pub format: LogFormat,
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Journald priorities under systemd, colour on a terminal, else plain.
    Auto,
    /// One JSON object a line.
    Json,
}
