//! The library once more, with its rooms closed, for the linter alone (`make lint`). In a library whose modules are public
//! every public item counts as used; here what nobody uses is found as dead code. What only the tests, the benchmark and the
//! fuzz targets use stands in `outside`.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_imports,
    clippy::all,
    clippy::pedantic,
    reason = "the library itself is held to these"
)]

mod admin;
mod app;
mod bulkhead;
mod chain;
mod check;
mod cli;
mod clock;
mod composer;
mod config;
mod consul;
mod drain;
mod driver;
mod envfile;
mod environment;
mod exit;
mod expvar;
mod fleet;
mod gobuild;
mod http;
mod line;
mod listen;
mod machine;
mod metrics;
mod notify;
mod offload;
mod page;
mod procfs;
mod promote;
mod quiet;
mod reexec;
mod registration;
mod resolve;
mod revive;
mod secret;
mod service;
mod signal;
mod source;
mod state;
mod telemetry;
mod version;

/// What leaves the crate: the program itself, and what `tests`, `benches` and `fuzz` take hold of.
pub mod outside {
    pub use crate::admin::request::{Request, What, read};
    pub use crate::cli::args::{Cli, flags};
    pub use crate::cli::{buildinfo, main};
    pub use crate::config::{Flags, Inputs, PROMOTION, Place, TOP, load, reference};
    pub use crate::consul::health::{Instance, Standing};
    pub use crate::consul::key::encoded;
    pub use crate::consul::kv::{Pair, decode};
    pub use crate::consul::session::Session;
    pub use crate::consul::{Client, Connection, Retry, Tls, install_crypto};
    pub use crate::drain::channel;
    pub use crate::envfile::{Error, parse, write};
    pub use crate::environment::format::Format;
    pub use crate::environment::glob::Glob;
    pub use crate::environment::redact::{Redactor, Start};
    pub use crate::environment::{
        Environment, Fingerprint, FingerprintKey, Freshness, Mapping, Snapshot, Variable, Visibility,
    };
    pub use crate::expvar::{Settings, page};
    pub use crate::fleet::{Action, Ask, Event as FleetEvent, Limit, Look, Marks, Rules, Turns};
    pub use crate::gobuild::{
        Error as BuildError, identity, identity_of_file, judge, open, or_revision, read as read_build, read_file,
        version_of,
    };
    pub use crate::http::{Limits, Listener, Peer, Query, Resources, serve};
    pub use crate::machine::board::{
        BesideRole, CheckPicture, CheckState, ConfigState, Phase, ProcessPicture, StepName,
    };
    pub use crate::machine::event::{Exit, TrafficState, TurnRefusal, Verb};
    pub use crate::machine::{
        Board, Build, Event, Machine, Moment, Policy, Restored, RunId, Version, deployment, history, numbers, totals,
    };
    pub use crate::secret::Secret;
    pub use crate::service::errand::{Errand, Finished, run};
    pub use crate::service::process::{Kinship, Process};
    pub use crate::service::{
        Accounts, Adopted, Command, Inherit, Keep, Known, Mark, OwnChildren, Provenance, Recorded, RecordedBeside,
        Service, become_subreaper, end_errands, once,
    };
    pub use crate::source::{Kind, Prefix, Spec, spawn};
    pub use crate::version::{ProcessChoice, Program, Spec as VersionSpec, Subject, identify, read as read_version};
}
