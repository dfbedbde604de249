//! Where orders go. Nothing here waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::CheckCommand;
use super::config_change::NextStart;
use super::pending_answers::PendingAnswers;
use crate::chain;
use crate::check::{self, Checks};
use crate::clock;
use crate::environment::{Environment, Redactor};
use crate::fleet::Fleet;
use crate::listen::{Settled, Sockets};
use crate::machine::{Build, Event, Order, Policy, RunId};
use crate::registration::Registration;
use crate::service::{self, Command, Service};
use crate::state::{self, Binding, KeptProcess, State};
use crate::version::{self, Subject};

/// The acting rooms, as the driver sees them.
#[derive(Debug)]
pub struct Effects {
    service: Service,
    command: Command,
    /// What is held for the service.
    sockets: Sockets,
    /// Runs that get no new connection any more, and are stopped once they have taken what waits for them.
    leaving: JoinSet<RunId>,
    checks: Checks,
    check_command: CheckCommand,
    /// With whom we take turns; `None`: with nobody.
    fleet: Option<Fleet>,
    state: State,
    /// Asks for the version of a process; all but its number is known beforehand.
    subject: Subject,
    /// The id of this boot.
    boot: String,
    inbox: mpsc::Sender<Event>,
    identifying: JoinSet<()>,
    /// Operators who wait for an answer.
    pub(super) answers: PendingAnswers,
    /// What the next start takes up.
    next: Option<NextStart>,
    /// Who steers traffic, if anybody does.
    registration: Option<Registration>,
}

