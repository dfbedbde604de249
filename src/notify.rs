//! Notifies systemd: readiness, a line of status, the watchdog's ping, reloading, stopping.
//!
//! The protocol is one datagram for each message, so it is implemented here. The crate for it (`sd-notify`) reads the process's
//! environment by itself and blocks when it sends. That suits neither a single thread that must never wait for PID 1 nor tests
//! that run side by side.
//!
//! Except for the deadline of readiness, the driver's pulse is the clock here. When the driver's loop no longer turns, nothing
//! pings the watchdog and nothing asks for more time.

mod announced;
mod kept;
mod line;
mod manager;
mod reload;

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

pub use kept::kept;
pub use manager::{Manager, NotifyError};
pub use reload::{Reloading, Reloads};

use announced::{Announced, Seen, Sign, Terms};
use reload::Progress;

use crate::machine::Board;
use crate::revive::revived;

/// The inputs of the announcements.
#[derive(Debug)]
pub struct Signs {
    /// The board.
    pub boards: watch::Receiver<Arc<Board>>,
    /// Changes each time the driver's loop has nothing left to do.
    pub pulse: watch::Receiver<()>,
    /// How often the pulse changes.
    pub period: Duration,
    /// How long readiness may take from now on (`apply.deadline`). After that, readiness is announced with the reason why it is missing.
    pub deadline: Duration,
}

/// Starts a task that notifies the manager; without a manager it starts none. The handle is for reloads.
pub fn spawn(tasks: &mut JoinSet<()>, manager: Option<Manager>, signs: Signs) -> Reloads {
    let (reloads, progress) = reload::channel();
    if let Some(manager) = manager {
        if manager.watchdog().is_some_and(|interval| interval < 2 * signs.period) {
            tracing::warn!("WatchdogSec is too short for lictor's pings; set it to 10s or more");
        }
        let parts = (manager, signs, progress);
        tasks.spawn(revived("the notifications to systemd", parts, |(manager, signs, progress)| {
            Box::pin(inform(manager, signs, progress))
        }));
    }
    reloads
}

/// Announces what is new until the driver has ended.
async fn inform(manager: &Manager, signs: &mut Signs, reloads: &mut watch::Receiver<Progress>) {
    let start = Instant::now();
    let terms = Terms { watchdog: manager.watchdog(), period: signs.period, deadline: signs.deadline };
    let mut announced = Announced::default();
    let mut failing = None;
    // That this task runs is the first proof that the loop turns.
    let mut sign = Sign::Pulse;
    loop {
        let board = Arc::clone(&signs.boards.borrow_and_update());
        let seen = Seen {
            after: start.elapsed(),
            monotonic_usec: monotonic_usec(),
            sign,
            board: &board,
            reloads: *reloads.borrow_and_update(),
        };
        let (next, messages) = announced.news(&terms, &seen);
        match manager.send_all(&messages).await {
            Ok(()) => {
                announced = next;
                failing = None;
            }
            // A message that could not be sent is sent at the next pulse.
            Err(error) => complain(&mut failing, &error),
        }
        sign = tokio::select! {
            changed = signs.boards.changed() => match changed {
                Ok(()) => Sign::News,
                Err(_) => return,
            },
            Ok(()) = signs.pulse.changed() => Sign::Pulse,
            Ok(()) = reloads.changed() => Sign::News,
            () = sleep_until(start + signs.deadline), if !announced.ready() && start.elapsed() < signs.deadline => Sign::News,
        };
    }
}

fn monotonic_usec() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(time.tv_sec).saturating_mul(1_000_000).saturating_add(part(time.tv_nsec) / 1_000)
}

/// Logs a failure once, not each second.
fn complain(failing: &mut Option<std::io::ErrorKind>, error: &std::io::Error) {
    if *failing != Some(error.kind()) {
        tracing::warn!(%error, "systemd cannot be reached; the status is sent again with the next ping");
        *failing = Some(error.kind());
    }
}

#[cfg(test)]
mod tests;
