//! Carries out the machine's orders. Nothing here waits.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::config_change::NextStart;
use super::identify::{Unknown, identify};
use super::own_ports::Processes;
use super::pending_answers::PendingAnswers;
use crate::check::{self, Checks};
use crate::environment::Environment;
use crate::fleet::Fleet;
use crate::listen::{Settled, Share, Sockets};
use crate::machine::{Build, Event, Order, Policy, RunId};
use crate::registration::Registration;
use crate::revive::{caught, revived};
use crate::service::{
    self, Accounts, CheckCommand, Command, Keep, Known, Provenance, Recorded, RecordedBeside, Service,
};
use crate::state::{self, KeptProcess, State, StateIdentity};
use crate::version::{Program, Programs, Subject};

/// The rooms that carry out orders.
#[derive(Debug)]
pub struct Effects {
    service: Service,
    command: Command,
    accounts: Accounts,
    /// The sockets that are held for the service.
    sockets: Sockets,
    /// Their state, as it was last reported.
    sockets_problem: Option<String>,
    /// Why new connections cannot be steered, as it was last reported.
    steering_problem: Option<String>,
    /// Runs that get no new connections any more, and are stopped once they have accepted those that wait for them.
    leaving: JoinSet<(RunId, Settled)>,
    /// New connections that are about to be steered: the record of it is written first.
    recording: JoinSet<()>,
    steering: Option<Steering>,
    /// The runs that have not ended.
    processes: Processes,
    checks: Checks,
    check_command: CheckCommand,
    /// The fleet that grants turns; `None`: there is none.
    fleet: Option<Fleet>,
    state: State,
    /// The subject for finding out a version, without PID and environment.
    subject: Subject,
    /// The programs of the next starts, on the disk.
    programs: watch::Sender<Programs>,
    /// The ID of this boot.
    boot: String,
    inbox: mpsc::Sender<Event>,
    identifying: JoinSet<()>,
    /// The tasks that identify runs, by run.
    identified: BTreeMap<RunId, AbortHandle>,
    /// Starts that were ordered and have not happened yet.
    starting: Option<(RunId, Arc<Environment>)>,
    /// Operators who wait for an answer.
    pub(super) answers: PendingAnswers,
    /// The settings for the next start.
    next: Option<NextStart>,
    /// Steers traffic, if that is configured.
    registration: Option<Registration>,
}

/// The parts that the composition root has built for the loop.
#[derive(Debug)]
pub struct Parts {
    /// Runs the service.
    pub service: Service,
    /// The users that have been looked up.
    pub accounts: Accounts,
    /// Probes it.
    pub checks: Checks,
    /// Runs the check command.
    pub check_command: CheckCommand,
    /// Stores what must outlive lictor.
    pub state: State,
    /// Watches the program that a start would execute.
    pub programs: watch::Sender<Programs>,
    /// The driver's inbox.
    pub inbox: mpsc::Sender<Event>,
}

impl Effects {
    /// The rooms that the composition root has built, for the first start.
    pub fn new(parts: Parts, command: Command, subject: Subject) -> Self {
        let Parts { service, accounts, checks, check_command, state, programs, inbox } = parts;
        Self {
            service,
            command,
            accounts,
            sockets: Sockets::none(),
            sockets_problem: None,
            steering_problem: None,
            leaving: JoinSet::new(),
            recording: JoinSet::new(),
            steering: None,
            processes: Processes::default(),
            checks,
            check_command,
            fleet: None,
            state,
            subject,
            programs,
            boot: state::boot_id(),
            inbox,
            identifying: JoinSet::new(),
            identified: BTreeMap::new(),
            starting: None,
            answers: PendingAnswers::default(),
            next: None,
            registration: None,
        }
    }

    /// With a handle that steers traffic.
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

    /// With a fleet that grants turns.
    #[must_use]
    pub fn in_fleet(mut self, fleet: Option<Fleet>) -> Self {
        self.fleet = fleet;
        self
    }

    /// Copies of the sockets that are held, each by the name under which they are found again.
    ///
    /// # Errors
    /// There are no more descriptors.
    pub fn held(&self) -> io::Result<Vec<(String, OwnedFd)>> {
        let kept = self.sockets.to_be_kept().into_iter();
        kept.map(|(name, socket)| Ok((name, socket.try_clone_to_owned()?))).collect()
    }