impl Effects {
    /// The rooms that the composition root has built; `subject.pid` is filled in at each start.
    pub fn new(
        command: Command,
        service: Service,
        checks: Checks,
        check_command: CheckCommand,
        state: State,
        subject: Subject,
        inbox: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            command,
            service,
            sockets: Sockets::none(),
            leaving: JoinSet::new(),
            checks,
            check_command,
            fleet: None,
            state,
            subject,
            boot: state::boot_id(),
            inbox,
            identifying: JoinSet::new(),
            answers: PendingAnswers::default(),
            next: None,
            registration: None,
        }
    }

    /// With somebody who steers traffic.
    #[must_use]
    pub fn registered(mut self, registration: Option<Registration>) -> Self {
        self.registration = registration;
        self
    }

    /// With sockets for the service to listen on.
    #[must_use]
    pub fn holding(mut self, sockets: Sockets) -> Self {
        self.sockets = sockets;
        self
    }

    /// With other hosts to take turns with.
    #[must_use]
    pub fn in_fleet(mut self, fleet: Option<Fleet>) -> Self {
        self.fleet = fleet;
        self
    }

    /// What remains to be closed when the loop has ended.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Whether what should be kept on disk is kept.
    pub(super) fn disk(&self) -> Event {
        Event::Disk { problem: self.state.problem() }
    }

    /// Waits until something has come about that nobody was ordered to tell: what can be kept on disk has changed, or a run
    /// can be stopped now. Cancel-safe.
    pub(super) async fn changed(&mut self) -> Option<Event> {
        tokio::select! {
            () = self.state.problem_changed() => {}
            Some(left) = self.leaving.join_next() => {
                match left {
                    Ok(run) => self.service.stop(run),
                    Err(error) => tracing::error!(%error, "the wait for the connections of a run has failed"),
                }
                return None;
            }
        }
        Some(self.disk())
    }

    /// The checks from now on.
    pub(super) fn check(&mut self, specs: Vec<check::Spec>, policy: &Policy) {
        self.checks.update(specs, policy.min_healthy);
    }

    /// The check command from now on.
    pub(super) fn check_by(&mut self, (words, timeout): (Vec<String>, Duration)) {
        (self.check_command.words, self.check_command.timeout) = (words, timeout);
    }

    /// What is kept belongs to this from now on.
    pub(super) fn rebind(&self, binding: Binding) {
        self.state.rebind(binding);
    }

    /// The next start takes this up; says in which words of the configuration it differs from what runs.
    pub(super) fn prepare(&mut self, next_start: NextStart) -> Vec<String> {
        let differences = next_start.differences(&self.command, &self.subject);
        self.next = Some(next_start).filter(|_| !differences.is_empty());
        differences
    }

    /// Nothing runs: what waits for the next start is taken up. Gives the program of it, if there is anything.
    pub(super) fn take_up(&mut self) -> Option<(PathBuf, String)> {
        let next_start = self.next.take()?;
        let program = next_start.program();
        let NextStart { command, context, subject } = next_start;
        self.service.update(command.clone());
        self.checks.equip(context);
        (self.command, self.subject) = (command, subject);
        Some(program)
    }

    /// Hands an order to its room; what the room can answer at once comes back.
    pub(super) fn order(&mut self, order: Order) -> Option<Event> {
        match order {
            Order::Start { run, environment, build, .. } => return Some(self.start(run, &environment, &build)),
            Order::Stop { run } => self.stop(run),
            Order::Kill { run } => self.service.kill(run),
            Order::Signal { run, signal } => self.service.signal(run, signal),
            Order::Reload { run, environment } => return self.reload(run, &environment),
            Order::Probe { run, pace, environment } => self.checks.probe(run, pace, &environment),
            Order::StopProbing => self.checks.nothing(),
            Order::KeepGood { good } => self.state.keep_good(&good),
            Order::KeepQuarantine { quarantine } => self.state.keep_quarantine(&quarantine),
            Order::KeepHold { hold, guarded } => self.state.keep_hold(hold, guarded),
            Order::Record { entry } => self.state.record(&entry),
            Order::Answer { request, answer } => self.answers.answer(request, answer),
            Order::Check { check, environment } => return self.check_command.ask(check, &self.command, &environment),
            Order::CancelCheck { .. } => self.check_command.cancel(),
            Order::AskTurn { turn, wish, running, build } => match &self.fleet {
                Some(fleet) => fleet.ask(turn, wish, running, build),
                // The step is never asked then; answering keeps the road open all the same.
                None => return Some(Event::TurnGranted { turn }),
            },
            Order::ReturnTurn { turn, verdict } => self.with_fleet(|fleet| fleet.give_back(turn, verdict)),
            Order::Halt { wish, good, reason } => self.with_fleet(|fleet| fleet.halt(wish, good, reason)),
            Order::EndHalt { wish } => self.with_fleet(|fleet| fleet.end_halt(wish)),
            Order::Traffic { run, level } => {
                // Without it no such order comes.
                if let Some(registration) = &self.registration {
                    registration.traffic(run, level);
                }
            }
        }
        None
    }

    /// Sends new connections elsewhere first, if that can be done.
    fn stop(&mut self, run: RunId) {
        let Some(leaving) = self.sockets.turn_away(run) else { return self.service.stop(run) };
        self.leaving.spawn(async move {
            if leaving.settled().await == Settled::Given {
                tracing::warn!(%run, "connections wait that the service does not accept; it is stopped all the same, and they go to the next run");
            }
            run
        });
    }

    /// A run has ended.
    pub(super) fn ended(&mut self, run: RunId) {
        self.sockets.gone(run);
    }

    fn with_fleet(&self, tell: impl FnOnce(&Fleet)) {
        if let Some(fleet) = &self.fleet {
            tell(fleet);
        }
    }

    /// Takes over the service of an earlier lictor, if it still runs.
    pub(super) fn adopt(&mut self, run: RunId) -> Option<Event> {
        let KeptProcess { pid, start_time, environment, build, .. } = self.state.process()?;
        let (pid, start_time) =
            if pid == KeptProcess::BEGUN { service::lost::find(&self.command, start_time)? } else { (pid, start_time) };
        // A process that has ended in the meantime isn't adopted.
        self.service.adopt(run, pid, start_time).ok()?;
        self.checks.adopt(run);
        self.identify(run, pid, &Environment::default());
        Some(Event::Adopted { run, pid, environment, build })
    }

    fn start(&mut self, run: RunId, environment: &Environment, build: &Build) -> Event {
        self.keep(KeptProcess::BEGUN, clock::ticks(), environment, build);
        let sockets = match self.sockets.give(run) {
            Ok(sockets) => sockets,
            Err(error) => return Event::StartFailed { run, error: format!("cannot pass the sockets on: {error}") },
        };
        let event = self.service.start(run, environment, &sockets);
        if let Event::Started { pid, .. } = event {
            if let Some(process) = self.service.process(run) {
                self.keep(pid, process.start_time(), environment, build);
            }
            self.identify(run, pid, environment);
        }
        event
    }

    fn reload(&self, run: RunId, environment: &Environment) -> Option<Event> {
        let error = self.service.reload(run, environment).err()?;
        Some(Event::ReloadFailed { run, error: chain::sentence(&error) })
    }

    fn keep(&self, pid: u32, start_time: u64, environment: &Environment, build: &Build) {
        self.state.keep_process(&KeptProcess {
            boot: self.boot.clone(),
            pid,
            start_time,
            environment: environment.fingerprint(),
            build: build.clone(),
        });
    }

    fn identify(&mut self, run: RunId, pid: u32, environment: &Environment) {
        self.identifying.abort_all();
        while self.identifying.try_join_next().is_some() {}
        // A user that cannot be found has failed the start already.
        let variables = service::child_environment(&self.command, environment).unwrap_or_default();
        let redactor = if self.subject.spec.asks_the_service() {
            Redactor::of(environment).with_inherited(environment, &variables)
        } else {
            Redactor::default()
        };
        let redactor = Arc::new(redactor);
        let subject = Subject { pid, environment: variables, redactor, ..self.subject.clone() };
        self.identifying.spawn(identify(run, subject, self.inbox.clone()));
    }
}

/// Tells what the running program says of itself, and later what the service says, if it has to be asked.
async fn identify(run: RunId, subject: Subject, inbox: mpsc::Sender<Event>) {
    let (build, version) = version::read(&subject).await;
    let told = version.version.is_some();
    // Nobody listens any more when lictor ends: nothing is lost then.
    let _ = inbox.send(Event::Identified { run, build: build.clone(), version: version.clone() }).await;
    if !told {
        let version = version::complete(version, &subject).await;
        let _ = inbox.send(Event::Identified { run, build, version }).await;
    }
}
