//! How urgently a run is wanted to end.

use tokio::time::Instant;

/// What is wanted of a run. It only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It shall run.
    Stay,
    /// Its group has had the kill signal, and has until then.
    StopBy(Instant),
    /// Its group has been killed.
    Now,
}