    /// The parts that have to be closed when the loop has ended.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Why the state cannot be written to the disk, if it cannot.
    pub(super) fn disk(&self) -> Event {
        Event::Disk { problem: self.state.problem() }
    }

    /// Waits for events that are not answers to orders: whether the state can be written to the disk has changed, or a run can be
    /// stopped now. Cancel-safe.
    pub(super) async fn changed(&mut self) -> Option<Event> {
        tokio::select! {
            () = self.state.problem_changed() => {}
            Some(left) = self.leaving.join_next() => {
                match left {
                    Ok((run, settled)) => self.stop_settled(run, settled),
                    Err(error) => tracing::error!(%error, "the wait for the connections of a run has failed"),
                }
                return None;
            }
            Some(_) = self.recording.join_next() => return self.steer_now(),
            () = self.sockets.shut_down() => {
                self.sockets.revive();
                return None;
            }
        }
        Some(self.disk())
    }

    /// Replaces the checks.
    pub(super) fn check(&mut self, specs: Vec<check::Spec>, policy: &Policy) {
        self.checks.update(specs, policy.min_healthy);
    }

    /// Replaces the check command.
    pub(super) fn check_by(&mut self, (words, timeout): (Vec<String>, Duration)) {
        (self.check_command.words, self.check_command.timeout) = (words, timeout);
    }

    /// Sets the identity that the state on disk belongs to.
    pub(super) fn rebind(&self, identity: StateIdentity) {
        self.state.rebind(identity);
    }

    /// Sets what the next start uses; returns the words of the configuration in which it differs from what runs.
    pub(super) fn prepare(&mut self, next: NextStart) -> Vec<String> {
        let differences = next.differences(&self.command, &self.subject);
        self.next = Some(next).filter(|_| !differences.is_empty());
        let next = self.next.as_ref().map(|next| next.program.clone());
        self.programs.send_modify(|programs| programs.next = next);
        differences
    }

    /// Takes over the settings that wait for the next start, because nothing runs. Returns the build and version of its program,
    /// if they are known.
    pub(super) fn take_up(&mut self) -> Option<Event> {
        let NextStart { command, context, subject, program, found } = self.next.take()?;
        self.service.update(command.clone());
        self.checks.equip(context);
        self.programs.send_replace(Programs { now: program, next: None });
        (self.command, self.subject) = (command, subject);
        found.map(|(build, version)| Event::Installed { build, version })
    }

    /// Whether no run is left.
    pub(super) fn nothing_runs(&self) -> bool {
        self.processes.are_none()
    }

