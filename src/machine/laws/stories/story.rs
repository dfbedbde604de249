//! The teller: a machine whose world answers at once, unless a story says that a part is answered by hand.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::replay::Told;
use crate::environment::{Environment, Fingerprint, Variable, Visibility};
use crate::machine::board::ConfigState;
use crate::machine::event::{Event, Exit, Outcome as Probed, Verb};
use crate::machine::history::Outcome;
use crate::machine::numbers::{CheckId, DrainId, RunId, TurnId};
use crate::machine::order::{Order, Pace};
use crate::machine::policy::{CheckRule, Policy, Role};
use crate::machine::{Board, Build, Machine, Moment, Restored, Version};

pub(in super::super) const SECOND: u64 = 1_000;

/// What answers an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Part {
    Start,
    Stop,
    Check,
    Turn,
    Drain,
}

/// How a process of some pair behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Nature {
    /// Its probes fail.
    Sick,
    /// It ends one second after its start.
    Dies,
    /// It cannot be started.
    Refuses,
}

/// What the probes of one check find, once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Weather {
    Passing,
    Failing,
    /// No probe comes back.
    Silent,
}

struct Process {
    run: RunId,
    /// `a on 1`.
    pair: String,
    dies_at: Option<Moment>,
}

pub(in super::super) struct Story {
    pub(in super::super) machine: Machine,
    first_policy: Policy,
    policy: Policy,
    log: Vec<Told>,
    now: Moment,
    build: String,
    by_hand: BTreeSet<Part>,
    natures: Vec<(String, Nature)>,
    weather: Vec<Weather>,
    process: Option<Process>,
    probing: Option<(RunId, Pace)>,
    probe_at: Moment,
    check: Option<CheckId>,
    turn: Option<TurnId>,
    drain: Option<DrainId>,
    did: Vec<String>,
    starts: Vec<String>,
    started_at: Moment,
    records: Vec<Outcome>,
    good: Vec<String>,
}

/// A check with the defaults of the configuration.
pub(in super::super) fn check(name: &str, role: Role) -> CheckRule {
    CheckRule { name: name.into(), role, rise: 1, fall: 3, good: "Good".into(), bad: "Bad".into() }
}

pub(in super::super) fn environment(name: &str) -> Arc<Environment> {
    let value = Variable { value: name.to_owned().into(), origin: "story".into(), visibility: Visibility::Secret };
    Arc::new(Environment::new([("NAME".to_owned(), value)].into()))
}

pub(in super::super) fn build(name: &str) -> Build {
    Build(format!("go:{name}"))
}

fn name_of(fingerprint: Fingerprint) -> String {
    let known = |letter: &char| environment(&letter.to_string()).fingerprint() == fingerprint;
    ('a'..='z').find(known).expect("environments have one letter").to_string()
}

impl Story {
    pub(in super::super) const SEED: u64 = 1;

