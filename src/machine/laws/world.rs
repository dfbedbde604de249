//! A small model of the world: it carries out orders, lets processes behave well or badly, and holds the laws at
//! every step.

mod actions;
mod connections;
mod guard;
mod late;
mod nature;
mod orders;
mod probes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(super) use actions::{Action, Beginning, Dependency, action, beginning};
pub(super) use nature::{MARKER, PROVES_NOTHING, TAKES_NOTHING_BACK, policy};

use crate::environment::{Environment, Fingerprint};
use crate::machine::event::{Event, Exit, TrafficState, Verb};
use crate::machine::hold::Hold;
use crate::machine::ledger::Quarantined;
use crate::machine::numbers::{RequestId, RunId, TurnId};
use crate::machine::order::{Effect, Order, Pace, Traffic};
use crate::machine::policy::Policy;
use crate::machine::random::Random;
use crate::machine::reload::Pending;
use crate::machine::{Board, Machine, Moment, Restored, Version};
use connections::Connections;
use guard::Watched;
use late::Over;
use nature::{Behaviour, KINDS, VIOLATING, behaviour, build, environment, left_behind, policy_of};

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
    /// The level that was ordered last.
    traffic: Option<(RunId, Traffic)>,
    /// The run that is out of traffic.
    out: Option<RunId>,
    /// Whether it began to leave traffic while we had the turn: a turn that is lost later changes nothing.
    left_in_turn: bool,
    /// The run that leaves traffic, and since when.
    leaving: Option<(RunId, Moment)>,
    environments: Vec<Arc<Environment>>,
    coming: BTreeMap<(Moment, u64), Event>,
    count: u64,
    live: BTreeMap<RunId, Process>,
    last_run: RunId,
    probing: BTreeMap<RunId, Pace>,
    /// The run that new connections go to, and those that have ever been ready.
    connections: Connections,
    installed: u8,
    dependency: Dependency,
    good: BTreeSet<Fingerprint>,
    quarantine: Vec<Quarantined>,
    hold: Option<Hold>,
    asked: Option<RequestId>,
    pub(super) answers: Vec<Result<Effect, String>>,
    policy: Policy,
    /// The turn that has been granted and not lost.
    granted: Option<TurnId>,
    wish: Option<Fingerprint>,
    guard: Watched,
    /// The environments that a start may use although they are not the newest wish and were never good: the last one,
    /// and those wanted since.
    startable: BTreeSet<Fingerprint>,
    shut_down: bool,
    whims: Random,
    obliging: bool,
    over: Over,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self::begin(seed, Beginning::Fresh)
    }

    pub(super) fn begin(seed: u64, beginning: Beginning) -> Self {
        let restored = if matches!(beginning, Beginning::Fresh | Beginning::Overlapping) {
            Restored::default()
        } else {
            left_behind()
        };
        let mut world = Self {
            good: restored.good.iter().map(|good| good.environment.fingerprint()).collect(),
            quarantine: restored.quarantine.clone(),
            machine: Machine::new(policy(), restored, seed, Moment(0), 0),
            now: Moment(0),
            log: Vec::new(),
            orders: Vec::new(),
            turns: BTreeSet::new(),
            traffic: None,
            out: None,
            left_in_turn: false,
            leaving: None,
            environments: (0..usize::from(KINDS)).map(environment).collect(),
            coming: BTreeMap::new(),
            count: 0,
            live: BTreeMap::new(),
            last_run: RunId(0),
            probing: BTreeMap::new(),
            connections: Connections::default(),
            installed: 0,
            dependency: Dependency::Up,
            hold: None,
            asked: None,
            answers: Vec::new(),
            policy: policy(),
            granted: None,
            wish: None,
            guard: Watched::default(),
            startable: BTreeSet::new(),
            shut_down: false,
            whims: Random::new(seed ^ 0x5eed),
            obliging: false,
            over: Over::default(),
        };
        world.act(Action::Install(0));
        match beginning {
            Beginning::Fresh | Beginning::Restored => {}
            Beginning::Overlapping => world.act(Action::Reload(nature::OVERLAPS)),
            Beginning::Adopted => world.adopt(0),
            Beginning::Stranger => world.adopt(99),
        }
        world
    }

    fn adopt(&mut self, number: usize) {
        let run = self.last_run.next();
        self.last_run = run;
        self.live.insert(run, Process { environment: number, build: 0, started: self.now });
        self.connections.begin(run, self.live.len());
        let environment = environment(number).fingerprint();
        self.tell(Event::Adopted { run, pid: 4, environment, build: build(0) });
    }

    /// Whether something is in traffic, as far as traffic is steered.
    pub(super) fn is_in_traffic(&self) -> bool {
        self.policy.drain_max.is_some() && matches!(self.traffic, Some((_, Traffic::In)))
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
                let newest = self.live.len() > 1 && self.whim(1) == 0;
                let run = if newest { self.live.keys().next_back() } else { self.live.keys().next() };
                if let Some(&run) = run {
                    self.tell(Event::Exited { run, exit: Exit::Signal(11) });
                }
            }
            Action::Operator(verb) => self.ask(verb),
            Action::LoseTurn => {
                if let Some(turn) = self.turns.pop_first() {
                    self.granted = None;
                    self.tell(Event::TurnLost { turn });
                    self.over.turn = Some(turn);
                }
            }
            Action::LateFact(kind) => self.late_fact(kind),
            Action::Signal => self.tell(Event::Signal { signal: 10 }),
            Action::Reload(number) => self.reload(number),
            Action::CannotSteer => self.tell(Event::Steering { problem: Some("the kernel refuses".into()) }),
            Action::Shutdown => {
                self.shut_down = true;
                self.tell(Event::Shutdown);
            }
        }
    }

    fn wish(&mut self, environment: Arc<Environment>) {
        self.wish = Some(environment.fingerprint());
        self.startable.extend(self.wish);
        let broken = self.environments.get(VIOLATING) == Some(&environment);
        let violations = if broken { vec!["NUMBER is not a number".to_owned()] } else { Vec::new() };
        self.tell(Event::Wish { environment, violations });
    }

    /// A new policy never touches a running process.
    fn reload(&mut self, number: u8) {
        self.policy = policy_of(number);
        self.coming.retain(|_, event| !matches!(event, Event::Probed { .. }));
        let count = self.orders.len();
        self.tell(Event::Policy { policy: Box::new(self.policy.clone()) });
        self.tell(Event::Reloaded { who: Some(7), outcome: Ok(Pending::default()) });
        let stops = |order: &Order| matches!(order, Order::Kill { .. } | Order::Signal { .. });
        assert!(!self.orders[count..].iter().any(stops), "a reload touched the process");
        for run in self.probing.keys().copied().collect::<Vec<_>>() {
            self.plan_probes(run);
        }
    }

    /// From now on everything works: dependencies are up, turns are granted, nothing is held or refused.
    pub(super) fn oblige(&mut self) {
        self.obliging = true;
        self.dependency = Dependency::Up;
        self.tell(Event::Steering { problem: None });
        self.ask(Verb::Unhold);
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

    /// Facts about processes that have ended do not occur; probes see the world as it is when they run.
    fn deliver(&mut self, event: Event) {
        let event = match event {
            Event::Exited { run, .. } | Event::Started { run, .. } if !self.live.contains_key(&run) => return,
            Event::Probed { run, check, .. } => {
                if !self.probing.contains_key(&run) {
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

    fn plan(&mut self, millis: u64, event: Event) {
        self.count += 1;
        self.coming.insert((self.now + Duration::from_millis(millis), self.count), event);
    }

    /// Passes the event to the machine, checks the laws, carries out the orders.
    fn tell(&mut self, event: Event) {
        if let Event::Exited { run, .. } | Event::StartFailed { run, .. } = &event {
            self.live.remove(run);
        }
        self.watch_connections(&event);
        if let Event::TrafficChanged { run, state } = &event {
            let is_out = matches!(&self.traffic, Some((ordered, Traffic::Out { .. })) if ordered == run);
            if *state == TrafficState::Out && is_out {
                self.out = Some(*run);
            }
        }
        if let Event::TurnGranted { turn } = &event {
            if !self.turns.contains(turn) {
                return;
            }
            self.granted = Some(*turn);
        }
        self.watch_release(&event);
        let before = self.target();
        self.log.push((self.now, event.clone()));
        let orders = self.machine.handle(self.now, event);
        self.hold_to_the_guard(before);
        self.go_back_to_what_lives();
        if !orders.is_empty() {
            let board = serde_json::to_string(&self.machine.picture()).unwrap();
            assert!(!board.contains(MARKER), "law 8: a value on the board");
        }
        for order in orders {
            self.orders.push(order.clone());
            self.carry_out(order);
        }
        self.hold_to_the_handover();
        assert_eq!(self.machine.picture().hold, self.hold, "the hold on disk is the hold on the board");
    }

    /// A candidate that has ended leaves the run beside it: that is what is started again if it ends as well, though nothing
    /// was ever good.
    fn go_back_to_what_lives(&mut self) {
        let target = self.target();
        // What an earlier lictor has left behind may run on an environment that this one has never seen.
        let is_its =
            |process: &Process| self.environments.get(process.environment).map(|it| it.fingerprint()) == target;
        let lives = self.live.values().any(is_its);
        self.startable.extend(target.filter(|_| lives));
    }

    /// What a start starts.
    fn target(&self) -> Option<Fingerprint> {
        self.machine.targets.environment().map(|environment| environment.fingerprint())
    }

    fn whim(&mut self, bound: u64) -> u64 {
        u64::try_from(self.whims.up_to(Duration::from_millis(bound)).as_millis()).unwrap_or(bound)
    }
}
