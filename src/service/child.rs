//! The service as a child process: orders that are carried out in the background and never awaited.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Command;
use super::account::Accounts;
use super::env_file::{self, Job};
use super::failure::ServiceError;
use super::keep::Keep;
use super::launch::Launch;
use super::mark::Mark;
use super::own_children::OwnChildren;
use super::process::Process;
use super::run::{Run, Start};
use super::sweep::Manners;
use super::urgency::Urgency;
use crate::chain;
use crate::environment::Environment;
use crate::listen::Passed;
use crate::machine::{Event, RunId};
use crate::revive::{caught, revived};

/// A kill timeout beyond this would overflow the clock.
const LONGEST_TIMEOUT: Duration = Duration::from_hours(24 * 365);

/// Starts, signals and stops the service. Dropping it leaves the process running, for the next lictor to take over.
#[derive(Debug)]
pub struct Service {
    command: Command,
    own: OwnChildren,
    accounts: Accounts,
    /// The newest run.
    mark: Mark,
    events: mpsc::Sender<Event>,
    runs: BTreeMap<RunId, Handle>,
    files: mpsc::UnboundedSender<Job>,
    tasks: JoinSet<()>,
}

/// The part of a run that orders need; the rest belongs to its task.
#[derive(Debug)]
struct Handle {
    /// Empty until it has been started.
    process: Arc<OnceLock<Process>>,
    manners: Manners,
    urgency: watch::Sender<Urgency>,
}

impl Service {
    /// A service that is not running yet. Events of its runs go to `events`, in the order in which they happen; `own` records the
    /// children that are not the service's. Call it within the runtime.
    pub fn new(command: Command, own: OwnChildren, accounts: Accounts, events: mpsc::Sender<Event>) -> Self {
        let (files_tx, files_rx) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let parts = (files_rx, accounts.clone());
        tasks.spawn(revived("the writer of env_file", parts, |(files, accounts)| {
            Box::pin(env_file::write_in_order(files, accounts))
        }));
        let mark = Mark::of_new_lineage();
        Self { command, own, accounts, mark, events, runs: BTreeMap::new(), files: files_tx, tasks }
    }

    /// Sets the command for the next start; the present run keeps its own, also for how it is stopped.
    pub fn update(&mut self, command: Command) {
        self.command = command;
    }

    /// Starts a run with these sockets in the background: `Started` or `StartFailed`, and later `Exited`.
    pub fn start(&mut self, run: RunId, environment: &Arc<Environment>, sockets: Vec<Passed>, keep: Keep) {
        self.mark = self.mark.next();
        let (mark, file) = (self.mark, self.keep_file(environment));
        let (command, environment, accounts) = (self.command.clone(), Arc::clone(environment), self.accounts.clone());
        let launch = Box::new(move || {
            let launch = Launch::of_service(&command, &environment, &accounts, Some(mark))?;
            Ok(Launch { sockets, ..launch })
        });
        let task = self.register(run, Arc::default(), Some(mark));
        self.tasks.spawn(task.start(Start { keep, file, launch }));
    }

    /// Takes over this process of an earlier lictor as a run.
    pub(super) fn take_over(&mut self, run: RunId, process: Process, mark: Option<Mark>) {
        let enrolled = self.own.enroll(process.pid());
        let task = self.register(run, Arc::new(OnceLock::from(process)), mark);
        self.tasks.spawn(task.stay(enrolled));
    }

    /// Later starts continue this lineage.
    pub(super) fn continue_after(&mut self, mark: Mark) {
        self.mark = mark;
    }

    /// The last known accounts, for callers that must not wait for the user database.
    pub(super) async fn look_up_user(&self) {
        let (accounts, user) = (self.accounts.clone(), self.command.user.clone());
        let found = crate::offload::offload(move || accounts.find(user.as_deref()).map(|_| ())).await;
        if let Ok(Err(error)) = found {
            tracing::warn!("{}", chain::sentence(&error));
        }
    }

    /// The process of a run that has been started and has not ended.
    pub fn process(&self, run: RunId) -> Option<&Process> {
        self.live(run)?.process.get()
    }