    /// The defaults (healthy for 10 s by 90 s, crashes back off from 1 s to 60 s) with one readiness check, no quiet
    /// time and build 1 installed.
    pub(in super::super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(in super::super) fn with(change: impl FnOnce(&mut Policy)) -> Self {
        Self::restored(Restored::default(), change)
    }

    pub(in super::super) fn restored(restored: Restored, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy::new("billing");
        policy.quiet_min = Duration::ZERO;
        policy.checks = vec![check("Web", Role::Readiness)];
        change(&mut policy);
        let mut story = Self {
            machine: Machine::new(policy.clone(), restored, Self::SEED, Moment(0), 0),
            weather: vec![Weather::Passing; policy.checks.len()],
            first_policy: policy.clone(),
            policy,
            log: Vec::new(),
            now: Moment(0),
            build: String::new(),
            by_hand: BTreeSet::new(),
            natures: Vec::new(),
            process: None,
            probing: None,
            probe_at: Moment(0),
            check: None,
            turn: None,
            drain: None,
            did: Vec::new(),
            starts: Vec::new(),
            started_at: Moment(0),
            records: Vec::new(),
            good: Vec::new(),
        };
        story.installed("1");
        story
    }

    /// The service runs on `a`, which is good with build 1; told from there.
    pub(in super::super) fn good_on_a() -> Self {
        Self::good_on_a_with(|_| {})
    }

    pub(in super::super) fn good_on_a_with(change: impl FnOnce(&mut Policy)) -> Self {
        let mut story = Self::with(change);
        story.becomes_good("a");
        story
    }

    /// `name` is wanted, passes its trial, and runs on for long; what was done until then is forgotten.
    pub(in super::super) fn becomes_good(&mut self, name: &str) {
        self.wish(name);
        self.passes(15 * SECOND);
        assert_eq!(self.state(), ConfigState::Good, "{name} is good: {:#?}", self.board().config);
        self.passes(180 * SECOND);
        self.forget();
    }

    // What happens.

    pub(in super::super) fn wish(&mut self, name: &str) {
        self.tell(Event::Wish { environment: environment(name) });
    }

    pub(in super::super) fn unfit(&mut self) {
        self.tell(Event::Unfit { reasons: vec!["A holds a NUL byte".into()] });
    }

    pub(in super::super) fn installed(&mut self, name: &str) {
        name.clone_into(&mut self.build);
        self.tell(Event::Installed { build: build(name), version: Version::default() });
    }

    pub(in super::super) fn hold(&mut self) {
        self.operator(Verb::Hold { reason: "night".into() });
    }

    pub(in super::super) fn unhold(&mut self) {
        self.operator(Verb::Unhold);
    }

    pub(in super::super) fn restart(&mut self) {
        self.operator(Verb::Restart);
    }

    pub(in super::super) fn retry(&mut self) {
        self.operator(Verb::Retry);
    }

    pub(in super::super) fn revert(&mut self) {
        self.operator(Verb::Revert);
    }

    fn operator(&mut self, verb: Verb) {
        self.tell(Event::Operator { verb });
    }

    /// A process of an earlier lictor still runs.
    pub(in super::super) fn adopted(&mut self, name: &str, on: &str) {
        let run = RunId(1);
        let (environment, build) = (environment(name).fingerprint(), build(on));
        self.process = Some(Process { run, pair: pair_name(name, &build), dies_at: None });
        self.tell(Event::Adopted { run, pid: 7, environment, build });
    }

    pub(in super::super) fn signal(&mut self, signal: i32) {
        self.tell(Event::Signal { signal });
    }

    pub(in super::super) fn shutdown(&mut self) {
        self.tell(Event::Shutdown);
    }

    pub(in super::super) fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.weather.resize(self.policy.checks.len(), Weather::Passing);
        self.tell(Event::Policy { policy: Box::new(self.policy.clone()) });
    }

    /// The process that runs ends by itself.
    pub(in super::super) fn exits(&mut self, code: i32) {
        let run = self.process.take().expect("a process runs").run;
        self.tell(Event::Exited { run, exit: Exit::Code(code) });
    }

    /// The process that was asked for by hand runs now.
    pub(in super::super) fn started(&mut self) {
        let run = self.process.as_ref().expect("a process was asked for").run;
        self.started_at = self.now;
        self.tell(Event::Started { run, pid: 7 });
    }

    pub(in super::super) fn probe(&mut self, name: &str, outcome: Probed) {
        let run = self.process.as_ref().expect("a process runs").run;
        let check = self.index(name);
        self.tell(Event::Probed { run, check, outcome, took: Duration::from_millis(2) });
    }

    pub(in super::super) fn checked(&mut self, verdict: Result<(), &str>) {
        let check = self.check.take().expect("a check was asked for");
        self.tell(Event::Checked { check, verdict: verdict.map_err(str::to_owned) });
    }

    pub(in super::super) fn turn_granted(&mut self) {
        let turn = self.turn.expect("a turn was asked for");
        self.tell(Event::TurnGranted { turn });
    }

    pub(in super::super) fn turn_lost(&mut self) {
        let turn = self.turn.take().expect("a turn was asked for");
        self.tell(Event::TurnLost { turn });
    }

    pub(in super::super) fn drained(&mut self) {
        let drain = self.drain.expect("a drain was asked for");
        self.tell(Event::Drained { drain });
    }

