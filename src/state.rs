//! What lictor keeps on disk for its next start: the good environments, the quarantine, the operator's hold, the history.
//!
//! `good.json` is the only file with values in it. Every file is replaced as a whole: new contents are first written to a file
//! beside it, where the next lictor finds them if this one is killed, then forced to the disk and renamed. Only `process.json` is
//! written in place, by a single short write. So lictor can be killed at any time. Contents are ignored, with a reason, if another
//! user could have written them, if they belong to another machine, service, Consul or list of sources, or if they do not match
//! their fingerprint; lictor then starts without them.
//!
//! The directory is locked while lictor runs. All writing happens in tasks and on threads of its own, where the newest contents of a
//! file win. So nothing waits for a disk that hangs; a full disk is reported, and writing is tried again.

mod calendar;
mod contents;
mod directory;
mod error;
mod history;
mod identity;
mod key;
pub mod places;
mod process;
mod restored;
mod stored;
mod trust;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use error::Error;
pub use history::Recent;
pub use identity::{StateIdentity, machine_id};
pub use key::ephemeral_key;
pub use process::{KeptProcess, ProcessKeeper, boot_id};
pub use restored::Restored;

use self::contents::Contents;
use self::directory::Directory;
use self::history::Keeper;
use self::writer::{Wanted, Writer};
use crate::environment::FingerprintKey;
use crate::machine::history::Entry;
use crate::machine::hold::{GuardRecord, Hold};
use crate::machine::ledger::{GOOD_KEPT, Good, QUARANTINE_KEPT, Quarantined};
use crate::revive::revived;

/// How often a failed write is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// The state on disk, or the reason why nothing is kept.
#[derive(Debug)]
pub struct State {
    store: Store,
    /// The key that fingerprints are made with.
    key: FingerprintKey,
    /// The newest lines of history, with a disk or without.
    recent: watch::Sender<Recent>,
}

#[derive(Debug)]
enum Store {
    Open(Open),
    Absent { reason: String },
}

#[derive(Debug)]
struct Open {
    directory: Arc<Directory>,
    identity: Arc<StateIdentity>,
    wanted: watch::Sender<Wanted>,
    laid: watch::Receiver<u64>,
    processes: ProcessKeeper,
    problem: watch::Receiver<Option<String>>,
    unwritten: watch::Receiver<Option<String>>,
    writer: JoinSet<()>,
}

/// Opens and locks the directory, and creates it if need be. Must be called within a tokio runtime.
///
/// [`Error::Locked`] means that another lictor with this name is alive (exit code 75). With any other error lictor can
/// go on, with [`State::absent`].
pub fn open(directory: &Path, identity: StateIdentity) -> Result<State, Error> {
    let directory = Arc::new(Directory::open(directory)?);
    let key = key::look_or_make(&directory)
        .map_err(|source| Error::Use { directory: directory.path().to_owned(), source })?;
    let identity = Arc::new(identity.with_key(&key));
    let (wanted_tx, wanted_rx) = watch::channel(Wanted::default());
    let at_first = directory.writable().err().map(|error| writer::cannot_write(directory.path(), &error));
    if let Some(problem) = &at_first {
        tracing::warn!("{problem}; nothing new is kept until this is mended");
    }
    let (problem_tx, problem_rx) = watch::channel(at_first);
    let mut writer = JoinSet::new();
    let files = Writer::new(Arc::clone(&directory), Arc::clone(&identity), wanted_rx, problem_tx, RETRY);
    let laid = files.laid();
    writer.spawn(revived("the writer of the state directory", files, |files| Box::pin(files.run())));
    let recent = watch::Sender::new(Recent::from_disk(&directory, &key));
    let (unwritten_tx, unwritten_rx) = watch::channel(None);
    let history = Keeper::new(Arc::clone(&directory), recent.subscribe(), unwritten_tx, RETRY);
    writer.spawn(revived("the writer of history", history, |history| Box::pin(history.run())));
    let (processes, to_keep) = ProcessKeeper::new();
    let to_keep = (Arc::clone(&directory), key.clone(), to_keep);
    writer.spawn(revived("the writer of process.json", to_keep, |(directory, key, to_keep)| {
        Box::pin(process::keep_in_order(directory, key, to_keep))
    }));
    let store = Store::Open(Open {
        directory,
        identity,
        wanted: wanted_tx,
        laid,
        processes,
        problem: problem_rx,
        unwritten: unwritten_rx,
        writer,
    });
    Ok(State { store, key, recent })
}

/// Reads the directory without creating, locking or changing anything, and converts fingerprints to the key in it. Without a
/// directory, it gives nothing and a temporary key. Root may look into another user's directory: what is found is only shown.
///
/// # Errors
/// The directory exists, but cannot be read, or belongs to another user.
pub fn peek(directory: &Path, identity: &StateIdentity) -> Result<(Restored, FingerprintKey), Error> {
    let ephemeral = || key::ephemeral_key().map_err(|source| Error::Use { directory: directory.to_owned(), source });
    let Some(found) = Directory::look_to_show(directory)? else { return Ok((Restored::default(), ephemeral()?)) };
    let key = match key::look(&found) {
        Ok(Some(key)) => key,
        Ok(None) | Err(_) => ephemeral()?,
    };
    Ok((Restored::from_disk(&found, identity, &key), key))
}

