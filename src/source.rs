//! One task owns one stream and publishes snapshots.

mod consul;
mod directory;
mod file;
mod publisher;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use publisher::Publisher;

use crate::consul::Client;
use crate::environment::{Mapping, Snapshot};

/// Starts the task that owns this source; it ends with `tasks`. The newest snapshot is in what is returned.
///
/// `client` may only be missing when no source is Consul's; such a source then says so and nothing else.
pub fn spawn(tasks: &mut JoinSet<()>, spec: &Spec, client: Option<&Arc<Client>>) -> watch::Receiver<Arc<Snapshot>> {
    match &spec.kind {
        Kind::Consul(prefix) => consul::spawn(tasks, spec, prefix, client),
        Kind::File(path) => file::spawn(tasks, spec, path),
        Kind::Directory(path) => directory::spawn(tasks, spec, path),
    }
}

/// One source, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// As a person reads it: `consul billing/`, `consul billing/@dc2`, `directory /etc/billing/conf.d`, `file /etc/x.env`.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// `required = false`: a start does not wait for its first answer.
    pub required: bool,
    /// Fewer keys than this is not an answer.
    pub min_keys: usize,
    /// How its keys become names.
    pub mapping: Mapping,
}

/// The kinds of source. A kind is one file in `source/` and one line in `source::spawn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder of Consul's KV store.
    Consul(Prefix),
    /// A file in systemd's `EnvironmentFile` grammar.
    File(PathBuf),
    /// A folder with one file a key.
    Directory(PathBuf),
}

/// A folder of Consul's KV store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Ends with `/`, does not begin with it: `billing/`.
    pub path: String,
    /// `dc=`, if not the agent's own.
    pub datacenter: Option<String>,
    /// How long a blocking query may take: 25 s unless told otherwise.
    pub wait: Duration,
    /// `commit_key`, if it lies in here.
    pub commit: Option<Commit>,
}

/// The key that seals a set of edits, relative to the folder. It never becomes a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Edits of this folder count only once it is written after them.
    Seals(String),
    /// It seals a folder further down, and is only left out here.
    LeftOut(String),
}

impl Commit {
    /// The key, relative to the folder.
    pub fn key(&self) -> &str {
        match self {
            Self::Seals(key) | Self::LeftOut(key) => key,
        }
    }
}
