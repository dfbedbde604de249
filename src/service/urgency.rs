//! How urgently a run has to end.

use tokio::time::Instant;

/// Whether and how a run has to end. It only becomes more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It may run.
    Stay,
    /// Its group has had the kill signal, and has time until this moment.
    StopBy(Instant),
    /// Its group has been killed.
    Now,
}
