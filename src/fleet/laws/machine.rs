//! The real machine on a simulated host, with a process and its probes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::host::{Config, Nature};
use crate::environment::{Environment, Variable, Visibility};
use crate::fleet::change::Change;
use crate::fleet::decision::Ask;
use crate::fleet::mark::Key;
use crate::fleet::turns::Event;
use crate::machine::board::ConfigState;
use crate::machine::event::{Exit, ProbeResult, TurnRefusal};
use crate::machine::numbers::TurnId;
use crate::machine::policy::{CheckRule, Crash, Handover, Policy, Role, StepSetting};
use crate::machine::{self, Board, Build, Machine, Moment, Order, Restored, RunId, Version};

/// Why the service is not in traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    No,
    /// In its turn.
    ForConfig,
    /// For whatever else: it relapsed, or nothing ran before.
    Otherwise,
}

/// What comes about by itself.
#[derive(Clone, Debug)]
enum Fact {
    Told(machine::Event),
    Probe(RunId),
    Ends(RunId),
}

#[derive(Clone, Debug)]
struct Process {
    run: RunId,
    config: Config,
    environment: Arc<Environment>,
    started: Moment,
    stopping: bool,
}

#[derive(Debug)]
pub(super) struct Road {
    /// `None`: lictor is dead.
    machine: Option<Machine>,
    board: Option<Board>,
    kept: Restored,
    handover: Handover,
    /// The oldest first; two only where they overlap.
    processes: Vec<Process>,
    /// The run that new connections go to.
    connected: Option<RunId>,
    probing: BTreeSet<RunId>,
    coming: BTreeMap<(Moment, u64), Fact>,
    count: u64,
    held: Option<TurnId>,
    taken_back: Option<Change>,
    key: Key,
    node: String,
    pub(super) away: Away,
    pub(super) ready: bool,
    pub(super) tried: Vec<Config>,
}

const PROBE: Duration = Duration::from_millis(400);

fn policy(handover: Handover) -> Policy {
    Policy {
        handover,
        quiet_min: Duration::ZERO,
        min_healthy: Duration::from_secs(3),
        deadline: Duration::from_secs(10),
        watch: Duration::from_secs(8),
        boot_grace: Duration::from_secs(1),
        crash: Crash {
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(4),
            reset_after: Duration::from_secs(10),
        },
        checks: vec![CheckRule {
            name: "Web".into(),
            role: Role::Readiness,
            rise: 1,
            fall: 2,
            good: "Good".into(),
            bad: "Bad".into(),
        }],
        turn: StepSetting::Enabled,
        ..Policy::new("billing")
    }
}

fn build() -> Build {
    Build("go:1".into())
}

impl Process {
    /// Whether a probe passes at this time.
    fn is_well(&self, now: Moment) -> bool {
        let age = now.since(self.started);
        let sick = match self.config.nature {
            Nature::Good => false,
            Nature::Exits => true,
            Nature::Sickens => age > Duration::from_millis(1_500),
            Nature::Relapses => age > Duration::from_secs(6),
        };
        !self.stopping && !sick && age > Duration::from_millis(500)
    }
}

impl Road {
    pub(super) fn new(node: &str, handover: Handover) -> Self {
        Self {
            handover,
            machine: None,
            board: None,
            kept: Restored::default(),
            processes: Vec::new(),
            connected: None,
            probing: BTreeSet::new(),
            coming: BTreeMap::new(),
            count: 0,
            held: None,
            taken_back: None,
            key: Key::new(&[7; 32]),
            node: node.to_owned(),
            away: Away::Otherwise,
            ready: false,
            tried: Vec::new(),
        }
    }

