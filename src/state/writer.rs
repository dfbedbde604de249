//! The task that writes the files. It takes the newest contents of each, tries again after a failure, and logs a failure once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::calendar::Calendar;
use super::contents::Contents;
use super::directory::Directory;
use super::identity::StateIdentity;
use crate::offload::{Offloaded, offload};

/// A disk that takes longer counts as hanging.
const PATIENCE: Duration = Duration::from_secs(5);

/// A problem that concerns no single file.
const DISK: &str = "";

/// The wanted contents of the files, by name. Newer contents replace older ones that were not written yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    files: BTreeMap<&'static str, Contents>,
    /// How many requests there have been.
    pub(super) changes: u64,
    /// The identity that they belong to, if it has changed since the start.
    pub(super) identity: Option<Arc<StateIdentity>>,
}

impl Wanted {
    /// The newest contents of their file.
    pub(super) fn put(&mut self, contents: Contents) {
        self.changes += 1;
        self.files.insert(contents.name(), contents);
    }

    /// Forgets what was laid for a file.
    fn forget(&mut self, name: &'static str) {
        self.files.remove(name);
    }

    /// The contents that are wanted here and not there.
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
    /// It is time to try a failed write again.
    Retry,
    /// There can be no further requests: write what is left, and end.
    Closed,
    /// The disk has finished, or hangs.
    Sunk,
}

/// The state of the task.
#[derive(Debug)]
pub(super) struct Writer {
    directory: Arc<Directory>,
    identity: Arc<StateIdentity>,
    /// The calendar of this run of lictor.
    calendar: Calendar,
    wanted: watch::Receiver<Wanted>,
    /// What has been written beside its file, and would outlive lictor.
    laid: Wanted,
    /// How many requests have been laid, or could not be.
    laid_changes: watch::Sender<u64>,
    /// What is in its file, and would outlive a power cut.
    sunk: Wanted,
    /// Why a file does not have its wanted contents.
    problems: BTreeMap<&'static str, String>,
    problem: watch::Sender<Option<String>>,
    /// The failures that were logged since the last success.
    told: BTreeSet<(&'static str, Option<i32>)>,
    retry: Duration,
    /// The batch that is being forced to the disk: never two at a time.
    sinking: Option<Sinking>,
}

/// The result of writing some files, each with its contents.
type Results = Vec<(Contents, io::Result<()>)>;

/// A batch that is being forced to the disk.
#[derive(Debug)]
struct Sinking {
    work: Offloaded<Results>,
    /// When it has taken too long; `None`: that has been logged.
    too_long: Option<Instant>,
}

impl Writer {
    /// A writer for this directory; a failed write is tried again after `retry`.
    pub(super) fn new(
        directory: Arc<Directory>,
        identity: Arc<StateIdentity>,
        wanted: watch::Receiver<Wanted>,
        problem: watch::Sender<Option<String>>,
        retry: Duration,
    ) -> Self {
        let (laid, sunk) = (Wanted::default(), Wanted::default());
        let (problems, told) = (BTreeMap::new(), BTreeSet::new());
        let laid_changes = watch::Sender::new(0);
        let calendar = Calendar::of_this_life();
        Self {
            directory,
            identity,
            calendar,
            wanted,
            laid,
            laid_changes,
            sunk,
            problems,
            problem,
            told,
            retry,
            sinking: None,
        }
    }

    /// A channel with the number of requests that have been laid, or could not be.
    pub(super) fn laid(&self) -> watch::Receiver<u64> {
        self.laid_changes.subscribe()
    }

    /// Writes until the sender has been dropped and nothing is left to write. Requests are laid at once, also while the disk is still
    /// busy with earlier ones.
    pub(super) async fn run(&mut self) {
        let mut wake = Wake::Wanted;
        loop {
            if wake != Wake::Sunk {
                self.lay_what_is_wanted().await;
            }
            if self.sinking.is_none() {
                self.sinking = self.sink_what_is_laid();
            }
            if wake == Wake::Closed {
                break;
            }
            let failing = self.problem.borrow().is_some();
            wake = tokio::select! {
                changed = self.wanted.changed() => if changed.is_ok() { Wake::Wanted } else { Wake::Closed },
                step = next_step(&mut self.sinking) => self.take(step),
                () = tokio::time::sleep(self.retry), if failing => Wake::Retry,
            };
        }
        while self.sinking.is_some() {
            let step = next_step(&mut self.sinking).await;
            self.take(step);
            if self.sinking.is_none() {
                self.sinking = self.sink_what_is_laid();
            }
        }
    }

