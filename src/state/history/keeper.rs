//! The task that writes the history to the disk. A failure is logged once and tried again; meanwhile the newest lines stay in memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Recent, append};
use crate::offload::offload;
use crate::state::directory::{Directory, HISTORY};
use crate::state::writer::cannot_write;

/// Writes the new lines.
#[derive(Debug)]
pub(in crate::state) struct Keeper {
    directory: Arc<Directory>,
    recent: watch::Receiver<Recent>,
    /// The number of the newest line that is on disk.
    written: u64,
    /// Why the last attempt failed, if it did.
    problem: watch::Sender<Option<String>>,
    retry: Duration,
}

impl Keeper {
    /// Writes the lines after those that are there already; a failed write is tried again after `retry`.
    pub(in crate::state) fn new(
        directory: Arc<Directory>,
        recent: watch::Receiver<Recent>,
        problem: watch::Sender<Option<String>>,
        retry: Duration,
    ) -> Self {
        let written = recent.borrow().last();
        Self { directory, recent, written, problem, retry }
    }

    /// Writes until the sender has been dropped.
    pub(in crate::state) async fn run(&mut self) {
        loop {
            let failing = self.problem.borrow().is_some();
            let open = tokio::select! {
                changed = self.recent.changed() => changed.is_ok(),
                () = tokio::time::sleep(self.retry), if failing => true,
            };
            self.write().await;
            if !open {
                return;
            }
        }
    }

    async fn write(&mut self) {
        let (lines, last) = {
            let recent = self.recent.borrow_and_update();
            (recent.after(self.written).cloned().collect::<Vec<_>>(), recent.last())
        };
        if lines.is_empty() {
            return;
        }
        let directory = Arc::clone(&self.directory);
        let appended = offload(move || append::append(&directory, &lines)).await;
        match appended.and_then(|appended| appended) {
            Ok(()) => {
                self.written = last;
                if self.problem.send_if_modified(|problem| problem.take().is_some()) {
                    tracing::info!("the history is written to the disk again");
                }
            }
            Err(error) => {
                let text = cannot_write(&self.directory.path().join(HISTORY), &error);
                if self.problem.send_if_modified(|problem| problem.replace(text.clone()).is_none()) {
                    tracing::warn!("{text}; it is tried again, and the newest lines are kept in memory");
                }
            }
        }
    }
}
