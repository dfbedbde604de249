//! A story: a machine in a world that carries out orders at once, except for the parts that a story answers by hand.

mod outcome;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::environment::{Environment, Fingerprint, Variable, Visibility};
use crate::machine::board::ConfigState;
use crate::machine::event::{CheckVerdict, Event, Exit, ProbeResult, Requester, TrafficState, TurnRefusal, Verb};
use crate::machine::history::Outcome;
use crate::machine::laws::replay::Logged;
use crate::machine::numbers::{CheckId, RunId, TurnId};
use crate::machine::order::Pace;
use crate::machine::policy::{CheckRule, Handover, Policy, Role};
use crate::machine::{Build, Machine, Moment, Restored, Version};

pub(in crate::machine) const SECOND: u64 = 1_000;

/// What answers an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::machine) enum Part {
    Start,
    Stop,
    Check,
    Turn,
    Traffic,
    Steer,
}

/// How a process behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum Nature {
    /// Its probes fail.
    Sick,
    /// Its probes fail once new connections go to it.
    SickensInTraffic,
    /// It ends one second after its start.
    Dies,
    /// It cannot be started.
    Refuses,
}

/// What the probes of one check find, once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum Weather {
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

pub(in crate::machine) struct Story {
    pub(in crate::machine) machine: Machine,
    first_policy: Policy,
    policy: Policy,
    log: Vec<Logged>,
    now: Moment,
    build: String,
    by_hand: BTreeSet<Part>,
    natures: Vec<(String, Nature)>,
    weather: Vec<Weather>,
    /// The newest.
    process: Option<Process>,
    /// The one before it, if it still runs.
    beside: Option<Process>,
    /// The run that new connections go to.
    connected: Option<RunId>,
    probing: Vec<(RunId, Pace)>,
    probe_at: Moment,
    check: Option<CheckId>,
    turn: Option<TurnId>,
    leaving: Option<RunId>,
    did: Vec<String>,
    starts: Vec<String>,
    started_at: Moment,
    records: Vec<Outcome>,
    good: Vec<String>,
}

/// A check with the defaults of the configuration.
pub(in crate::machine) fn check(name: &str, role: Role) -> CheckRule {
    CheckRule { name: name.into(), role, rise: 1, fall: 3, good: "Good".into(), bad: "Bad".into() }
}

pub(in crate::machine) fn environment(name: &str) -> Arc<Environment> {
    let value = Variable::new(name.to_owned().into(), "story".into(), Visibility::Secret);
    Arc::new(Environment::new([("NAME".to_owned(), value)].into()))
}

pub(in crate::machine) fn build(name: &str) -> Build {
    Build(format!("go:{name}"))
}

fn name_of(fingerprint: Fingerprint) -> String {
    let known = |letter: &char| environment(&letter.to_string()).fingerprint() == fingerprint;
    ('a'..='z').find(known).expect("environments have one letter").to_string()
}

impl Story {
    pub(in crate::machine) const SEED: u64 = 1;

    /// The defaults (healthy for 10 s by 90 s, crashes back off from 1 s to 60 s) with one readiness check, no quiet
    /// time and build 1 installed.
    pub(in crate::machine) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(in crate::machine) fn with(change: impl FnOnce(&mut Policy)) -> Self {
        Self::restored(Restored::default(), change)
    }