    fn take(&mut self, step: Step) -> Wake {
        match step {
            Step::Done(outcome) => self.sunk(outcome),
            Step::Hangs => self.say_that_the_disk_hangs(),
        }
        Wake::Sunk
    }

    async fn lay_what_is_wanted(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        if let Some(identity) = &wanted.identity {
            self.identity = Arc::clone(identity);
        }
        let pending = wanted.beyond(&self.laid);
        if !pending.is_empty() {
            self.lay(pending).await;
        }
        self.laid_changes.send_replace(wanted.changes);
    }

    async fn lay(&mut self, pending: Vec<Contents>) {
        let (directory, identity) = (Arc::clone(&self.directory), Arc::clone(&self.identity));
        let calendar = self.calendar.clone();
        let mut work = offload(move || {
            let lay = |contents: Contents| {
                let laid = directory.lay(contents.name(), |out| contents.write(&identity, &calendar, out));
                (contents, laid)
            };
            pending.into_iter().map(lay).collect::<Results>()
        });
        let in_time = timeout(PATIENCE, &mut work).await.ok();
        let laid = if let Some(laid) = in_time {
            laid
        } else {
            self.say_that_the_disk_hangs();
            work.await
        };
        match laid {
            Ok(laid) => {
                self.problems.remove(DISK);
                for (contents, laid) in laid {
                    match laid {
                        Ok(()) => self.laid.put(contents),
                        Err(error) => self.failed(&contents, &error),
                    }
                }
            }
            Err(error) => self.report(DISK, cannot_write(self.directory.path(), &error)),
        }
        self.publish();
    }

    fn sink_what_is_laid(&self) -> Option<Sinking> {
        let pending = self.laid.beyond(&self.sunk);
        if pending.is_empty() {
            return None;
        }
        let directory = Arc::clone(&self.directory);
        let sink = move |contents: Contents| {
            let sunk = directory.sink(contents.name());
            (contents, sunk)
        };
        let work = offload(move || pending.into_iter().map(sink).collect());
        Some(Sinking { work, too_long: Some(Instant::now() + PATIENCE) })
    }

    fn sunk(&mut self, outcome: io::Result<Results>) {
        match outcome {
            Ok(outcome) => {
                for (contents, sunk) in outcome {
                    match sunk {
                        Ok(()) => {
                            self.problems.remove(contents.name());
                            self.sunk.put(contents);
                        }
                        Err(error) => {
                            self.laid.forget(contents.name());
                            self.failed(&contents, &error);
                        }
                    }
                }
                self.problems.remove(DISK);
            }
            // What is laid stays laid, and is tried again with the next batch.
            Err(error) => self.report(DISK, cannot_write(self.directory.path(), &error)),
        }
        self.publish();
    }

    fn failed(&mut self, contents: &Contents, error: &io::Error) {
        let name = contents.name();
        let text = cannot_write(&self.directory.path().join(name), error);
        if self.told.insert((name, error.raw_os_error())) {
            tracing::warn!("{text}; it is tried again");
        }
        self.problems.insert(name, text);
    }

    fn say_that_the_disk_hangs(&mut self) {
        let place = self.directory.path().display();
        self.report(DISK, format!("the disk of {place} does not answer; nothing new is kept until it does"));
        self.publish();
    }

    fn report(&mut self, name: &'static str, text: String) {
        if self.told.insert((name, None)) {
            tracing::warn!("{text}");
        }
        self.problems.insert(name, text);
    }

    fn publish(&mut self) {
        let problem = self.problems.values().next().cloned();
        if problem.is_none() && !self.told.is_empty() {
            self.told.clear();
            tracing::info!("the state in {} is written again", self.directory.path().display());
        }
        self.problem.send_if_modified(|before| std::mem::replace(before, problem.clone()) != problem);
    }
}

/// The state of a batch.
enum Step {
    Done(io::Result<Results>),
    Hangs,
}

/// Waits until a batch is done, or has taken too long, which is reported once; waits for ever if there is none. Cancel-safe.
async fn next_step(sinking: &mut Option<Sinking>) -> Step {
    let Some(Sinking { work, too_long }) = sinking else { return std::future::pending().await };
    let step = match too_long {
        Some(end) => timeout_at(*end, work).await,
        None => Ok(work.await),
    };
    if let Ok(outcome) = step {
        *sinking = None;
        Step::Done(outcome)
    } else {
        *too_long = None;
        Step::Hangs
    }
}

/// A failed write as a sentence.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