    /// Passes an event on to the rooms that have to know it.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Started { run, pid } => {
                self.processes.started(*run, *pid);
                if let Some((_, environment)) = self.starting.take_if(|(starting, _)| starting == run) {
                    self.identify(*run, *pid, environment);
                }
            }
            // The process has ended.
            Event::Exited { run, .. } | Event::StartFailed { run, .. } => {
                self.sockets.gone(*run);
                self.processes.ended(*run);
                self.state.process_keeper().ended(*run);
                if let Some(identifying) = self.identified.remove(run) {
                    identifying.abort();
                }
            }
            Event::Wish { environment, .. } => {
                let follow = |program: &mut Program, command: &Command| {
                    let path = service::search_path(command, environment);
                    program.path != path && {
                        program.path = path;
                        true
                    }
                };
                let (command, next) = (&self.command, self.next.as_ref());
                self.programs.send_if_modified(|programs| {
                    let now = follow(&mut programs.now, command);
                    let next =
                        programs.next.as_mut().zip(next).is_some_and(|(program, next)| follow(program, &next.command));
                    now || next
                });
            }
            _ => {}
        }
    }

    /// Passes an order to its room; returns an answer that the room has at once.
    pub(super) fn order(&mut self, order: Order) -> Option<Event> {
        match order {
            Order::Start { run, environment, build, .. } => return self.start(run, environment, &build),
            Order::Stop { run } => self.stop(run),
            Order::Kill { run } => self.service.kill(run),
            Order::Signal { run, signal } => self.service.signal(run, signal),
            Order::Reload { run, environment } => self.service.reload(run, &environment),
            Order::Probe { run, pace, environment } => {
                self.checks.probe(run, pace, &environment, self.sockets.reach(run));
            }
            Order::StopProbing { run } => self.checks.stop(run),
            Order::Steer { run, share } => self.steer(run, Share::percent(share)),
            Order::WriteFile { environment } => self.service.write_file(&environment),
            Order::KeepGood { good } => self.state.keep_good(&good),
            Order::KeepQuarantine { quarantine } => self.state.keep_quarantine(&quarantine),
            Order::KeepHold { hold, guarded } => self.state.keep_hold(hold, guarded),
            Order::Record { entry } => self.state.record(&entry),
            Order::Answer { request, answer } => self.answers.answer(request, answer, self.state.kept()),
            Order::Check { check, environment } => return self.check_command.ask(check, &self.command, &environment),
            Order::CancelCheck { .. } => self.check_command.cancel(),
            Order::AskTurn { turn, wish, running, build } => match &self.fleet {
                Some(fleet) => fleet.ask(turn, wish, running, build),
                // Without a fleet there is no such order; the answer keeps the road open anyway.
                None => return Some(Event::TurnGranted { turn }),
            },
            Order::ReturnTurn { turn, verdict } => self.with_fleet(|fleet| fleet.give_back(turn, verdict)),
            Order::Halt { wish, good, reason } => self.with_fleet(|fleet| fleet.halt(wish, good, reason)),
            Order::EndHalt { wish } => self.with_fleet(|fleet| fleet.end_halt(wish)),
            Order::Traffic { run, level } => {
                // Without it there is no such order.
                if let Some(registration) = &self.registration {
                    registration.traffic(run, level);
                }
            }
        }
        None
    }

    /// Takes over the service of an earlier lictor, if it still runs, and ends the other processes that that lictor has left. Call it
    /// before the loop, so that the running process is known before the first decision.
    pub async fn adopt(&mut self, run: RunId) -> Option<Event> {
        let mut kept = self.state.process()?;
        let mark = |kept: &KeptProcess| kept.mark.as_deref().and_then(|mark| mark.parse().ok());
        let beside = kept.beside.as_deref();
        let beside = beside.and_then(|kept| Some(RecordedBeside { mark: mark(kept)?, process: kept.known() }));
        let recorded = Recorded { mark: mark(&kept), process: kept.known(), beside };
        let adopted = self.service.adopt(run, recorded).await?;
        if let (Provenance::RecordedBeside, Some(beside)) = (adopted.provenance, kept.beside.take()) {
            kept = *beside;
        }
        self.processes.started(run, adopted.pid);
        if adopted.provenance != Provenance::Unrecorded {
            // It is a run of this lictor from now on.
            self.state.process_keeper().keep(run, kept.clone()).await;
        }
        self.checks.adopt(run);
        self.sockets.adopt(run);
        self.identify(run, adopted.pid, Arc::default());
        let (environment, build) = match adopted.provenance {
            Provenance::Recorded | Provenance::RecordedBeside => (kept.environment, kept.build),
            // Its environment is unknown: it serves until there is something to start in its place.
            Provenance::Unrecorded => (Environment::default().fingerprint(), Build::default()),
        };
        Some(Event::Adopted { run, pid: adopted.pid, environment, build })
    }

    /// Steers new connections, or a share of them, to this run. This is recorded first, so that the next lictor knows which of two
    /// runs gets connections. An order replaces the one before.
    fn steer(&mut self, run: RunId, share: Share) {
        let keeper = self.state.process_keeper();
        let stops = self.steering.take().map(|before| before.stops).unwrap_or_default();
        self.steering = Some(Steering { run, share, stops });
        self.recording.abort_all();
        self.recording.spawn(async move {
            // The connections matter more than their record.
            let _ = caught(keeper.activate(run)).await;
        });
    }

    fn steer_now(&mut self) -> Option<Event> {
        // An order that was replaced by another one ends without an answer.
        if !self.recording.is_empty() {
            return None;
        }
        let Steering { run, share, stops } = self.steering.take()?;
        let event = match self.sockets.steer(run, share) {
            Ok(()) => Event::Steered { run },
            Err(error) => {
                Event::SteerFailed { run, error: format!("new connections cannot be directed to the new run: {error}") }
            }
        };
        for run in stops {
            // It may be failing or hanging, so connections that wait for it are served by the other one at once.
            let _ = self.sockets.rescue(run);
            self.stop(run);
        }
        Some(event)
    }

    /// Steers new connections to another run first, if that is possible.
    fn stop(&mut self, run: RunId) {
        if let Some(steering) = &mut self.steering {
            steering.stops.push(run);
            return;
        }
        let Some(leaving) = self.sockets.turn_away(run) else { return self.service.stop(run) };
        self.leaving.spawn(async move { (run, caught(leaving.settled()).await.unwrap_or(Settled::Given)) });
    }

    /// The connections that wait for the run have been accepted, or will not be.
    fn stop_settled(&mut self, run: RunId, settled: Settled) {
        if settled == Settled::Given {
            tracing::warn!(%run, "connections wait that the service does not accept; it is stopped all the same, and they go to the next run");
            if let Some(left) = self.sockets.rescue(run) {
                // A stop wakes a suspended process, which would accept them, and end before it has answered them all.
                self.leaving.spawn(async move {
                    // Afterwards it is stopped, whatever is left.
                    let _ = caught(left.rescued()).await;
                    (run, Settled::Quiet)
                });
                return;
            }
        }
        self.service.stop(run);
    }

    /// Reports whether the sockets work completely, if that has changed.
    pub(super) fn sockets_news(&mut self) -> Vec<Event> {
        let mut news = Vec::new();
        let problem = self.sockets.look();
        if problem != self.sockets_problem {
            if let Some(problem) = &problem {
                tracing::warn!("{problem}");
            }
            self.sockets_problem.clone_from(&problem);
            news.push(Event::Sockets { problem });
        }
        let problem = self.sockets.cannot_steer();
        if self.steering_problem != problem {
            self.steering_problem.clone_from(&problem);
            news.push(Event::Steering { problem });
        }
        news
    }

    fn with_fleet(&self, tell: impl FnOnce(&Fleet)) {
        if let Some(fleet) = &self.fleet {
            tell(fleet);
        }
    }

    /// Starts a run; a start that cannot even begin is answered at once.
    fn start(&mut self, run: RunId, environment: Arc<Environment>, build: &Build) -> Option<Event> {
        // Beside another run nothing else says that it is time.
        let found = self.take_up();
        let sockets = match self.sockets.give(run) {
            Ok(sockets) => sockets,
            Err(error) => {
                return Some(Event::StartFailed { run, error: format!("cannot pass the sockets on: {error}") });
            }
        };
        let keep = self.keeps(run, &environment, build);
        self.service.start(run, &environment, sockets, keep);
        self.starting = Some((run, environment));
        self.processes.begun(run);
        found
    }

    /// Records which process runs this.
    fn keeps(&self, run: RunId, environment: &Environment, build: &Build) -> Keep {
        let (keeper, boot, side) = (self.state.process_keeper(), self.boot.clone(), self.sockets.mark(run));
        let (fingerprint, build) = (environment.fingerprint(), build.clone());
        let look = self.processes.look(self.sockets.ports(), &self.inbox);
        Box::new(move |known| {
            let (mark, process, look) = match known {
                Known::Begun { mark } => (mark, None, look.clone()),
                Known::Started { mark, pid, start_time } => (mark, Some((pid, start_time)), None),
            };
            let (keeper, mark) = (keeper.clone(), mark.to_string());
            let mut kept = KeptProcess::of_this_boot(process, mark, fingerprint, build.clone(), boot.clone());
            kept.side = side;
            Box::pin(async move {
                let looked = async {
                    if let Some(look) = look {
                        look.tell().await;
                    }
                };
                tokio::join!(keeper.keep(run, kept), looked);
            })
        })
    }

    fn identify(&mut self, run: RunId, pid: u32, environment: Arc<Environment>) {
        while self.identifying.try_join_next().is_some() {}
        let program = self.programs.borrow().now.clone();
        let unknown = Unknown { command: self.command.clone(), accounts: self.accounts.clone(), environment, program };
        let subject = Subject { pid, reach: self.sockets.reach(run), ..self.subject.clone() };
        let asked = (run, subject, unknown, self.inbox.clone());
        let identifying =
            self.identifying.spawn(revived("the look at what runs", asked, |(run, subject, unknown, inbox)| {
                Box::pin(identify(*run, subject.clone(), unknown.clone(), inbox.clone()))
            }));
        self.identified.insert(run, identifying);
    }
}

/// The run that is about to get new connections, and the runs to stop after that.
#[derive(Debug)]
struct Steering {
    run: RunId,
    share: Share,
    stops: Vec<RunId>,
}
