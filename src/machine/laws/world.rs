//! A small model of the world: it carries out orders, lets processes behave well or badly, and holds the laws at
//! every step.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::environment::glob::Glob;
use crate::environment::{Environment, Fingerprint, Variable, Visibility};
use crate::machine::event::{Event, Exit, Outcome, Verb};
use crate::machine::ledger::Quarantined;
use crate::machine::numbers::{CheckId, DrainId, RunId, TurnId};
use crate::machine::order::{Order, Pace, Pair};
use crate::machine::policy::{CheckRule, Crash, KeyRule, OnChange, Policy, Role, Step};
use crate::machine::random::Random;
use crate::machine::{Board, Build, Machine, Moment, Restored, Version};

/// Occurs in every value: it must occur in nothing that is serialised.
pub(super) const MARKER: &str = "s3cr3t";

/// What can be done to the world between two moments.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Wish(u8),
    Unfit,
    Install(u8),
    Pass(u64),
    Dependency(Dependency),
    Crash,
    Operator(Verb),
    LoseTurn,
    LateFact(u8),
    Signal,
    Shutdown,
}

/// Whether what the service leans on is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dependency {
    Up,
    Down,
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..12_u8).prop_map(Action::Wish),
        1 => Just(Action::Unfit),
        2 => (0..3_u8).prop_map(Action::Install),
        4 => (0..200_u64).prop_map(Action::Pass),
        6 => (200..20_000_u64).prop_map(Action::Pass),
        1 => (20_000..400_000_u64).prop_map(Action::Pass),
        2 => prop_oneof![Just(Dependency::Up), Just(Dependency::Down)].prop_map(Action::Dependency),
        2 => Just(Action::Crash),
        2 => prop_oneof![
            Just(Verb::Restart),
            Just(Verb::Hold { reason: "night".into() }),
            Just(Verb::Unhold),
            Just(Verb::Retry),
            Just(Verb::Revert),
        ]
        .prop_map(Action::Operator),
        1 => Just(Action::LoseTurn),
        2 => (0..8_u8).prop_map(Action::LateFact),
        1 => Just(Action::Signal),
        1 => Just(Action::Shutdown),
    ]
}

/// How a process of one environment and one build behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Healthy,
    Exits(u64),
    Sick,
    Flaps,
    CannotStart,
}

/// Breaks the schema.
const VIOLATING: usize = 11;

/// Environments 0, 7, 8, 10 and all fresh ones are good everywhere; the others fail in some way on some build. 8 and 9
/// need only a reload from 0, and 10 not even that.
fn behaviour(environment: usize, build: u8) -> Behaviour {
    match (environment, build) {
        (1, _) => Behaviour::Exits(3),
        (2, _) => Behaviour::Sick,
        (3, _) => Behaviour::Flaps,
        (4, 0) => Behaviour::Exits(1),
        (5, 1) => Behaviour::Exits(2_500),
        (6, 0 | 2) => Behaviour::Sick,
        (6, _) => Behaviour::CannotStart,
        (9, _) => Behaviour::Exits(1_500),
        _ => Behaviour::Healthy,
    }
}

fn on_change(label: &str, on_change: OnChange) -> KeyRule {
    KeyRule { label: Glob::parse(label).unwrap(), on_change }
}

pub(super) fn policy() -> Policy {
    let check = |name: &str, role, fall| CheckRule {
        name: name.into(),
        role,
        rise: 1,
        fall,
        good: "Good".into(),
        bad: "Bad".into(),
    };
    Policy {
        min_healthy: Duration::from_secs(2),
        deadline: Duration::from_secs(10),
        crash: Crash {
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(8),
            reset_after: Duration::from_secs(15),
        },
        checks: vec![check("Web", Role::Readiness, 3), check("Alive", Role::Liveness, 2), check("Disk", Role::Info, 1)],
        on_change: vec![on_change("LEVEL", OnChange::Reload), on_change("NOTE", OnChange::Ignore)],
        check_command: Step::Configured,
        turn: Step::Configured,
        drain: Step::Configured,
        ..Policy::new("billing")
    }
}

struct Process {
    environment: usize,
    build: u8,
    started: Moment,
}

pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Moment,
    pub(super) log: Vec<(Moment, Event)>,
    pub(super) orders: Vec<Order>,
    pub(super) turns: BTreeSet<TurnId>,
    pub(super) drains: BTreeSet<DrainId>,
    environments: Vec<Arc<Environment>>,
    coming: BTreeMap<(Moment, u64), Event>,
    count: u64,
    live: BTreeMap<RunId, Process>,
    last_run: RunId,
    probing: Option<(RunId, Pace)>,
    installed: u8,
    dependency: Dependency,
    good: BTreeSet<Fingerprint>,
    quarantine: Vec<Quarantined>,
    wish: Option<Fingerprint>,
    shut_down: bool,
    whims: Random,
    obliging: bool,
    over: VecDeque<CheckId>,
}

