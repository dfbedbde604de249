//! Watches a file or a directory: it is read at once, then after every change and at intervals.
//!
//! inotify only reports *that* something happened; the contents are always read anew and compared. Before each reading the watch is
//! set up again for what the path leads to now. So nothing between two readings is lost, and there is no record of old inodes that
//! could be wrong after a rename, a remount or a swapped link.

mod contents;
mod failure;
mod inotify;
mod route;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Publisher, Spec};
use crate::environment::{Entry, Snapshot};

pub(super) use contents::contents;
pub(super) use failure::Failure;
use inotify::{Blind, Watch};

/// What one reading found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The keys, in byte order.
    pub(super) entries: Vec<Entry>,
    /// What was left out and why; no values.
    pub(super) warnings: Vec<String>,
}

/// Reads what is at a path.
pub(super) type Read = fn(&Path) -> Result<Reading, Failure>;

/// How often and how soon.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// After a change the path has to be quiet for this long before it is read again, so that a writer can finish.
    quiet: Duration,
    /// But no longer than this in all.
    patience: Duration,
    /// Between two readings without a change: inotify does not see what another host writes on a network file system, nor
    /// what happens in a folder that we may pass through and not read.
    slow: Duration,
    /// The same while there is no watch.
    blind: Duration,
}

const PACE: Pace = Pace {
    quiet: Duration::from_millis(20),
    patience: Duration::from_millis(500),
    slow: Duration::from_mins(1),
    blind: Duration::from_secs(5),
};

/// One place that is followed.
struct Follower {
    path: PathBuf,
    read: Read,
    watch: fn(&Path, &mpsc::Sender<()>) -> Result<Watch, Blind>,
    pace: Pace,
    min_keys: usize,
    publisher: Arc<Publisher>,
}

/// Starts the task that follows `path`; it ends with `tasks`.
pub(super) fn spawn(tasks: &mut JoinSet<()>, spec: &Spec, path: &Path, read: Read) -> watch::Receiver<Arc<Snapshot>> {
    let (publisher, receiver) = Publisher::new(&spec.name);
    let (path, min_keys) = (path.to_owned(), spec.min_keys);
    let begin = move |publisher| {
        Follower { path: path.clone(), read, watch: inotify::watch, pace: PACE, min_keys, publisher }.run()
    };
    tasks.spawn(super::revived(Arc::new(publisher), begin));
    receiver
}

impl Follower {
    async fn run(self) {
        let (changed, mut told) = mpsc::channel(1);
        loop {
            // The watch of the turn before has been dropped by now: never more than one inotify instance a source.
            let (watch, reading) = self.look(changed.clone()).await;
            self.publish(reading, watch.as_ref().err());
            let rest = if watch.is_ok() { self.pace.slow } else { self.pace.blind };
            tokio::select! {
                _ = told.recv() => self.settle(&mut told).await,
                () = sleep(rest) => {}
            }
        }
    }

    /// Sets the watch and then reads, so that a change in between is seen twice rather than never.
    ///
    /// Not on the runtime's thread: the files are small, but a mount that hangs must not deafen the whole supervisor.
    async fn look(&self, changed: mpsc::Sender<()>) -> (Result<Watch, Blind>, Result<Reading, Failure>) {
        let (path, watch, read) = (self.path.clone(), self.watch, self.read);
        let looked = tokio::task::spawn_blocking(move || (watch(&path, &changed), read(&path))).await;
        match looked {
            Ok(looked) => looked,
            Err(broken) => match broken.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Waits until nothing has happened for a moment.
    async fn settle(&self, told: &mut mpsc::Receiver<()>) {
        let limit = Instant::now() + self.pace.patience;
        loop {
            let quiet = (Instant::now() + self.pace.quiet).min(limit);
            if timeout_at(quiet, told.recv()).await.is_err() || Instant::now() >= limit {
                return;
            }
        }
    }

    fn publish(&self, reading: Result<Reading, Failure>, blind: Option<&Blind>) {
        let enough = reading.and_then(|reading| {
            let found = reading.entries.len();
            if found < self.min_keys { Err(Failure::TooFew { found, wanted: self.min_keys }) } else { Ok(reading) }
        });
        match enough {
            Ok(mut reading) => {
                reading.warnings.extend(blind.map(|blind| self.warning(blind)));
                self.publisher.answered(reading.entries.into(), None, reading.warnings);
            }
            Err(failure) => self.publisher.failed(failure.class(), &chain(&failure)),
        }
    }

    fn warning(&self, blind: &Blind) -> String {
        let (path, every) = (self.path.display(), humantime::format_duration(self.pace.blind));
        format!("{path} is not watched, but read every {every}: {}", chain(blind))
    }
}

/// An error with its causes as one sentence.
fn chain(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence = format!("{sentence}: {error}");
        cause = error.source();
    }
    sentence
}
