//! The service as a child process: orders that are carried out at once and never awaited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Command;
use super::env_file;
use super::failure::ServiceError;
use super::launch::{Launch, child_environment, launch};
use super::process::Process;
use super::roster::Roster;
use super::run::{Run, Urgency};
use crate::environment::Environment;
use crate::listen::Passed;
use crate::machine::{Event, RunId};

/// A kill timeout beyond this would overflow the clock.
const LONGEST_TIMEOUT: Duration = Duration::from_hours(24 * 365);

/// Starts, signals and stops the service. Dropping it leaves the process running, for the next lictor to take over.
#[derive(Debug)]
pub struct Service {
    command: Command,
    roster: Roster,
    inbox: mpsc::Sender<Event>,
    runs: BTreeMap<RunId, Handle>,
    tasks: JoinSet<()>,
}

/// What the orders need of a run; the rest is its task's.
#[derive(Debug)]
struct Handle {
    process: Arc<Process>,
    kill_signal: i32,
    kill_timeout: Duration,
    urgency: watch::Sender<Urgency>,
}

impl Service {
    /// A service that is not running yet. Exits go to `inbox`; children that are not the service's are on `roster`.
    pub fn new(command: Command, roster: Roster, inbox: mpsc::Sender<Event>) -> Self {
        Self { command, roster, inbox, runs: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// The next start uses this command; a run that goes on keeps its own, also for how it is stopped.
    pub fn update(&mut self, command: Command) {
        self.command = command;
    }

    /// Starts a run with these sockets: `Started` or `StartFailed`. Call it in the main thread, within the runtime.
    pub fn start(&mut self, run: RunId, environment: &Environment, sockets: &[Passed]) -> Event {
        match self.spawn(environment, sockets) {
            Ok(process) => self.watch(run, process),
            Err(error) => Event::StartFailed { run, error: crate::chain::sentence(&error) },
        }
    }

    /// Takes over the process of an earlier lictor as this run: `Started`.
    ///
    /// # Errors
    /// When that process is gone.
    pub fn adopt(&mut self, run: RunId, pid: u32, start_time: u64) -> Result<Event, ServiceError> {
        Ok(self.watch(run, Process::adopt(pid, start_time)?))
    }

    /// The process of a run that has not ended.
    pub fn process(&self, run: RunId) -> Option<&Process> {
        self.live(run).map(|handle| &*handle.process)
    }

    /// Asks a run's group to end, now, and kills it after the timeout; answered by `Exited`. Once more changes nothing.
    pub fn stop(&self, run: RunId) {
        let Some(handle) = self.live(run).filter(|handle| *handle.urgency.borrow() == Urgency::Stay) else { return };
        for number in [handle.kill_signal, libc::SIGCONT] {
            // A group that was stopped would never see the first without the second.
            if let Err(error) = handle.process.signal_group(number) {
                tracing::warn!(%run, number, %error, "cannot signal the service");
            }
        }
        let deadline = Instant::now() + handle.kill_timeout.min(LONGEST_TIMEOUT);
        handle.urgency.send_replace(Urgency::StopBy(deadline));
    }

    /// Kills a run's group, now; answered by `Exited`.
    pub fn kill(&self, run: RunId) {
        if let Some(handle) = self.live(run) {
            handle.process.kill_group();
            handle.urgency.send_replace(Urgency::Now);
        }
    }

    /// Tells a run's main process of a change: the file first, then the reload signal.
    ///
    /// # Errors
    /// When it could not be told. The file is then as it was, unless only the signal failed.
    pub fn reload(&self, run: RunId, environment: &Environment) -> Result<(), ServiceError> {
        // What has ended meanwhile is started on all of it.
        let Some(handle) = self.live(run) else { return Ok(()) };
        self.keep_file(environment)?;
        match self.command.reload_signal {
            Some(number) => handle.process.signal(number).map_err(|source| ServiceError::Tell { source }),
            None => Ok(()),
        }
    }

    fn keep_file(&self, environment: &Environment) -> Result<(), ServiceError> {
        match &self.command.env_file {
            Some(path) => env_file::keep(path, environment, self.command.user.as_deref()),
            None => Ok(()),
        }
    }

    /// Sends a signal to a run's main process alone.
    pub fn signal(&self, run: RunId, number: i32) {
        if let Some(Err(error)) = self.live(run).map(|handle| handle.process.signal(number)) {
            tracing::warn!(%run, number, %error, "cannot signal the service");
        }
    }

    /// The task of a run holds the other end until it has reaped the process.
    fn live(&self, run: RunId) -> Option<&Handle> {
        self.runs.get(&run).filter(|handle| !handle.process.is_reaped() && !handle.urgency.is_closed())
    }

    fn spawn(&self, environment: &Environment, sockets: &[Passed]) -> Result<Process, ServiceError> {
        // The process gets its variables all the same: a full disk does not keep a service down.
        if let Err(error) = self.keep_file(environment) {
            tracing::error!("{}", crate::chain::sentence(&error));
        }
        let environment = child_environment(&self.command, environment)?;
        launch(Launch { sockets, ..Launch::inheriting(&self.command, &environment) })
    }

    fn watch(&mut self, run: RunId, process: Process) -> Event {
        self.forget_the_ended();
        let pid = process.pid();
        let enrolled = self.roster.enroll(pid);
        let process = Arc::new(process);
        let (urgency, orders) = watch::channel(Urgency::Stay);
        let Command { kill_signal, kill_timeout, .. } = self.command;
        self.tasks.spawn(
            Run {
                id: run,
                process: Arc::clone(&process),
                kill_signal,
                orders,
                roster: self.roster.clone(),
                enrolled,
                inbox: self.inbox.clone(),
            }
            .watch(),
        );
        self.runs.insert(run, Handle { process, kill_signal, kill_timeout, urgency });
        Event::Started { run, pid }
    }

    fn forget_the_ended(&mut self) {
        self.runs.retain(|_, handle| !handle.urgency.is_closed());
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "the task that watched a run has failed");
            }
        }
    }
}