fn environment(number: usize) -> Arc<Environment> {
    let variable =
        |value: String| Variable { value: value.into(), origin: "test".into(), visibility: Visibility::Secret };
    let (number, level, note) = match number {
        8 => (0, 1, 0),
        9 => (0, 2, 0),
        10 => (0, 0, 1),
        other => (other, 0, 0),
    };
    let variables = [
        ("NUMBER".to_owned(), variable(format!("{MARKER}-{number}"))),
        ("LEVEL".to_owned(), variable(format!("{MARKER}-{level}"))),
        ("NOTE".to_owned(), variable(format!("{MARKER}-{note}"))),
        ("FIXED".to_owned(), variable(MARKER.to_owned())),
    ];
    Arc::new(Environment::new(variables.into()))
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut world = Self {
            machine: Machine::new(policy(), Restored::default(), seed, Moment(0), 0),
            now: Moment(0),
            log: Vec::new(),
            orders: Vec::new(),
            turns: BTreeSet::new(),
            drains: BTreeSet::new(),
            environments: (0..12).map(environment).collect(),
            coming: BTreeMap::new(),
            count: 0,
            live: BTreeMap::new(),
            last_run: RunId(0),
            probing: None,
            installed: 0,
            dependency: Dependency::Up,
            good: BTreeSet::new(),
            quarantine: Vec::new(),
            wish: None,
            shut_down: false,
            whims: Random::new(seed ^ 0x5eed),
            obliging: false,
            over: VecDeque::new(),
        };
        world.act(Action::Install(0));
        world
    }

    pub(super) fn board(&mut self) -> Board {
        self.machine.board(None)
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Wish(number) => {
                let environment = Arc::clone(&self.environments[usize::from(number)]);
                self.wish = Some(environment.fingerprint());
                let broken = usize::from(number) == VIOLATING;
                let violations = if broken { vec!["NUMBER is not a number".to_owned()] } else { Vec::new() };
                self.tell(Event::Wish { environment, violations });
            }
            Action::Unfit => {
                self.wish = None;
                self.tell(Event::Unfit { reasons: vec!["A holds a NUL byte".into()] });
            }
            Action::Install(number) => {
                self.installed = number;
                self.tell(Event::Installed { build: build(number), version: Version::default() });
            }
            Action::Pass(millis) => self.pass(millis),
            Action::Dependency(dependency) => self.dependency = dependency,
            Action::Crash => {
                if let Some(&run) = self.live.keys().next() {
                    self.tell(Event::Exited { run, exit: Exit::Signal(11) });
                }
            }
            Action::Operator(verb) => self.tell(Event::Operator { verb }),
            Action::LoseTurn => {
                if let Some(turn) = self.turns.pop_first() {
                    self.tell(Event::TurnLost { turn });
                }
            }
            Action::LateFact(kind) => self.late_fact(kind),
            Action::Signal => self.tell(Event::Signal { signal: 10 }),
            Action::Shutdown => {
                self.shut_down = true;
                self.tell(Event::Shutdown);
            }
        }
    }

    /// Law 9: a fact about a run, check, turn or drain that is over changes nothing.
    fn late_fact(&mut self, kind: u8) {
        let over =
            |live: &BTreeMap<RunId, Process>| (1..=self.last_run.0).map(RunId).find(|run| !live.contains_key(run));
        let Some(run) = over(&self.live) else { return };
        let event = match kind {
            0 => Event::Started { run, pid: 7 },
            1 => Event::StartFailed { run, error: "late".into() },
            2 => Event::Exited { run, exit: Exit::Code(0) },
            3 => Event::Probed { run, check: 0, outcome: Outcome::Fail("late".into()), took: Duration::ZERO },
            4 => Event::Identified { run, build: build(9), version: Version::default() },
            5 => match self.over.front() {
                Some(&check) => Event::Checked { check, verdict: Err("late".into()) },
                None => return,
            },
            6 => Event::ReloadFailed { run, error: "late".into() },
            _ => Event::TurnGranted { turn: TurnId(0) },
        };
        let before = self.machine.picture();
        assert_eq!(self.machine.handle(self.now, event.clone()), vec![], "{event:?} ordered something");
        assert_eq!(self.machine.picture(), before, "{event:?} changed the board");
        self.log.push((self.now, event));
    }

    /// From now on everything works: dependencies are up, turns are granted, nothing is held or refused.
    pub(super) fn oblige(&mut self) {
        self.obliging = true;
        self.dependency = Dependency::Up;
        self.tell(Event::Operator { verb: Verb::Unhold });
    }

    /// From now on the check command refuses now and then again.
    pub(super) fn disoblige(&mut self) {
        self.obliging = false;
    }

    pub(super) fn fresh_good_wish(&mut self) -> Fingerprint {
        let environment = environment(100);
        let fingerprint = environment.fingerprint();
        self.environments.push(Arc::clone(&environment));
        self.wish = Some(fingerprint);
        self.tell(Event::Wish { environment, violations: Vec::new() });
        fingerprint
    }

    /// Lets time pass, with everything that falls into it in order.
    pub(super) fn pass(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        for _ in 0..200_000 {
            let coming = self.coming.keys().next().copied().filter(|(at, _)| *at <= until);
            let wake = self.machine.next_wake().filter(|at| *at <= until);
            match (coming, wake) {
                (Some(key), wake) if wake.is_none_or(|at| key.0 <= at) => {
                    self.now = self.now.max(key.0);
                    if let Some(event) = self.coming.remove(&key) {
                        self.deliver(event);
                    }
                }
                (_, Some(at)) => {
                    assert!(
                        at > self.now || self.log.last().is_none_or(|last| last.1 != Event::Tick),
                        "the machine spins"
                    );
                    self.now = self.now.max(at);
                    self.tell(Event::Tick);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    /// Lets time pass until the board is as wished, two hours at the most.
    pub(super) fn pass_until(&mut self, wished: impl Fn(&Board) -> bool) -> Board {
        for _ in 0..1_440 {
            if wished(&self.machine.picture()) {
                break;
            }
            self.pass(5_000);
        }
        self.machine.picture()
    }

    /// Facts about processes that are gone by now do not come about; probes see the world as it is at their time.
    fn deliver(&mut self, event: Event) {
        let event = match event {
            Event::Exited { run, .. } | Event::Started { run, .. } if !self.live.contains_key(&run) => return,
            Event::Probed { run, check, .. } => {
                if self.probing.is_none_or(|(probed, _)| probed != run) {
                    return;
                }
                let outcome = self.probe(run, check);
                self.plan_probe(run, check);
                Event::Probed { run, check, outcome, took: Duration::from_millis(2) }
            }
            other => other,
        };
        self.tell(event);
    }

    fn probe(&self, run: RunId, check: usize) -> Outcome {
        let Some(process) = self.live.get(&run) else { return Outcome::Fail("connection refused".into()) };
        let age = (self.now - process.started).as_millis() / 700;
        let well = match behaviour(process.environment, process.build) {
            Behaviour::Sick => false,
            Behaviour::Flaps => age.is_multiple_of(2),
            Behaviour::Healthy | Behaviour::Exits(_) | Behaviour::CannotStart => true,
        };
        let up = self.dependency == Dependency::Up || check != 0;
        if well && up { Outcome::Pass } else { Outcome::Fail("503".into()) }
    }

    fn plan_probe(&mut self, run: RunId, check: usize) {
        let interval = match self.probing {
            Some((_, Pace::Trial)) => 600,
            _ => 1_700,
        };
        let placeholder = Event::Probed { run, check, outcome: Outcome::Pass, took: Duration::ZERO };
        self.plan(interval, placeholder);
    }

    fn plan(&mut self, millis: u64, event: Event) {
        self.count += 1;
        self.coming.insert((self.now + Duration::from_millis(millis), self.count), event);
    }

    /// Tells the machine, holds the laws, carries out the orders.
    fn tell(&mut self, event: Event) {
        if let Event::Exited { run, .. } | Event::StartFailed { run, .. } = &event {
            self.live.remove(run);
        }
        if let Event::TurnGranted { turn } = &event
            && !self.turns.contains(turn)
        {
            return;
        }
        self.log.push((self.now, event.clone()));
        let orders = self.machine.handle(self.now, event);
        if !orders.is_empty() {
            let board = serde_json::to_string(&self.machine.picture()).unwrap();
            assert!(!board.contains(MARKER), "law 8: a value on the board");
        }
        for order in orders {
            self.orders.push(order.clone());
            self.carry_out(order);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Start { run, environment, .. } => self.start(run, &environment),
            Order::Stop { run } => {
                assert!(self.live.contains_key(&run), "a stop for no process");
                let delay = self.whim(400);
                self.plan(delay, Event::Exited { run, exit: Exit::Code(0) });
            }
            Order::Kill { run } => self.plan(1, Event::Exited { run, exit: Exit::Signal(9) }),
            Order::Signal { run, .. } => assert!(self.live.contains_key(&run), "a signal for no process"),
            Order::Probe { run, pace, .. } => {
                let before = self.probing.replace((run, pace));
                if before.is_none_or(|(probed, _)| probed != run) {
                    (0..3).for_each(|check| self.plan_probe(run, check));
                }
            }
            Order::ProbeNothing => self.probing = None,
            Order::Reload { run, environment } => self.reload(run, &environment),
            Order::Check { check, environment } => {
                self.must_be_allowed(&environment);
                let delay = self.whim(50);
                let verdict = if self.obliging || self.whim(9) > 0 { Ok(()) } else { Err("refused".to_owned()) };
                self.plan(delay, Event::Checked { check, verdict });
            }
            Order::CancelCheck { check } => {
                self.coming.retain(|_, event| !matches!(event, Event::Checked { check: asked, .. } if *asked == check));
                self.over.push_front(check);
            }
            Order::AskTurn { turn } => {
                self.turns.insert(turn);
                let delay = self.whim(3_000);
                self.plan(delay, Event::TurnGranted { turn });
            }
            Order::ReturnTurn { turn } => assert!(self.turns.remove(&turn), "a turn given back twice"),
            Order::Drain { drain } => {
                self.drains.insert(drain);
                self.plan(20, Event::Drained { drain });
            }
            Order::Undrain { drain } => assert!(self.drains.remove(&drain), "undrained twice"),
            Order::KeepGood { good } => {
                let count = good.len();
                assert!(count <= 5, "five are kept");
                self.good = good.iter().map(|good| good.environment.fingerprint()).collect();
                assert_eq!(self.good.len(), count, "each environment once");
            }
            Order::KeepQuarantine { quarantine } => {
                assert!(self.good.len() + quarantine.len() > 0 || self.quarantine.len() > quarantine.len());
                assert!(quarantine.is_empty() || !self.good.is_empty(), "law 4: a quarantine without a good one");
                self.quarantine = quarantine;
            }
            Order::Record { .. } => {}
        }
    }

    /// What breaks the schema gets nowhere near the service.
    fn must_be_allowed(&self, environment: &Environment) -> usize {
        let number = self.environments.iter().position(|known| **known == *environment).expect("a known environment");
        assert_ne!(number, VIOLATING, "what was rejected is used");
        number
    }

    fn reload(&mut self, run: RunId, environment: &Environment) {
        let number = self.must_be_allowed(environment);
        let refused = !self.obliging && self.whim(9) == 0;
        let process = self.live.get_mut(&run).expect("a reload of no process");
        if refused {
            self.plan(0, Event::ReloadFailed { run, error: "disk full".into() });
            return;
        }
        process.environment = number;
        if let Behaviour::Exits(after) = behaviour(number, process.build) {
            self.plan(after, Event::Exited { run, exit: Exit::Code(1) });
        }
    }

    fn start(&mut self, run: RunId, environment: &Environment) {
        assert!(self.live.is_empty(), "law 1: two live runs");
        assert!(!self.shut_down, "law 2: a start after shutdown");
        assert!(run > self.last_run, "run numbers only grow");
        self.last_run = run;
        let fingerprint = environment.fingerprint();
        if self.wish != Some(fingerprint) {
            let once_wanted = !self.good.contains(&fingerprint);
            assert!(
                !once_wanted || self.good.is_empty() || self.base_is(fingerprint),
                "law 4: back to what was never good"
            );
        }
        let pair = Pair { environment: fingerprint, build: build(self.installed) };
        assert!(!self.quarantine.iter().any(|held| held.pair == pair), "law 4: {pair:?} is in quarantine");

        let number = self.must_be_allowed(environment);
        let behaviour = behaviour(number, self.installed);
        if behaviour == Behaviour::CannotStart {
            self.plan(0, Event::StartFailed { run, error: "permission denied".into() });
        } else {
            self.plan(0, Event::Started { run, pid: 4 });
        }
        if let Behaviour::Exits(after) = behaviour {
            self.plan(after, Event::Exited { run, exit: Exit::Code(1) });
        }
        self.live.insert(run, Process { environment: number, build: self.installed, started: self.now });
    }

    /// A crash restart of what was switched to before the wish changed again: the new wish is still on its road.
    fn base_is(&mut self, fingerprint: Fingerprint) -> bool {
        self.machine.picture().config.fingerprint == Some(fingerprint)
    }

    fn whim(&mut self, bound: u64) -> u64 {
        u64::try_from(self.whims.up_to(Duration::from_millis(bound)).as_millis()).unwrap_or(bound)
    }
}

fn build(number: u8) -> Build {
    Build(format!("go:{number}"))
}
