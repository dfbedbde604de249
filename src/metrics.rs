//! Turns changes of the board into `StatsD`, and serves the same numbers as Prometheus text.
//!
//! ```text
//!   watch<Arc<Board>> ──► gauges.rs   states, each tick ──────┐
//!                    └──► counts.rs   totals ──► changes.rs ──┴─► statsd/: lines ──► datagrams ──► UDP
//!   /proc ──► vitals.rs, each tick ───┘    └──► prometheus.rs ──► `/metrics`, on request, from memory
//! ```
//! `published.rs` adds what the service itself publishes (`expvar`). The room reads the board, and from `/proc` what the service's
//! process and lictor use. The receiver of the datagrams may come, go or be slow: nothing here waits for it, and lines that are
//! known to be lost are counted.

mod changes;
mod counts;
mod gauges;
mod names;
mod process;
mod prometheus;
mod published;
#[cfg(test)]
mod reference;
mod series;
mod settings;
mod statsd;
mod vitals;

#[cfg(test)]
mod sample;

use std::sync::Arc;

use tokio::sync::watch;

pub use prometheus::{Exposition, Syntax};
pub use settings::{Statsd, Style};
pub use statsd::Meter;

use crate::expvar::{Published, Readings};
use crate::machine::{Board, Moment};
use vitals::Vitals;

/// Tells the machine's time: this room has no clock of its own.
pub type Clock = fn() -> Moment;

/// What the last tick found beside the board.
#[derive(Clone, Debug, Default, PartialEq)]
struct Latest {
    vitals: Vitals,
    /// Lines known to be lost on their way to `StatsD`.
    dropped: u64,
    /// What the service publishes.
    published: Arc<Readings>,
}

/// The task that sends to `StatsD`, and the page with the same numbers.
pub fn meter(
    settings: &Statsd,
    boards: watch::Receiver<Arc<Board>>,
    published: Published,
    clock: Clock,
) -> (Meter, Exposition) {
    let (latest_tx, latest_rx) = watch::channel(Latest::default());
    (Meter::new(settings, boards, published, clock, latest_tx), Exposition::new(latest_rx, clock))
}
