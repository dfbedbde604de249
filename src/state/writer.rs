//! The task that writes. It takes the newest contents of each file, tries again after a failure, and says a failure once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task;

use super::binding::Binding;
use super::contents::Contents;
use super::directory::Directory;

/// What the files are to hold, by name. Newer contents replace older ones that were not written yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    files: BTreeMap<&'static str, Contents>,
    /// What they belong to from now on, if that has changed since the start.
    pub(super) binding: Option<Arc<Binding>>,
}

impl Wanted {
    /// The newest contents of their file.
    pub(super) fn put(&mut self, contents: Contents) {
        self.files.insert(contents.name(), contents);
    }

    /// What is wanted here and not there.
    fn beyond(&self, written: &Self) -> Vec<Contents> {
        let is_written =
            |name: &str, contents: &Contents| written.files.get(name).is_some_and(|there| there.same(contents));
        self.files
            .iter()
            .filter(|(name, contents)| !is_written(name, contents))
            .map(|(_, contents)| contents.clone())
            .collect()
    }
}

/// Why the writer wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// There may be something to write.
    Wanted,
    /// Nobody can want anything any more: once more, and that is it.
    Closed,
}

/// The state of the task.
#[derive(Debug)]
pub(super) struct Writer {
    directory: Arc<Directory>,
    binding: Arc<Binding>,
    wanted: watch::Receiver<Wanted>,
    written: Wanted,
    problem: watch::Sender<Option<String>>,
    /// The failures that were told since the last success.
    told: BTreeSet<(&'static str, Option<i32>)>,
    retry: Duration,
}

impl Writer {
    /// Writes into this directory; a failure is tried again after `retry`.
    pub(super) fn new(
        directory: Arc<Directory>,
        binding: Arc<Binding>,
        wanted: watch::Receiver<Wanted>,
        problem: watch::Sender<Option<String>>,
        retry: Duration,
    ) -> Self {
        Self { directory, binding, wanted, written: Wanted::default(), problem, told: BTreeSet::new(), retry }
    }

    /// Writes until the other end is gone and nothing is left to be written.
    pub(super) async fn run(mut self) {
        loop {
            let wake = self.wake().await;
            let wanted = self.wanted.borrow_and_update().clone();
            if let Some(binding) = &wanted.binding {
                self.binding = Arc::clone(binding);
            }
            let pending = wanted.beyond(&self.written);
            if !pending.is_empty() {
                self.write(pending).await;
            }
            if wake == Wake::Closed {
                return;
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let failing = self.problem.borrow().is_some();
        tokio::select! {
            changed = self.wanted.changed() => if changed.is_ok() { Wake::Wanted } else { Wake::Closed },
            () = tokio::time::sleep(self.retry), if failing => Wake::Wanted,
        }
    }

    async fn write(&mut self, pending: Vec<Contents>) {
        let mut problem = None;
        for contents in pending {
            let name = contents.name();
            match self.write_one(contents.clone()).await {
                Ok(()) => self.written.put(contents),
                Err(error) => {
                    let text = cannot_write(&self.directory.path().join(name), &error);
                    if self.told.insert((name, error.raw_os_error())) {
                        tracing::warn!("{text}; it is tried again");
                    }
                    problem = Some(text);
                }
            }
        }
        if problem.is_none() && !self.told.is_empty() {
            self.told.clear();
            tracing::info!("the state in {} is written again", self.directory.path().display());
        }
        self.problem.send_if_modified(|before| std::mem::replace(before, problem.clone()) != problem);
    }

    async fn write_one(&self, contents: Contents) -> io::Result<()> {
        let (directory, binding) = (Arc::clone(&self.directory), Arc::clone(&self.binding));
        let write = move || directory.replace_by(contents.name(), |out| contents.write(&binding, out));
        task::spawn_blocking(write).await.unwrap_or_else(|broken| Err(io::Error::other(broken)))
    }
}

/// A failed write as a sentence.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
