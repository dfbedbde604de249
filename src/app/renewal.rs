//! `lictor reexec`: what has to be so before lictor begins anew, and how it leaves what runs to its next self.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout_at;

use super::{AppError, Load, close};
use crate::admin::ReexecRequest;
use crate::drain::DrainTrigger;
use crate::driver::Effects;
use crate::machine::Board;
use crate::machine::board::{ConfigState, Phase};
use crate::offload::offload;
use crate::reexec::Origin;
use crate::revive::revived;
use crate::service::OwnChildren;
use crate::signal;

/// Under this name the status port is passed on.
pub(super) const STATUS: &str = "lictor-status";

/// How long requests that are being answered may take.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Turns of the runtime: what was told to end has ended after so many.
const TURNS: usize = 16;

/// Hears the requests, and lets the loop go when one can be granted.
pub(super) struct Renewal {
    pub(super) origin: Origin,
    pub(super) own: OwnChildren,
    pub(super) load: Load,
    pub(super) boards: watch::Receiver<Arc<Board>>,
    pub(super) leave: watch::Sender<()>,
}

impl Renewal {
    /// Hears them from now on.
    pub(super) fn spawn(self, tasks: &mut JoinSet<()>, requests: mpsc::Receiver<ReexecRequest>) {
        tasks.spawn(revived("the hearing of lictor reexec", (self, requests), |(renewal, requests)| {
            Box::pin(renewal.run(requests))
        }));
    }

    /// One request after the other; the first that is granted is the last.
    pub(super) async fn run(&mut self, requests: &mut mpsc::Receiver<ReexecRequest>) {
        while let Some(ReexecRequest { until, answer }) = requests.recv().await {
            let ready = async {
                self.configuration_is_good().await?;
                let version = self.origin.try_out(&self.own).await?;
                // Last: what is so now is so when the loop is left.
                let quiet = self.boards.wait_for(|board| is_quiet(board));
                match timeout_at(until, quiet).await {
                    Ok(Ok(_)) => Ok(version),
                    Ok(Err(_)) => Err("lictor is stopping".to_owned()),
                    Err(_) => {
                        Err("a change, a start or a stop of the service is under way: wait for its end, or longer \
                                   (--timeout)"
                            .to_owned())
                    }
                }
            };
            let outcome = ready.await;
            let granted = outcome.is_ok();
            // Whoever asked may be gone.
            let _ = answer.send(outcome);
            if granted {
                self.leave.send_replace(());
                return;
            }
        }
    }

    /// lictor would end on a configuration that is wrong, and the service with it.
    async fn configuration_is_good(&self) -> Result<(), String> {
        let load = Arc::clone(&self.load);
        let loaded = offload(move || load().map(drop).map_err(|errors| errors.errors.first().map(ToString::to_string)));
        match loaded.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(first)) => Err(format!("the configuration is wrong: {}", first.unwrap_or_default())),
            Err(error) => Err(format!("the configuration was not read: {error}")),
        }
    }
}

/// Whether nothing is under way of which the next lictor would not know all.
fn is_quiet(board: &Board) -> bool {
    let between = matches!(board.phase, Phase::Starting | Phase::Leaving | Phase::Stopping);
    !between && !board.stopping && board.beside.is_none() && board.config.state != ConfigState::Trial
}

/// The status port, if it was passed to this process.
pub(super) fn status_of(kept: &mut Vec<(String, OwnedFd)>) -> Option<OwnedFd> {
    let at = kept.iter().position(|(name, _)| name == STATUS)?;
    Some(kept.swap_remove(at).1)
}

/// What is needed to leave what runs to the next lictor.
#[derive(Debug)]
pub(super) struct Leaving {
    origin: Origin,
    status: Option<OwnedFd>,
    /// Signals that the loop has not taken, by their numbers.
    unheard: (mpsc::UnboundedSender<i32>, mpsc::UnboundedReceiver<i32>),
}

impl Leaving {
    /// With the status port, on which whoever comes in between waits.
    pub(super) fn new(origin: Origin, status: Option<&TcpListener>) -> Self {
        let status = status.and_then(|listener| listener.as_fd().try_clone_to_owned().ok());
        Self { origin, status, unheard: mpsc::unbounded_channel() }
    }

    /// Where signals go that the loop does not take any more.
    pub(super) fn unheard(&self) -> mpsc::UnboundedSender<i32> {
        self.unheard.0.clone()
    }

    /// Becomes the new lictor, once requests are answered and all is kept that should be. Signals that nobody has heard,
    /// and all that come from now on, wait for it. Returns only if nothing can be executed.
    pub(super) async fn begin_anew(mut self, effects: Effects, answering: DrainTrigger) -> AppError {
        let passed = match effects.held() {
            Ok(held) => held.into_iter().chain(self.status.map(|status| (STATUS.to_owned(), status))),
            Err(error) => return AppError::Kernel(error),
        };
        let passed: Vec<_> = passed.collect();
        answering.drain(LAST_ANSWERS).await;
        close(effects.into_state()).await;
        if let Err(error) = signal::hold() {
            return AppError::Kernel(error);
        }
        for _ in 0..TURNS {
            yield_now().await;
        }
        while let Ok(number) = self.unheard.1.try_recv() {
            signal::leave_pending(number);
        }
        tracing::info!(program = %self.origin.program().display(), "lictor begins anew; the service goes on");
        match self.origin.execute(&passed) {
            Ok(never) => match never {},
            Err(error) => AppError::Kernel(error),
        }
    }
}
