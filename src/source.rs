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

/// After a bug of ours a source is begun anew, but not at once: it may meet the same bug again.
const PAUSE: Duration = Duration::from_secs(10);

/// Runs what `begin` makes. A panic in it is a bug that one answer has met: it must not end the watch for good, so the
/// source says so and is begun anew. What it gave last stays.
async fn revived<F>(publisher: Arc<Publisher>, begin: impl Fn(Arc<Publisher>) -> F)
where
    F: Future<Output = ()>,
{
    while caught(begin(Arc::clone(&publisher))).await.is_err() {
        publisher.failed("unknown", "lictor has met a bug while it read this; it is read anew in 10 s");
        tokio::time::sleep(PAUSE).await;
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
    Seals {
        /// The key.
        key: String,
        /// What counts on a host that has no sealed set.
        first: FirstSet,
    },
    /// It seals a folder further down, and is only left out here.
    LeftOut(String),
}

/// `commit_start`: what counts on a host that has no sealed set yet, since Consul keeps none but that of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstSet {
    /// Only one that is sealed: until there is one, it has not answered.
    #[default]
    Sealed,
    /// The first one that is read, sealed or not; each later one must be sealed.
    Any,
}

/// Whether this host has something good of an earlier life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It has: what it lacks now is in that.
    Known,
    /// It has nothing.
    Fresh,
}

impl Spec {
    /// What a start would leave out of it, and why, as far as this host can tell now: a file that is not there yet, or that
    /// this user may not read, is none of the writer's faults. It asks the disk.
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
