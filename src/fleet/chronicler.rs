//! Keeps the chronicle of this instance in the fleet's folder. A task of its own: the turns do not wait for it, and
//! nothing waits for what it writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::Access;
use super::chronicle::Chronicle;
use super::layout::Member;
use crate::drain::DrainWatcher;
use crate::environment::Fingerprint;
use crate::machine::{Board, Moment};

/// A history is written at most this often.
const PAUSE: Duration = Duration::from_secs(1);
/// After a write that came to nothing.
const RETRY: Duration = Duration::from_secs(10);
/// No write takes longer.
const LONGEST: Duration = Duration::from_secs(10);
/// What instances that are gone have left is looked for once, within this time after the start.
const SWEEP: Duration = Duration::from_mins(10);

/// What the turns know that the chronicle needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seat {
    /// Our place in the fleet and the session that holds it; `None`: we have none, and write nothing.
    pub(super) member: Option<(Member, String)>,
    /// What the fleet calls the changes that led to these environments, the newest last.
    pub(super) changes: Vec<(Fingerprint, String)>,
}

impl Seat {
    /// So many changes are remembered: more than the board's history has lines.
    const CHANGES: usize = 32;

    /// The change that led there.
    pub(super) fn change(&self, environment: Fingerprint) -> Option<String> {
        self.changes.iter().rev().find(|(known, _)| *known == environment).map(|(_, change)| change.clone())
    }

    /// A turn was asked for.
    pub(super) fn asked(&mut self, environment: Fingerprint, change: String) {
        self.changes.retain(|known| *known != (environment, change.clone()));
        self.changes.push((environment, change));
        if self.changes.len() > Self::CHANGES {
            self.changes.remove(0);
        }
    }
}

/// The chronicle and what it is written with.
pub(super) struct Chronicler {
    pub(super) access: Access,
    pub(super) clock: fn() -> Moment,
    pub(super) epoch_unix_ms: u64,
    pub(super) boards: watch::Receiver<Arc<Board>>,
    pub(super) seat: watch::Receiver<Seat>,
}

impl Chronicler {
    /// Goes on until lictor ends, or the turns do.
    pub(super) async fn run(&mut self, drain: &mut DrainWatcher) {
        tokio::select! {
            () = drain.draining() => {}
            () = self.keep() => {}
        }
    }

    async fn keep(&mut self) {
        let Some(mut chronicle) = self.begin().await else { return };
        let mut due = None;
        let mut sweep = Some(Instant::now() + SWEEP.mul_f64(fastrand::f64()));
        let mut earliest = Instant::now();
        loop {
            let board = Arc::clone(&self.boards.borrow_and_update());
            let seat = self.seat.borrow_and_update().clone();
            if chronicle.see(&board, self.unix_ms(), |environment| seat.change(environment)) {
                due = due.or(Some(earliest));
            }
            let write = due.filter(|_| seat.member.is_some());
            tokio::select! {
                changed = self.boards.changed() => if changed.is_err() { return },
                changed = self.seat.changed() => if changed.is_err() { return },
                () = until(write) => {
                    due = None;
                    earliest = Instant::now() + PAUSE;
                    if !self.write(&chronicle, &seat).await {
                        due = Some(Instant::now() + RETRY);
                    }
                }
                () = until(sweep) => {
                    sweep = None;
                    let swept = timeout(LONGEST, self.access.clone().sweep(self.unix_ms())).await;
                    if let Ok(Err(why)) = swept {
                        tracing::debug!(why, "what instances that are gone have left is still there");
                    }
                }
            }
        }
    }

    /// What was written before, once we have a place in the fleet. `None`: the turns have ended.
    async fn begin(&mut self) -> Option<Chronicle> {
        loop {
            let member = self.seat.wait_for(|seat| seat.member.is_some()).await.ok()?.member.clone();
            if let Some((member, _)) = member {
                match timeout(LONGEST, self.access.clone().history(&member)).await {
                    Ok(Ok(record)) => return Some(Chronicle::of(record)),
                    Ok(Err(why)) => tracing::debug!(why, "the history in the fleet's folder cannot be read"),
                    Err(_) => {}
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn write(&self, chronicle: &Chronicle, seat: &Seat) -> bool {
        let Some((member, session)) = &seat.member else { return false };
        let record = chronicle.record(member);
        match timeout(LONGEST, self.access.clone().chronicle(member, session, &record)).await {
            Ok(Ok(written)) => written,
            Ok(Err(why)) => {
                tracing::debug!(why, "the history in the fleet's folder cannot be written");
                false
            }
            Err(_) => false,
        }
    }

    fn unix_ms(&self) -> u64 {
        self.epoch_unix_ms.saturating_add((self.clock)().0)
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