    /// From now on this part is answered by the story alone.
    pub(in super::super) fn by_hand(&mut self, part: Part) {
        self.by_hand.insert(part);
    }

    /// From now on the processes whose pair (`b on 2`) contains these words behave like this.
    pub(in super::super) fn nature(&mut self, words: &str, nature: Nature) {
        self.natures.push((words.to_owned(), nature));
    }

    /// From now on, nature is kind to all processes that are started.
    pub(in super::super) fn cured(&mut self) {
        self.natures.clear();
    }

    pub(in super::super) fn weather(&mut self, name: &str, weather: Weather) {
        let check = self.index(name);
        self.weather[check] = weather;
    }

    fn index(&self, name: &str) -> usize {
        self.policy.checks.iter().position(|rule| rule.name == name).expect("a known check")
    }

    /// Time passes: probes come back once a second, the machine is woken when it asks for it.
    pub(in super::super) fn passes(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        loop {
            let wake = self.machine.next_wake();
            let probe = self.probing.map(|_| self.probe_at);
            let death = self.process.as_ref().and_then(|process| process.dies_at);
            let Some(next) = [wake, probe, death].into_iter().flatten().min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            if death == Some(next) {
                self.exits(1);
            } else if probe == Some(next) {
                self.probe_all();
            } else {
                self.tell(Event::Tick);
                assert!(self.machine.next_wake().is_none_or(|at| at > self.now), "the machine spins");
            }
        }
        self.now = until;
    }

    fn probe_all(&mut self) {
        self.probe_at = self.now + Duration::from_secs(1);
        for check in 0..self.weather.len() {
            let Some(process) = &self.process else { return };
            if self.probing.is_none_or(|(probed, _)| probed != process.run) {
                return;
            }
            let sick = self.nature_of(&process.pair) == Some(Nature::Sick);
            let outcome = match self.weather[check] {
                Weather::Silent => continue,
                Weather::Passing if !sick => Probed::Pass,
                _ => Probed::Fail("503".into()),
            };
            self.tell(Event::Probed { run: process.run, check, outcome, took: Duration::from_millis(2) });
        }
    }

    // What came of it.

