//! Waiting for the board to change, for the time to be over, or for lictor's own end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::drain::DrainWatcher;
use crate::machine::Board;

/// The board, and the end of waiting for it.
#[derive(Clone, Debug)]
pub(super) struct Boards {
    /// Its newest state.
    pub(super) latest: watch::Receiver<Arc<Board>>,
    /// Ends every wait when lictor stops.
    pub(super) drain: DrainWatcher,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// There is a new board, or the time is over: look again.
    Look,
    /// lictor is stopping, so there will be no more boards.
    Ending,
}

impl Boards {
    /// The board now; the next wait is for a newer one.
    pub(super) fn now(&mut self) -> Arc<Board> {
        Arc::clone(&self.latest.borrow_and_update())
    }

    /// Waits for a newer board, or until this time.
    pub(super) async fn newer(&mut self, until: Instant) -> Woken {
        tokio::select! {
            biased;
            () = self.drain.draining() => Woken::Ending,
            changed = self.latest.changed() => if changed.is_ok() { Woken::Look } else { Woken::Ending },
            () = tokio::time::sleep_until(until) => Woken::Look,
        }
    }
}
