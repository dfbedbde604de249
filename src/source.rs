//! The sources: each has a task of its own, which publishes snapshots.

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

use crate::chain::sentence;
use crate::consul::Client;
use crate::environment::{Mapping, Snapshot};
use crate::revive::caught;

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

/// How long to wait before a source is started again after a bug of ours, which it may meet again.
const PAUSE: Duration = Duration::from_secs(10);

/// Runs the task that `begin` makes. A panic in it is a bug that some answer has triggered. It must not end the watch for ever, so
/// it is reported and the task is started again; the last snapshot stays.
async fn revived<F>(publisher: Arc<Publisher>, begin: impl Fn(Arc<Publisher>) -> F)
where
    F: Future<Output = ()>,
{
    while caught(begin(Arc::clone(&publisher))).await.is_err() {
        publisher.failed("unknown", "lictor has met a bug while it read this source; it tries again in 10 s");
        tokio::time::sleep(PAUSE).await;
    }
}

/// One source, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// As a person reads it: `consul billing/`, `consul billing/@dc2`, `directory /etc/billing/conf.d`, `file /etc/x.env`.
    pub name: Arc<str>,
    /// Its kind.
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
    /// A directory with one file for each key.
    Directory(PathBuf),
}

/// A folder of Consul's KV store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Ends with `/`, does not begin with it: `billing/`.
    pub path: String,
    /// The datacenter, if not the agent's own.
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
    Seals {
        /// The key.
        key: String,
        /// What counts on a host that has no sealed set.
        first: FirstSet,
    },
    /// It seals a folder below this one, and is only left out here.
    LeftOut(String),
}

/// `commit_start`: what counts on a host that has no sealed set yet. Consul keeps only the present values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstSet {
    /// Only a sealed set: until there is one, the source has not answered.
    #[default]
    Sealed,
    /// The first set that is read, sealed or not; later ones must be sealed.
    Any,
}

/// Whether this host has a good environment from an earlier run of lictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It has one, which can replace what is missing now.
    Known,
    /// It has none.
    Fresh,
}

impl Spec {
    /// What a start would leave out of this source, and why, as far as this host can tell now. A file that does not exist yet, or that
    /// this user may not read, is not reported. It reads from the disk.
    pub fn left_out(&self) -> Vec<String> {
        let reading = match &self.kind {
            Kind::Consul(_) => return Vec::new(),
            Kind::File(path) => file::read(path),
            Kind::Directory(path) => directory::read(path),
        };
        match reading {
            Ok(reading) => reading.warnings,
            Err(failure) if failure.lies_in_the_contents() => vec![sentence(&failure)],
            Err(_) => Vec::new(),
        }
    }

    /// As it is asked on this host.
    #[must_use]
    pub fn on(&self, host: Host) -> Self {
        let mut spec = self.clone();
        if let (Host::Known, Kind::Consul(Prefix { commit: Some(Commit::Seals { first, .. }), .. })) =
            (host, &mut spec.kind)
        {
            *first = FirstSet::Sealed;
        }
        spec
    }
}

impl Commit {
    /// The key, relative to the folder.
    pub fn key(&self) -> &str {
        match self {
            Self::Seals { key, .. } | Self::LeftOut(key) => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;

    use super::{Publisher, revived};

    #[tokio::test(start_paused = true)]
    async fn a_panic_does_not_end_a_source() {
        let (publisher, mut word) = Publisher::new(&"file /x".into());
        let starts = Arc::new(AtomicU32::new(0));
        let begin = move |publisher: Arc<Publisher>| {
            let starts = Arc::clone(&starts);
            async move {
                assert!(starts.fetch_add(1, Ordering::SeqCst) > 0, "a bug, the first time");
                publisher.answered(Arc::default(), None, Vec::new());
                std::future::pending::<()>().await;
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(revived(Arc::new(publisher), begin));
        let failed = word.wait_for(|snapshot| snapshot.freshness.error.is_some()).await.unwrap().clone();
        assert_eq!(failed.entries, None);
        word.wait_for(|snapshot| snapshot.entries.is_some() && snapshot.freshness.error.is_none()).await.unwrap();
    }
}
