//! Reloads of our own configuration, as the manager should hear of them.

use tokio::sync::watch;

/// How many reloads have begun and ended. Counted, so that one that is over at once is still seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) begun: u64,
    pub(super) ended: u64,
}

/// Tells the manager of reloads; does nothing where there is no manager.
#[derive(Clone, Debug)]
pub struct Reloads(watch::Sender<Progress>);

/// A reload that goes on, until it is dropped.
#[derive(Debug)]
#[must_use = "the reload is over when this is dropped"]
pub struct Reloading(watch::Sender<Progress>);

pub(super) fn channel() -> (Reloads, watch::Receiver<Progress>) {
    let (sender, receiver) = watch::channel(Progress::default());
    (Reloads(sender), receiver)
}

impl Reloads {
    /// A reload begins; it ends, well or not, when what comes back is dropped.
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