    fn environment(&self, config: Config) -> Arc<Environment> {
        let pairs = [("CONFIG", format!("{} {:?}", config.number, config.nature)), ("HOST", self.node.clone())];
        let variable = |value: String| Variable::new(value.into(), Arc::from("consul billing/"), Visibility::Secret);
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), variable(value)));
        Arc::new(Environment::new(pairs.collect()))
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        let wake = self.machine.as_ref()?.next_wake();
        wake.into_iter().chain(self.coming.keys().next().map(|coming| coming.0)).min()
    }

    /// The board after whatever came last.
    fn draw(&mut self) {
        self.board = self.machine.as_mut().map(|machine| machine.board(None));
    }

    pub(super) fn runs(&self) -> Option<Config> {
        self.connected_process().map(|process| process.config)
    }

    fn connected_process(&self) -> Option<&Process> {
        self.processes.iter().find(|process| Some(process.run) == self.connected)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_settled(&self) -> bool {
        self.board
            .as_ref()
            .is_some_and(|board| board.config.settled && board.config.state == ConfigState::Good && board.healthy)
    }

    pub(super) fn on_trial(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.config.state == ConfigState::Trial)
    }

    pub(super) fn wish(&mut self, now: Moment, config: Config) -> Vec<Event> {
        let environment = self.environment(config);
        self.tell(now, machine::Event::Wish { environment, violations: Vec::new() })
    }

    pub(super) fn granted(&mut self, now: Moment, turn: TurnId) -> Vec<Event> {
        self.held = Some(turn);
        self.tell(now, machine::Event::TurnGranted { turn })
    }

    pub(super) fn lost(&mut self, now: Moment, turn: TurnId) -> Vec<Event> {
        self.held = self.held.filter(|held| *held != turn);
        self.tell(now, machine::Event::TurnLost { turn })
    }

    pub(super) fn refused(&mut self, now: Moment, turn: TurnId, why: TurnRefusal) -> Vec<Event> {
        self.tell(now, machine::Event::TurnRefused { turn, why })
    }

    pub(super) fn on_timer(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some((&(at, count), _)) = self.coming.first_key_value()
            && at <= now
        {
            match self.coming.remove(&(at, count)) {
                Some(Fact::Told(event)) => events.extend(self.tell(now, event)),
                Some(Fact::Probe(run)) => events.extend(self.probe(now, run)),
                Some(Fact::Ends(run)) => events.extend(self.end(now, run)),
                None => {}
            }
        }
        events.extend(self.tell(now, machine::Event::Tick));
        events
    }

    fn probe(&mut self, now: Moment, run: RunId) -> Vec<Event> {
        if !self.probing.contains(&run) {
            return Vec::new();
        }
        let well = self.processes.iter().any(|process| process.run == run && process.is_well(now));
        self.plan(now + PROBE, Fact::Probe(run));
        if well && self.connected == Some(run) {
            self.away = Away::No;
        }
        let outcome = if well { ProbeResult::Pass } else { ProbeResult::Fail("sick".into()) };
        self.tell(now, machine::Event::Probed { run, check: 0, outcome, took: Duration::from_millis(1) })
    }

    fn end(&mut self, now: Moment, run: RunId) -> Vec<Event> {
        let before = self.processes.len();
        self.processes.retain(|process| process.run != run);
        if self.processes.len() == before {
            return Vec::new();
        }
        self.tell(now, machine::Event::Exited { run, exit: Exit::Code(1) })
    }

    fn plan(&mut self, at: Moment, fact: Fact) {
        self.count += 1;
        self.coming.insert((at, self.count), fact);
    }

    fn tell(&mut self, now: Moment, event: machine::Event) -> Vec<Event> {
        let Some(machine) = &mut self.machine else { return Vec::new() };
        let orders = machine.handle(now, event);
        let events = orders.into_iter().filter_map(|order| self.carry_out(now, order)).collect();
        self.draw();
        self.ready = self.board.as_ref().is_some_and(|board| board.ready);
        events
    }

    fn carry_out(&mut self, now: Moment, order: Order) -> Option<Event> {
        match order {
            Order::Start { run, environment, .. } => self.start(now, run, environment),
            Order::Stop { run } | Order::Kill { run } => {
                let connected = self.connected == Some(run);
                if let Some(process) = self.processes.iter_mut().find(|process| process.run == run) {
                    process.stopping = true;
                }
                self.plan(now + Duration::from_millis(300), Fact::Ends(run));
                if connected {
                    self.away = if self.held.is_some() { Away::ForConfig } else { Away::Otherwise };
                }
            }
            Order::Steer { run, .. } => {
                self.connected = Some(run);
                self.plan(now, Fact::Told(machine::Event::Steered { run }));
            }
            Order::Probe { run, .. } if !self.probing.contains(&run) => {
                self.probing.insert(run);
                self.plan(now + Duration::from_millis(100), Fact::Probe(run));
            }
            Order::StopProbing { run } => {
                self.probing.remove(&run);
            }
            Order::KeepGood { good } => self.kept.good = good,
            Order::KeepQuarantine { quarantine } => self.kept.quarantine = quarantine,
            Order::AskTurn { turn, wish, running, build } => {
                let running = running.map(|running| self.key.marks(&running)).unwrap_or_default();
                let wish = Arc::new(self.key.marks(&wish));
                return Some(Event::Ask(Ask { turn, wish, running: Arc::new(running), build: build.0 }));
            }
            Order::ReturnTurn { turn, verdict } => {
                self.held = self.held.filter(|held| *held != turn);
                return Some(Event::Return(turn, verdict));
            }
            Order::Halt { wish, good, reason } => {
                let change = Change::between(&self.key.marks(&good), &self.key.marks(&wish), &build().0);
                self.taken_back = Some(change.clone());
                return Some(Event::Halt(change, Some(build().0), reason));
            }
            Order::EndHalt { .. } => return self.taken_back.take().map(Event::EndHalt),
            _ => {}
        }
        None
    }

    fn start(&mut self, now: Moment, run: RunId, environment: Arc<Environment>) {
        let most = usize::from(self.handover != Handover::Restart);
        assert!(self.processes.len() <= most, "too many processes");
        let config = config_of(&environment);
        self.tried.push(config);
        self.plan(now, Fact::Told(machine::Event::Started { run, pid: 4 }));
        if config.nature == Nature::Exits {
            self.plan(now + Duration::from_millis(300), Fact::Ends(run));
        }
        if self.processes.is_empty() {
            self.connected = Some(run);
        }
        self.processes.push(Process { run, config, environment, started: now, stopping: false });
    }

    /// lictor is killed. The process goes on, but for one that is being stopped.
    pub(super) fn kill(&mut self) {
        (self.machine, self.board, self.held) = (None, None, None);
        self.probing.clear();
        self.coming.clear();
        self.ready = self.ready && self.connected_process().is_some_and(|process| !process.stopping);
    }

    pub(super) fn revive(&mut self, now: Moment, seed: u64, wish: Config) -> Vec<Event> {
        // Of two the one that is connected to goes on, and the other one is ended.
        let connected = self.connected;
        self.processes.retain(|process| {
            Some(process.run) == connected && !process.stopping && process.config.nature != Nature::Exits
        });
        self.connected = self.processes.first().map(|_| RunId(1));
        self.machine = Some(Machine::new(policy(self.handover), self.kept.clone(), seed, now, 1_700_000_000_000));
        let mut events = self.tell(now, machine::Event::Installed { build: build(), version: Version::default() });
        if let Some(process) = self.processes.first_mut() {
            process.run = RunId(1);
            let environment = process.environment.fingerprint();
            let adopted = machine::Event::Adopted { run: RunId(1), pid: 4, environment, build: build() };
            events.extend(self.tell(now, adopted));
        } else if self.away == Away::No {
            self.away = Away::Otherwise;
        }
        events.extend(self.wish(now, wish));
        events
    }
}

fn config_of(environment: &Environment) -> Config {
    let text = environment.get("CONFIG").and_then(|value| value.expose_str()).unwrap();
    let (number, nature) = text.split_once(' ').unwrap();
    let natures = [Nature::Good, Nature::Exits, Nature::Sickens, Nature::Relapses];
    let nature = natures.into_iter().find(|known| format!("{known:?}") == nature).unwrap();
    Config { number: number.parse().unwrap(), nature }
}