    /// What was ordered since the last question, in words.
    pub(in super::super) fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    /// The pairs that were started since the last question.
    pub(in super::super) fn starts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.starts)
    }

    /// What became of wishes and runs since the last question.
    pub(in super::super) fn records(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.records)
    }

    pub(in super::super) fn forget(&mut self) {
        self.did.clear();
        self.starts.clear();
        self.records.clear();
    }

    pub(in super::super) fn board(&mut self) -> Board {
        self.machine.board(None)
    }

    pub(in super::super) fn state(&mut self) -> ConfigState {
        self.board().config.state
    }

    pub(in super::super) fn message(&mut self) -> String {
        self.board().config.message.unwrap_or_default()
    }

    pub(in super::super) fn quarantine(&mut self) -> Vec<String> {
        let quarantine = self.board().config.quarantine;
        quarantine.iter().map(|held| pair_name(&name_of(held.environment), &held.build)).collect()
    }

    /// The good environments that were to be kept last, newest first.
    pub(in super::super) fn good(&self) -> Vec<&str> {
        self.good.iter().map(String::as_str).collect()
    }

    /// The pair that runs, or `nothing`.
    pub(in super::super) fn running(&self) -> &str {
        self.process.as_ref().map_or("nothing", |process| &process.pair)
    }

    pub(in super::super) fn pace(&self) -> Option<Pace> {
        self.probing.map(|(_, pace)| pace)
    }

    /// All that was told and ordered.
    pub(in super::super) fn log(&self) -> &[Told] {
        &self.log
    }

    /// The policy that it began with.
    pub(in super::super) fn first_policy(&self) -> Policy {
        self.first_policy.clone()
    }

    /// How many turns and drains are asked for or had.
    pub(in super::super) fn held(&self) -> usize {
        usize::from(self.turn.is_some()) + usize::from(self.drain.is_some())
    }

    pub(in super::super) fn started_at(&self) -> Moment {
        self.started_at
    }

    pub(in super::super) fn now(&self) -> Moment {
        self.now
    }

    // The world.

    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let orders = self.machine.handle(self.now, event.clone());
            self.log.push(Told::new(self.now, event, &orders));
            for order in orders {
                self.note(&order);
                events.extend(self.carry_out(order));
            }
        }
    }

    fn note(&mut self, order: &Order) {
        let word = match order {
            Order::Start { environment, .. } => format!("start {}", name_of(environment.fingerprint())),
            Order::Stop { .. } => "stop".into(),
            Order::Kill { .. } => "kill".into(),
            Order::Signal { signal, .. } => format!("signal {signal}"),
            Order::Check { environment, .. } => format!("check {}", name_of(environment.fingerprint())),
            Order::CancelCheck { .. } => "cancel check".into(),
            Order::AskTurn { .. } => "ask turn".into(),
            Order::ReturnTurn { .. } => "return turn".into(),
            Order::Drain { .. } => "drain".into(),
            Order::Undrain { .. } => "undrain".into(),
            _ => return,
        };
        self.did.push(word);
    }

    /// The answer, if it comes at once.
    fn carry_out(&mut self, order: Order) -> Option<Event> {
        let at_once = |part| !self.by_hand.contains(&part);
        match order {
            Order::Start { run, environment, .. } => {
                assert!(self.process.is_none(), "two live processes");
                let pair = pair_name(&name_of(environment.fingerprint()), &build(&self.build));
                self.starts.push(pair.clone());
                self.started_at = self.now;
                let nature = self.nature_of(&pair);
                if nature == Some(Nature::Refuses) {
                    return Some(Event::StartFailed { run, error: "permission denied".into() });
                }
                let answer = at_once(Part::Start).then_some(Event::Started { run, pid: 7 });
                let dies_at = (nature == Some(Nature::Dies)).then(|| self.now + Duration::from_secs(1));
                self.process = Some(Process { run, pair, dies_at });
                answer
            }
            Order::Stop { run } if at_once(Part::Stop) => {
                self.process = None;
                Some(Event::Exited { run, exit: Exit::Code(0) })
            }
            Order::Probe { run, pace, .. } => {
                if self.probing.is_none_or(|(probed, _)| probed != run) {
                    self.probe_at = self.now + Duration::from_secs(1);
                }
                self.probing = Some((run, pace));
                None
            }
            Order::ProbeNothing => {
                self.probing = None;
                None
            }
            Order::Check { check, .. } => {
                let answer = at_once(Part::Check).then_some(Event::Checked { check, verdict: Ok(()) });
                self.check = Some(check);
                answer
            }
            Order::CancelCheck { .. } => {
                self.check = None;
                None
            }
            Order::AskTurn { turn } => {
                let answer = at_once(Part::Turn).then_some(Event::TurnGranted { turn });
                assert!(self.turn.replace(turn).is_none(), "two turns");
                answer
            }
            Order::ReturnTurn { .. } => {
                self.turn.take().expect("a turn is given back once");
                None
            }
            Order::Drain { drain } => {
                let answer = at_once(Part::Drain).then_some(Event::Drained { drain });
                assert!(self.drain.replace(drain).is_none(), "two drains");
                answer
            }
            Order::Undrain { .. } => {
                self.drain.take().expect("undrained once");
                None
            }
            Order::KeepGood { good } => {
                self.good = good.iter().map(|good| name_of(good.environment.fingerprint())).collect();
                None
            }
            Order::Record { entry } => {
                self.records.push(entry.outcome);
                None
            }
            Order::Stop { .. } | Order::Kill { .. } | Order::Signal { .. } | Order::KeepQuarantine { .. } => None,
        }
    }

    fn nature_of(&self, pair: &str) -> Option<Nature> {
        self.natures.iter().find(|(words, _)| pair.contains(words.as_str())).map(|(_, nature)| *nature)
    }
}

fn pair_name(environment: &str, build: &Build) -> String {
    format!("{environment} on {}", build.0.trim_start_matches("go:"))
}
