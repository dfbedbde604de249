//! A small model of the world: it carries out orders, lets processes behave well or badly, and holds the laws at
//! every step.

mod actions;
mod nature;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(super) use actions::{Action, Beginning, Dependency, action, beginning};
pub(super) use nature::{MARKER, PROVES_NOTHING, TAKES_NOTHING_BACK, policy};

use crate::environment::{Environment, Fingerprint};
use crate::machine::event::{Event, Exit, Outcome, Verb};
use crate::machine::ledger::{Good, Quarantined};
use crate::machine::life::{Life, Purpose};
use crate::machine::numbers::{CheckId, DrainId, GenerationId, RunId, TurnId};
use crate::machine::order::{Order, Pace, Pair};
use crate::machine::policy::{Policy, Role, Step};
use crate::machine::random::Random;
use crate::machine::{Board, Machine, Moment, Restored, Version};
use nature::{Behaviour, KINDS, behaviour, build, environment, policy_of, well};

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
    policy: Policy,
    /// Has been granted and not lost.
    granted: Option<TurnId>,
    wish: Option<Fingerprint>,
    /// What a start may start although it is not the wish and was never good: the last one, and what was wanted since.
    startable: BTreeSet<Fingerprint>,
    shut_down: bool,
    whims: Random,
    obliging: bool,
    over: VecDeque<CheckId>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self::begin(seed, Beginning::Fresh)
    }

    pub(super) fn begin(seed: u64, beginning: Beginning) -> Self {
        let restored = if beginning == Beginning::Fresh { Restored::default() } else { left_behind() };
        let mut world = Self {
            good: restored.good.iter().map(|good| good.environment.fingerprint()).collect(),
            quarantine: restored.quarantine.clone(),
            machine: Machine::new(policy(), restored, seed, Moment(0), 0),
            now: Moment(0),
            log: Vec::new(),
            orders: Vec::new(),
            turns: BTreeSet::new(),
            drains: BTreeSet::new(),
            environments: (0..usize::from(KINDS)).map(environment).collect(),
            coming: BTreeMap::new(),
            count: 0,
            live: BTreeMap::new(),
            last_run: RunId(0),
            probing: None,
            installed: 0,
            dependency: Dependency::Up,
            policy: policy(),
            granted: None,
            wish: None,
            startable: BTreeSet::new(),
            shut_down: false,
            whims: Random::new(seed ^ 0x5eed),
            obliging: false,
            over: VecDeque::new(),
        };
        world.act(Action::Install(0));
        match beginning {
            Beginning::Fresh | Beginning::Restored => {}
            Beginning::Adopted => world.adopt(0),
            Beginning::Stranger => world.adopt(99),
        }
        world
    }

    fn adopt(&mut self, number: usize) {
        let run = self.last_run.next();
        self.last_run = run;
        self.live.insert(run, Process { environment: number, build: 0, started: self.now });
        let environment = environment(number).fingerprint();
        self.tell(Event::Adopted { run, pid: 4, environment, build: build(0) });
    }

    pub(super) fn board(&mut self) -> Board {
        self.machine.board(None)
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Wish(number) => {
                let environment = Arc::clone(&self.environments[usize::from(number)]);
                self.wish(environment);
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
                    self.granted = None;
                    self.tell(Event::TurnLost { turn });
                }
            }
            Action::LateFact(kind) => self.late_fact(kind),
            Action::Signal => self.tell(Event::Signal { signal: 10 }),
            Action::Reload(number) => self.reload(number),
            Action::Shutdown => {
                self.shut_down = true;
                self.tell(Event::Shutdown);
            }
        }
    }

    fn wish(&mut self, environment: Arc<Environment>) {
        self.wish = Some(environment.fingerprint());
        self.startable.extend(self.wish);
        self.tell(Event::Wish { environment });
    }

    /// A new policy never touches a running process.
    fn reload(&mut self, number: u8) {
        self.policy = policy_of(number);
        self.coming.retain(|_, event| !matches!(event, Event::Probed { .. }));
        let count = self.orders.len();
        self.tell(Event::Policy { policy: Box::new(self.policy.clone()) });
        let stops = |order: &Order| matches!(order, Order::Kill { .. } | Order::Signal { .. });
        assert!(!self.orders[count..].iter().any(stops), "a reload touched the process");
        if let Some((run, _)) = self.probing {
            self.plan_probes(run);
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
        self.wish(environment);
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
                    self.now = self.now.max(at);
                    assert_ne!(self.log.last(), Some(&(self.now, Event::Tick)), "the machine spins");
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
        let Some(rule) = self.policy.checks.get(check) else { return Outcome::Fail("no such check".into()) };
        let behaviour = behaviour(process.environment, process.build);
        let well = well(behaviour, rule.role, self.now - process.started);
        let up = self.dependency == Dependency::Up || rule.role != Role::Readiness;
        if well && up { Outcome::Pass } else { Outcome::Fail("503".into()) }
    }

    fn plan_probes(&mut self, run: RunId) {
        (0..self.policy.checks.len()).for_each(|check| self.plan_probe(run, check));
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
        if let Event::TurnGranted { turn } = &event {
            if !self.turns.contains(turn) {
                return;
            }
            self.granted = Some(*turn);
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
                self.hold_to_turns();
                let delay = if self.whim(9) == 0 { 5_000 } else { self.whim(400) };
                self.plan(delay, Event::Exited { run, exit: Exit::Code(0) });
            }
            Order::Kill { run } => self.plan(1, Event::Exited { run, exit: Exit::Signal(9) }),
            Order::Signal { run, .. } => assert!(self.live.contains_key(&run), "a signal for no process"),
            Order::Probe { run, pace, .. } => {
                let before = self.probing.replace((run, pace));
                if before.is_none_or(|(probed, _)| probed != run) {
                    self.plan_probes(run);
                }
            }
            Order::ProbeNothing => self.probing = None,
            Order::Check { check, .. } => {
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
            Order::ReturnTurn { turn } => {
                assert!(self.turns.remove(&turn), "a turn given back twice");
                self.granted = None;
            }
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

    fn start(&mut self, run: RunId, environment: &Environment) {
        assert!(self.live.is_empty(), "law 1: two live runs");
        assert!(!self.shut_down, "law 2: a start after shutdown");
        assert!(run > self.last_run, "run numbers only grow");
        self.last_run = run;
        let fingerprint = environment.fingerprint();
        let good = self.good.contains(&fingerprint);
        assert!(good || self.startable.contains(&fingerprint), "law 4: back to what was never good");
        assert!(good || self.good.is_empty() || self.machine.hold.is_none(), "a start of what is not good while held");
        self.startable = [Some(fingerprint), self.wish].into_iter().flatten().collect();
        let pair = Pair { environment: fingerprint, build: build(self.installed) };
        let elsewhere = self.good.iter().any(|good| *good != fingerprint);
        let quarantined = self.quarantine.iter().any(|held| held.pair == pair);
        assert!(!(quarantined && elsewhere), "law 4: {pair:?} is in quarantine");

        let number = self.environments.iter().position(|known| **known == *environment).expect("a known environment");
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

    /// A process that serves is stopped for another environment only in our turn.
    fn hold_to_turns(&self) {
        let switching = matches!(self.machine.life, Life::Stopping(_, Purpose::Switch)) && self.last_run != RunId(1);
        if switching && self.policy.turn == Step::Configured {
            assert!(self.granted.is_some(), "a restart for config without a turn");
        }
    }

    fn whim(&mut self, bound: u64) -> u64 {
        u64::try_from(self.whims.up_to(Duration::from_millis(bound)).as_millis()).unwrap_or(bound)
    }
}

/// What an earlier lictor left on disk.
fn left_behind() -> Restored {
    let good = Good { environment: environment(0), builds: vec![build(0)], generation: GenerationId(3), at_unix_ms: 1 };
    let pair = Pair { environment: environment(1).fingerprint(), build: build(0) };
    let quarantined = Quarantined { pair, reason: "exited with 1".into(), at_unix_ms: 2 };
    Restored { good: vec![good], quarantine: vec![quarantined], next_generation: GenerationId(5) }
}
