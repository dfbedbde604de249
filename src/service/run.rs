//! The task of one run: from before the start of its process until nothing is left of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::env_file;
use super::failure::ServiceError;
use super::keep::{Keep, Known};
use super::launch::{Launch, Launched, launch};
use super::mark::Mark;
use super::orphans::{self, Family, Reach};
use super::own_children::{Enrolled, OwnChildren};
use super::process::Process;
use super::sweep::{Manners, sweep};
use super::urgency::Urgency;
use crate::chain;
use crate::machine::event::Exit;
use crate::machine::{Event, RunId};
use crate::offload::offload;
use crate::revive::{caught, revived};

/// How often zombies among the service's orphans are reaped while it runs.
const COLLECT: Duration = Duration::from_secs(10);

/// The data of the task.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    /// The place for the process once it has been started.
    pub(super) process: Arc<OnceLock<Process>>,
    pub(super) mark: Option<Mark>,
    pub(super) manners: Manners,
    pub(super) orders: watch::Receiver<Urgency>,
    pub(super) own: OwnChildren,
    pub(super) events: mpsc::Sender<Event>,
}

/// What has to be done before the process is started.
pub(super) struct Start {
    pub(super) keep: Keep,
    /// Answers once `exec.env_file` has been written.
    pub(super) file: Option<oneshot::Receiver<Result<(), ServiceError>>>,
    pub(super) launch: Box<dyn FnOnce() -> Result<Launch, ServiceError> + Send>,
}

impl Run {
    /// Starts the process, reports it, and attends to it until its end.
    pub(super) async fn start(self, start: Start) {
        let launched = match caught(self.launch(start)).await {
            Ok(launched) => launched,
            // A process that has been started already is attended to anyway.
            Err(bug) => match self.process.get() {
                Some(process) => Ok((process.pid(), self.own.enroll(process.pid()))),
                None => Err(bug.to_string()),
            },
        };
        let event = match launched {
            Ok((pid, enrolled)) => {
                self.tell(Event::Started { run: self.id, pid }).await;
                return self.stay(enrolled).await;
            }
            Err(error) => Event::StartFailed { run: self.id, error },
        };
        self.tell(event).await;
    }

    async fn launch(&self, start: Start) -> Result<(u32, Enrolled), String> {
        let Start { keep, file, launch: prepare } = start;
        let mark = self.mark;
        if let Some(mark) = mark {
            keep(Known::Begun { mark }).await;
        }
        if let Some(file) = file {
            // The process gets its variables anyway, so a full disk must not keep the service down.
            if let Err(error) = env_file::written(file).await {
                tracing::error!("{}", chain::sentence(&error));
            }
        }
        if *self.orders.borrow() != Urgency::Stay {
            return Err("it was stopped before it was started".to_owned());
        }
        let own = self.own.clone();
        let launched = offload(move || launch(prepare()?, &own)).await;
        let launched = launched.map_err(|source| ServiceError::Watch { source }).and_then(|launched| launched);
        let Launched { process, enrolled } = launched.map_err(|error| chain::sentence(&error))?;
        let (pid, start_time) = (process.pid(), process.start_time());
        let process = self.process.get_or_init(|| process);
        // Orders that came while there was no process yet.
        match *self.orders.borrow() {
            Urgency::Stay => {}
            Urgency::StopBy(_) => {
                let _ = process.signal_group(self.manners.kill_signal);
            }
            Urgency::Now => process.kill_group(),
        }
        if let Some(mark) = mark {
            keep(Known::Started { mark, pid, start_time }).await;
        }
        Ok((pid, enrolled))
    }

    /// Waits for the end of the main process, ends what it has left behind, reaps it last, and reports its end.
    pub(super) async fn stay(self, enrolled: Enrolled) {
        // The machine waits for the end of a run however long that takes.
        let attending = revived("the task of a run", self, |run| Box::pin(run.attend()));
        attending.await;
        drop(enrolled);
    }

    async fn attend(&mut self) {
        let slot = Arc::clone(&self.process);
        let Some(process) = slot.get() else { return };
        let exit = self.main_process(process).await;
        let (leader, kinship) = (process.pid(), process.kinship());
        let family = Family { leader, kinship, mark: self.mark, reach: Reach::Run, own: self.own.clone() };
        sweep(process, &family, self.manners, &mut self.orders).await;
        process.reap();
        self.tell(Event::Exited { run: self.id, exit }).await;
    }

    async fn main_process(&mut self, process: &Process) -> Exit {
        let mut kill_at = match *self.orders.borrow_and_update() {
            Urgency::Stay | Urgency::Now => None,
            Urgency::StopBy(deadline) => Some(deadline),
        };
        let mut collect = interval(COLLECT);
        collect.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                exit = process.exited() => return exit,
                Ok(()) = self.orders.changed() => {
                    kill_at = match *self.orders.borrow_and_update() {
                        Urgency::Stay | Urgency::Now => None,
                        Urgency::StopBy(deadline) => Some(deadline),
                    };
                }
                () = at(kill_at) => {
                    kill_at = None;
                    process.kill_group();
                }
                _ = collect.tick() => orphans::collect(&self.own),
            }
        }
    }

    async fn tell(&self, event: Event) {
        // The driver may have ended before us.
        let _ = self.events.send(event).await;
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