    /// Sends the kill signal to a run's group, and SIGKILL after the timeout; answered by `Exited`. A second call changes nothing.
    pub fn stop(&self, run: RunId) {
        let Some(handle) = self.live(run).filter(|handle| *handle.urgency.borrow() == Urgency::Stay) else { return };
        let numbers = [handle.manners.kill_signal, libc::SIGCONT];
        // A stopped group (SIGSTOP) would not act on the kill signal without SIGCONT.
        for (process, number) in handle.process.get().into_iter().flat_map(|process| numbers.map(|one| (process, one)))
        {
            if let Err(error) = process.signal_group(number) {
                tracing::warn!(%run, number, %error, "cannot signal the service");
            }
        }
        let deadline = Instant::now() + handle.manners.kill_timeout;
        handle.urgency.send_replace(Urgency::StopBy(deadline));
    }

    /// Kills a run's group at once; answered by `Exited`.
    pub fn kill(&self, run: RunId) {
        if let Some(handle) = self.live(run) {
            if let Some(process) = handle.process.get() {
                process.kill_group();
            }
            handle.urgency.send_replace(Urgency::Now);
        }
    }

    /// Passes a change on to a run's main process, in the background: first the file, then the reload signal. `ReloadFailed` if that
    /// is not possible; the file is then as it was, unless only the signal failed.
    pub fn reload(&mut self, run: RunId, environment: &Arc<Environment>) {
        // A run that has ended meanwhile is started again with all of it.
        let Some(handle) = self.live(run) else { return };
        let (process, number) = (Arc::clone(&handle.process), self.command.reload_signal);
        let (file, events) = (self.keep_file(environment), self.events.clone());
        self.tasks.spawn(async move {
            let told = caught(tell(file, &process, number)).await;
            let told = told.unwrap_or_else(|bug| Err(ServiceError::Tell { source: std::io::Error::other(bug) }));
            if let Err(error) = told {
                let _ = events.send(Event::ReloadFailed { run, error: chain::sentence(&error) }).await;
            }
        });
    }

    /// Writes `exec.env_file` in the background, for a run that goes on without a signal.
    pub fn write_file(&mut self, environment: &Arc<Environment>) {
        let Some(file) = self.keep_file(environment) else { return };
        self.tasks.spawn(async move {
            if let Err(error) = env_file::written(file).await {
                tracing::error!("{}", chain::sentence(&error));
            }
        });
    }

    /// Sends a signal to a run's main process only.
    pub fn signal(&self, run: RunId, number: i32) {
        if let Some(Err(error)) = self.process(run).map(|process| process.signal(number)) {
            tracing::warn!(%run, number, %error, "cannot signal the service");
        }
    }

    /// Orders `exec.env_file` to be written, if there is one; returns the channel for the answer.
    fn keep_file(&self, environment: &Arc<Environment>) -> Option<oneshot::Receiver<Result<(), ServiceError>>> {
        let path = self.command.env_file.clone()?;
        let (done, written) = oneshot::channel();
        let (environment, user) = (Arc::clone(environment), self.command.user.clone());
        // The writer ends only with us.
        let _ = self.files.send(Job { path, environment, user, done });
        Some(written)
    }

    /// The task of a run holds the other end until it has reaped the process.
    fn live(&self, run: RunId) -> Option<&Handle> {
        let reaped = |handle: &Handle| handle.process.get().is_some_and(Process::is_reaped);
        self.runs.get(&run).filter(|handle| !reaped(handle) && !handle.urgency.is_closed())
    }

    fn register(&mut self, id: RunId, process: Arc<OnceLock<Process>>, mark: Option<Mark>) -> Run {
        self.forget_the_ended();
        let (urgency_tx, urgency_rx) = watch::channel(Urgency::Stay);
        let manners = Manners {
            kill_signal: self.command.kill_signal,
            kill_timeout: self.command.kill_timeout.min(LONGEST_TIMEOUT),
        };
        self.runs.insert(id, Handle { process: Arc::clone(&process), manners, urgency: urgency_tx });
        Run { id, process, mark, manners, orders: urgency_rx, own: self.own.clone(), events: self.events.clone() }
    }

    fn forget_the_ended(&mut self) {
        self.runs.retain(|_, handle| !handle.urgency.is_closed());
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a task that carries out orders to the service has failed");
            }
        }
    }
}

async fn tell(
    file: Option<oneshot::Receiver<Result<(), ServiceError>>>,
    process: &OnceLock<Process>,
    number: Option<i32>,
) -> Result<(), ServiceError> {
    if let Some(file) = file {
        env_file::written(file).await?;
    }
    match (process.get(), number) {
        (Some(process), Some(number)) => process.signal(number).map_err(|source| ServiceError::Tell { source }),
        // If there is no process yet, its start will use all of it.
        (None, _) | (_, None) => Ok(()),
    }
}
