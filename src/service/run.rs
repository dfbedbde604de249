//! The life of one process, watched by one task to its very end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::orphans;
use super::process::Process;
use super::roster::{Enrolled, Roster};
use super::sweep::{Told, sweep};
use crate::machine::event::Exit;
use crate::machine::{Event, RunId};

/// How often the zombies among the service's orphans are collected while it runs.
const COLLECT: Duration = Duration::from_secs(10);

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

/// What the task of one run owns.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) process: Arc<Process>,
    pub(super) kill_signal: i32,
    pub(super) orders: watch::Receiver<Urgency>,
    pub(super) roster: Roster,
    pub(super) enrolled: Enrolled,
    pub(super) inbox: mpsc::Sender<Event>,
}

impl Run {
    /// Sees the main process end, ends what it left behind, reaps it last, and tells the inbox.
    pub(super) async fn watch(mut self) {
        let exit = self.main_process().await;
        let told = if *self.orders.borrow() == Urgency::Stay { Told::NotYet } else { Told::Already };
        sweep(&self.process, &self.roster, self.kill_signal, told, &mut self.orders).await;
        self.process.reap();
        drop(self.enrolled);
        // The loop that reads the inbox may have ended before us.
        let _ = self.inbox.send(Event::Exited { run: self.id, exit }).await;
    }

    async fn main_process(&mut self) -> Exit {
        let mut kill_at = None;
        let mut collect = interval(COLLECT);
        collect.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                exit = self.process.exited() => return exit,
                Ok(()) = self.orders.changed() => {
                    kill_at = match *self.orders.borrow_and_update() {
                        Urgency::Stay | Urgency::Now => None,
                        Urgency::StopBy(deadline) => Some(deadline),
                    };
                }
                () = at(kill_at) => {
                    kill_at = None;
                    self.process.kill_group();
                }
                _ = collect.tick() => orphans::collect(&self.roster),
            }
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