/// The mark of the newest run that a lictor has recorded in the directory since the last boot. Changes nothing.
pub fn peek_mark(directory: &Path) -> Option<String> {
    Directory::look(directory).ok().flatten().and_then(|directory| process::mark(&directory))
}

/// Whether a running lictor has this directory.
pub fn is_held(directory: &Path) -> bool {
    Directory::look(directory).ok().flatten().is_some_and(|directory| directory.is_held())
}

impl State {
    /// A state that keeps nothing, for this reason, which is logged here once, and shown on the board by [`State::problem`].
    pub fn absent(reason: impl Into<String>, key: FingerprintKey) -> Self {
        let reason = reason.into();
        tracing::warn!("nothing is kept on disk: {reason}");
        Self { store: Store::Absent { reason }, key, recent: watch::Sender::default() }
    }

    /// The key that fingerprints are made with, so that they can be compared with those on disk.
    pub fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    /// Reads what an earlier lictor has kept. It waits for the disk, so call it before the loop.
    pub fn load(&self) -> Restored {
        match &self.store {
            Store::Open(open) => Restored::from_disk(&open.directory, &open.identity, &self.key),
            Store::Absent { .. } => Restored::default(),
        }
    }

    /// Replaces `good.json`, soon; the newest [`GOOD_KEPT`] are kept.
    pub fn keep_good(&self, good: &[Good]) {
        self.keep(|| Contents::Good(good.iter().take(GOOD_KEPT).cloned().collect()));
    }

    /// Replaces `quarantine.json`, soon; the newest [`QUARANTINE_KEPT`] are kept.
    pub fn keep_quarantine(&self, quarantine: &[Quarantined]) {
        self.keep(|| Contents::Quarantine(quarantine.iter().take(QUARANTINE_KEPT).cloned().collect()));
    }

    /// Replaces `hold.json`, soon.
    pub fn keep_hold(&self, hold: Option<Hold>, guarded: GuardRecord) {
        self.keep(|| Contents::Hold(Arc::new((hold, guarded))));
    }

    /// Returns when everything up to now would outlive a kill of lictor, or could not be written. If the disk hangs, this hangs too,
    /// so the caller sets a limit.
    pub fn kept(&self) -> impl Future<Output = ()> + Send + 'static {
        let open = match &self.store {
            Store::Open(open) => Some((open.laid.clone(), open.wanted.borrow().changes)),
            Store::Absent { .. } => None,
        };
        async move {
            if let Some((mut laid, wanted)) = open {
                // The writer ends only with lictor.
                let _ = laid.wait_for(|laid| *laid >= wanted).await;
            }
        }
    }

    /// Sets what everything kept from now on belongs to; each file on disk changes with its next replacement.
    pub fn rebind(&self, identity: StateIdentity) {
        if let Store::Open(open) = &self.store {
            open.wanted.send_modify(|wanted| wanted.identity = Some(Arc::new(identity.with_key(&self.key))));
        }
    }

    /// Adds a line to [`State::history`] at once, and to `history.jsonl` soon.
    pub fn record(&self, entry: &Entry) {
        if let Some(line) = history::line(entry, &self.key) {
            self.recent.send_modify(|recent| recent.push(line));
        }
    }

    /// The newest lines of history, as they come.
    pub fn history(&self) -> watch::Receiver<Recent> {
        self.recent.subscribe()
    }

    /// Who writes `process.json`.
    pub fn process_keeper(&self) -> ProcessKeeper {
        match &self.store {
            Store::Open(open) => open.processes.clone(),
            Store::Absent { .. } => ProcessKeeper::default(),
        }
    }

    /// The process that an earlier lictor has recorded in `process.json` since the last boot. It waits for the disk, so call it
    /// before the loop.
    pub fn process(&self) -> Option<KeptProcess> {
        match &self.store {
            Store::Open(open) => process::read(&open.directory, &self.key),
            Store::Absent { .. } => None,
        }
    }

    /// Why something that should be on disk is not, for the board; `None` if all is, or will be in a moment.
    pub fn problem(&self) -> Option<String> {
        match &self.store {
            Store::Open(open) => open.problem.borrow().clone().or_else(|| open.unwritten.borrow().clone()),
            Store::Absent { reason } => Some(format!("nothing is kept on disk: {reason}")),
        }
    }

    /// Waits until [`State::problem`] may have changed. Cancel-safe.
    pub async fn problem_changed(&mut self) {
        if let Store::Open(Open { problem, unwritten, .. }) = &mut self.store {
            tokio::select! {
                Ok(()) = problem.changed() => return,
                Ok(()) = unwritten.changed() => return,
                else => {}
            }
        }
        std::future::pending::<()>().await;
    }

    /// Writes what has not been written yet, and releases the lock. If the disk hangs, this hangs too, so the caller sets a limit.
    pub async fn close(self) {
        let Self { store, recent, .. } = self;
        let Store::Open(Open { wanted, processes, mut writer, .. }) = store else { return };
        drop((wanted, processes, recent));
        while writer.join_next().await.is_some() {}
    }

    fn keep(&self, contents: impl FnOnce() -> Contents) {
        if let Store::Open(open) = &self.store {
            open.wanted.send_modify(|wanted| wanted.put(contents()));
        }
    }
}

#[cfg(test)]
mod tests;
