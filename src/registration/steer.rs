//! Times an order about traffic, and reports to the machine when it has been carried out.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::keeper::Seen;
use super::leave::{Leave, Stage};
use super::situation::Situation;
use super::{Drain, Ordered};
use crate::machine::event::TrafficState;
use crate::machine::order::Traffic;
use crate::machine::{Board, Event};
use crate::quiet::Observer;

/// How often the connections are listed. One that comes and goes in between is seen only if the service closes it first, as for
/// HTTP/1.0 and `Connection: close`.
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Steer {
    pub(super) rules: Drain,
    /// The port that is registered, if lictor registers it.
    pub(super) registered: Option<u16>,
    pub(super) orders: watch::Receiver<Option<Ordered>>,
    pub(super) sights: watch::Receiver<Seen>,
    pub(super) boards: watch::Receiver<Arc<Board>>,
    pub(super) inbox: mpsc::Sender<Event>,
}

impl Steer {
    pub(super) async fn run(&mut self) {
        let mut orders = self.orders.clone();
        loop {
            let ordered = orders.borrow_and_update().clone();
            let carried_out = async {
                match ordered {
                    Some(ordered) => self.carry_out(&ordered).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = orders.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    continue;
                }
                event = carried_out => {
                    // The loop may have ended before us.
                    let _ = self.inbox.send(event).await;
                }
            }
            if orders.changed().await.is_err() {
                return;
            }
        }
    }

    async fn carry_out(&mut self, ordered: &Ordered) -> Event {
        let Ordered { number, run, level } = ordered;
        let state = match level {
            Traffic::In => {
                // The keeper keeps trying; it ends with us.
                if self.sights.wait_for(|seen| seen.reached(*number)).await.is_err() {
                    std::future::pending::<()>().await;
                }
                TrafficState::In
            }
            Traffic::Out { .. } => {
                self.leave(*number).await;
                TrafficState::Out
            }
        };
        Event::TrafficChanged { run: *run, state }
    }

    /// Returns once the connections are quiet, or the time is over.
    async fn leave(&mut self, number: u64) {
        let origin = Instant::now();
        let mut leave = Leave::begin(self.rules, Duration::ZERO);
        let mut eye = Eye::Shut;
        loop {
            let board = Arc::clone(&self.boards.borrow_and_update());
            let Some(pid) = Situation::of(&board).pid() else {
                // There is no process any more that could get connections.
                return;
            };
            let now = origin.elapsed();
            leave.shown(now, self.sights.borrow_and_update().reached(number));
            let mut stage = leave.stage(now, None);
            if stage == Stage::Quieting {
                let probes = board.checks.iter().map(|check| check.probes).sum();
                let still = eye.look(pid, self.registered, now, probes).await;
                stage = leave.stage(origin.elapsed(), still);
            }
            let pause = match stage {
                Stage::Over => break,
                Stage::Announcing => leave.limit(),
                Stage::Waiting => leave.floor().unwrap_or(leave.limit()).min(leave.limit()),
                Stage::Quieting => origin.elapsed() + LOOK,
            };
            tokio::select! {
                () = sleep_until(origin + pause) => {}
                Ok(()) = self.sights.changed() => {}
                Ok(()) = self.boards.changed(), if stage != Stage::Quieting => {}
            }
        }
        let took = leave.took(origin.elapsed());
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if took >= self.rules.max {
            tracing::warn!(took_ms, "the time to leave traffic is over; the service may still be in it");
        } else {
            tracing::info!(took_ms, "the service is out of traffic");
        }
    }
}

/// The observer of the connections.
#[derive(Debug)]
enum Eye {
    /// It has not listed any connections yet.
    Shut,
    Open(Box<Observer>),
    /// The kernel does not list them: only the time counts.
    Blind,
}

impl Eye {
    async fn look(&mut self, pid: u32, registered: Option<u16>, now: Duration, probes: u64) -> Option<Duration> {
        if matches!(self, Self::Shut) {
            *self = match Observer::new(pid, registered).await {
                Ok(observer) => Self::Open(Box::new(observer)),
                Err(error) => Self::blind(&error),
            };
        }
        let Self::Open(observer) = self else {
            sleep(LOOK).await;
            return None;
        };
        match observer.look(now, probes).await {
            Ok(still) => Some(still),
            Err(error) => {
                *self = Self::blind(&error);
                None
            }
        }
    }

    fn blind(error: &std::io::Error) -> Self {
        tracing::warn!(
            %error,
            "the service's connections can't be watched, so leaving traffic takes drain.max: allow AF_NETLINK in \
             RestrictAddressFamilies, and see that the kernel has tcp_diag"
        );
        Self::Blind
    }
}
