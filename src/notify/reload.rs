//! Reports reloads of our own configuration to the manager.

use tokio::sync::watch;

/// How many reloads have begun and ended. Counters, so that a reload that is over at once is still noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) begun: u64,
    pub(super) ended: u64,
}

/// Reports reloads to the manager; does nothing if there is no manager.
#[derive(Clone, Debug)]
pub struct Reloads(watch::Sender<Progress>);

/// A reload that lasts until this is dropped.
#[derive(Debug)]
#[must_use = "the reload is over when this is dropped"]
pub struct Reloading(watch::Sender<Progress>);

pub(super) fn channel() -> (Reloads, watch::Receiver<Progress>) {
    let (sender, receiver) = watch::channel(Progress::default());
    (Reloads(sender), receiver)
}

impl Reloads {
    /// Begins a reload; it ends, whatever its result, when the returned value is dropped.
    pub fn begin(&self) -> Reloading {
        self.0.send_modify(|progress| progress.begun += 1);
        Reloading(self.0.clone())
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        self.0.send_modify(|progress| progress.ended += 1);
    }
}