    pub(in crate::machine) fn restored(restored: Restored, change: impl FnOnce(&mut Policy)) -> Self {
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
            beside: None,
            connected: None,
            probing: Vec::new(),
            probe_at: Moment(0),
            check: None,
            turn: None,
            leaving: None,
            did: Vec::new(),
            starts: Vec::new(),
            started_at: Moment(0),
            records: Vec::new(),
            good: Vec::new(),
        };
        story.installed("1");
        story
    }

    /// A story that begins with the service on `a`, which is good with build 1.
    pub(in crate::machine) fn good_on_a() -> Self {
        Self::good_on_a_with(|_| {})
    }

    pub(in crate::machine) fn good_on_a_with(change: impl FnOnce(&mut Policy)) -> Self {
        let mut story = Self::with(change);
        story.becomes_good("a");
        story
    }

    /// `name` is wanted, passes its trial, and runs for a long time; the orders until then are forgotten.
    pub(in crate::machine) fn becomes_good(&mut self, name: &str) {
        self.wish(name);
        self.passes(15 * SECOND);
        assert_eq!(self.state(), ConfigState::Good, "{name} is good: {:#?}", self.board().config);
        self.passes(180 * SECOND);
        self.forget();
    }

    // What happens.

    pub(in crate::machine) fn wish(&mut self, name: &str) {
        self.tell(Event::Wish { environment: environment(name), violations: Vec::new() });
    }

    pub(in crate::machine) fn unfit(&mut self) {
        self.tell(Event::Unfit { reasons: vec!["A holds a NUL byte".into()] });
    }

    pub(in crate::machine) fn installed(&mut self, name: &str) {
        name.clone_into(&mut self.build);
        self.tell(Event::Installed { build: build(name), version: Version::default() });
    }

    pub(in crate::machine) fn hold(&mut self) {
        self.operator(Verb::Hold { reason: "night".into(), length: None });
    }

    pub(in crate::machine) fn unhold(&mut self) {
        self.operator(Verb::Unhold);
    }

    pub(in crate::machine) fn restart(&mut self) {
        self.operator(Verb::Restart);
    }

    pub(in crate::machine) fn retry(&mut self) {
        self.operator(Verb::Retry { fingerprint: None });
    }

    pub(in crate::machine) fn revert(&mut self) {
        self.operator(Verb::Revert);
    }

    fn operator(&mut self, verb: Verb) {
        self.tell(Event::Operator { verb, by: Requester::default() });
    }

    /// A process of an earlier lictor still runs.
    pub(in crate::machine) fn adopted(&mut self, name: &str, on: &str) {
        let run = RunId(1);
        let (environment, build) = (environment(name).fingerprint(), build(on));
        self.process = Some(Process { run, pair: pair_name(name, &build), dies_at: None });
        self.connected = Some(run);
        self.tell(Event::Adopted { run, pid: 7, environment, build });
    }

    pub(in crate::machine) fn signal(&mut self, signal: i32) {
        self.tell(Event::Signal { signal });
    }

    /// Time passes while neither lictor nor the service moves.
    pub(in crate::machine) fn stands_still(&mut self, millis: u64) {
        let length = Duration::from_millis(millis);
        self.now = self.now + length;
        self.probe_at = self.probe_at.max(self.now);
        self.tell(Event::Paused { length });
    }

    pub(in crate::machine) fn shutdown(&mut self) {
        self.tell(Event::Shutdown);
    }

    pub(in crate::machine) fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.weather.resize(self.policy.checks.len(), Weather::Passing);
        self.tell(Event::Policy { policy: Box::new(self.policy.clone()) });
    }

    /// The process that runs ends by itself.
    pub(in crate::machine) fn exits(&mut self, code: i32) {
        let run = self.process.as_ref().expect("a process runs").run;
        self.ends(run, Exit::Code(code));
    }

    /// The process before the newest one ends by itself.
    pub(in crate::machine) fn the_old_one_exits(&mut self, code: i32) {
        let run = self.beside.as_ref().expect("two processes run").run;
        self.ends(run, Exit::Code(code));
    }

    /// The process that was ordered to stop has ended.
    pub(in crate::machine) fn stopped(&mut self, name: &str) {
        let is_it = |process: &&Process| process.pair.starts_with(name);
        let run = self.processes().find(is_it).expect("a process of this environment").run;
        self.ends(run, Exit::Code(0));
    }

    fn ends(&mut self, run: RunId, exit: Exit) {
        self.remove(run);
        self.tell(Event::Exited { run, exit });
    }

    fn remove(&mut self, run: RunId) {
        self.process.take_if(|process| process.run == run);
        self.beside.take_if(|process| process.run == run);
        self.process = self.process.take().or_else(|| self.beside.take());
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.process.iter().chain(&self.beside)
    }

    fn overlaps(&self) -> bool {
        self.policy.handover != Handover::Restart
    }

    /// The old process has opened these ports by itself, besides the sockets that lictor holds.
    pub(in crate::machine) fn first_listens_on(&mut self, ports: &[u16]) {
        self.tell(Event::OwnPorts { run: RunId(1), ports: ports.to_vec() });
    }

    /// New connections can't be steered, for this reason.
    pub(in crate::machine) fn cannot_steer(&mut self, why: &str) {
        self.tell(Event::Steering { problem: Some(why.to_owned()) });
    }

    /// The last order to steer connections has been carried out.
    pub(in crate::machine) fn steered(&mut self) {
        let run = self.connected.expect("a steering was ordered");
        self.tell(Event::Steered { run });
    }

    /// The last order to steer connections could not be carried out.
    pub(in crate::machine) fn steer_failed(&mut self) {
        let run = self.connected.expect("a steering was ordered");
        self.tell(Event::SteerFailed { run, error: "the kernel refuses".into() });
    }

    /// The process whose start the story answers by hand runs now.
    pub(in crate::machine) fn started(&mut self) {
        let run = self.process.as_ref().expect("a process was asked for").run;
        self.started_at = self.now;
        self.tell(Event::Started { run, pid: 7 });
    }

    pub(in crate::machine) fn probe(&mut self, name: &str, outcome: ProbeResult) {
        let run = self.process.as_ref().expect("a process runs").run;
        let check = self.index(name);
        self.tell(Event::Probed { run, check, outcome, took: Duration::from_millis(2) });
    }

    pub(in crate::machine) fn checked(&mut self, verdict: Result<(), &str>) {
        let check = self.check.take().expect("a check was asked for");
        let verdict = match verdict {
            Ok(()) => CheckVerdict::Passed,
            Err(why) => CheckVerdict::Refused { why: why.to_owned() },
        };
        self.tell(Event::Checked { check, verdict });
    }

    pub(in crate::machine) fn turn_granted(&mut self) {
        let turn = self.turn.expect("a turn was asked for");
        self.tell(Event::TurnGranted { turn });
    }

    pub(in crate::machine) fn turn_lost(&mut self) {
        let turn = self.turn.take().expect("a turn was asked for");
        self.tell(Event::TurnLost { turn });
    }

    /// The process is out of traffic.
    pub(in crate::machine) fn has_left(&mut self) {
        let run = self.leaving.take().expect("a process leaves traffic");
        self.tell(Event::TrafficChanged { run, state: TrafficState::Out });
    }

    /// The process is in traffic again.
    pub(in crate::machine) fn is_back(&mut self) {
        let run = self.process.as_ref().expect("a process runs").run;
        self.tell(Event::TrafficChanged { run, state: TrafficState::In });
    }

    pub(in crate::machine) fn turn_refused(&mut self, why: TurnRefusal) {
        let turn = self.turn.expect("a turn was asked for");
        self.tell(Event::TurnRefused { turn, why });
    }

    /// From now on the story answers this part by hand.
    pub(in crate::machine) fn by_hand(&mut self, part: Part) {
        self.by_hand.insert(part);
    }

    /// From now on the processes whose pair (`b on 2`) contains these words behave like this.
    pub(in crate::machine) fn nature(&mut self, words: &str, nature: Nature) {
        self.natures.push((words.to_owned(), nature));
    }

    /// From now on every process that is started behaves well.
    pub(in crate::machine) fn cured(&mut self) {
        self.natures.clear();
    }

    pub(in crate::machine) fn weather(&mut self, name: &str, weather: Weather) {
        let check = self.index(name);
        self.weather[check] = weather;
    }

    fn index(&self, name: &str) -> usize {
        self.policy.checks.iter().position(|rule| rule.name == name).expect("a known check")
    }
}

fn pair_name(environment: &str, build: &Build) -> String {
    format!("{environment} on {}", build.0.trim_start_matches("go:"))
}
