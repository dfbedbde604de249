//! What is counted, as stories.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Ending, Reason, Totals};
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::event::{Event, Exit, ProbeResult, Requester, Verb};
use crate::machine::history;
use crate::machine::numbers::RunId;
use crate::machine::policy::{CheckRule, Policy, Role};
use crate::machine::{Build, Machine, Moment, Order, Restored, Version};

/// A machine whose processes start at once, and end when they are ordered to.
struct Stage {
    machine: Machine,
    now: u64,
    run: RunId,
}

impl Stage {
    fn new(checks: Vec<CheckRule>) -> Self {
        let policy = Policy { quiet_min: Duration::ZERO, checks, ..Policy::new("billing") };
        let mut stage =
            Self { machine: Machine::new(policy, Restored::default(), 1, Moment(0), 0), now: 0, run: RunId(0) };
        stage.tell(Event::Installed { build: Build("go:a".into()), version: Version::default() });
        stage
    }

    fn tell(&mut self, event: Event) {
        for order in self.machine.handle(Moment(self.now), event) {
            match order {
                Order::Start { run, .. } => {
                    self.run = run;
                    self.tell(Event::Started { run, pid: 7 });
                }
                Order::Stop { run } => self.tell(Event::Exited { run, exit: Exit::Code(0) }),
                _ => {}
            }
        }
    }

    fn wish(&mut self, value: &str) {
        let variable = Variable::new(value.into(), "test".into(), Visibility::Public);
        let environment = Arc::new(Environment::new([("A".to_owned(), variable)].into()));
        self.tell(Event::Wish { environment, violations: Vec::new() });
    }

    fn ends(&mut self, exit: Exit) {
        self.tell(Event::Exited { run: self.run, exit });
    }

    /// Long enough for every backoff and every trial.
    fn pass(&mut self) {
        for _ in 0..10 {
            self.now += 60_000;
            self.tell(Event::Tick);
        }
    }

    fn totals(&self) -> Totals {
        let board = self.machine.picture();
        assert_eq!(board.restarts, board.totals.all_restarts());
        board.totals
    }
}

fn counts<K: Ord, const N: usize>(pairs: [(K, u64); N]) -> BTreeMap<K, u64> {
    pairs.into()
}

#[test]
fn every_restart_has_its_reason_and_every_end_its_result() {
    let mut stage = Stage::new(vec![]);
    stage.wish("one");
    stage.pass();
    assert_eq!(stage.totals().restarts, counts([]), "the first start is no restart");

    stage.wish("two");
    stage.pass();
    stage.ends(Exit::Code(3));
    stage.pass();
    stage.ends(Exit::Signal(9));
    stage.pass();
    stage.tell(Event::Operator { verb: Verb::Restart, by: Requester::default() });
    stage.pass();
    let expected = [(Reason::Config, 1), (Reason::Exit, 1), (Reason::Signal, 1), (Reason::Operator, 1)];
    assert_eq!(stage.totals().restarts, counts(expected));
    assert_eq!(stage.totals().exits, counts([(Ending::Ok, 2), (Ending::Error, 1), (Ending::Signal, 1)]));
}

#[test]
fn a_candidate_that_ends_costs_a_config_restart_and_a_revert() {
    let mut stage = Stage::new(vec![]);
    stage.wish("good");
    stage.pass();
    stage.wish("bad");
    stage.ends(Exit::Code(1));
    stage.pass();
    assert_eq!(stage.totals().restarts, counts([(Reason::Config, 1), (Reason::Revert, 1)]));
    assert_eq!(stage.totals().outcomes[&history::Outcome::Reverted], 1);
    assert_eq!(stage.totals().outcomes[&history::Outcome::Applied], 1);
    assert_eq!(stage.totals().propagation.count, 1, "only what was applied has propagated");
}

#[test]
fn probes_are_counted_over_all_runs_and_go_with_their_check() {
    let rule = |name: &str| CheckRule {
        name: name.into(),
        role: Role::Info,
        rise: 1,
        fall: 3,
        good: "Good".into(),
        bad: "Bad".into(),
    };
    let mut stage = Stage::new(vec![rule("Web"), rule("Disk")]);
    let probe = |stage: &mut Stage, check, outcome| {
        let took = Duration::from_micros(1_500);
        stage.tell(Event::Probed { run: stage.run, check, outcome, took });
    };
    stage.wish("one");
    probe(&mut stage, 0, ProbeResult::Pass);
    probe(&mut stage, 0, ProbeResult::Fail("503".into()));
    stage.ends(Exit::Code(0));
    stage.pass();
    probe(&mut stage, 0, ProbeResult::Pass);
    probe(&mut stage, 1, ProbeResult::Pass);
    probe(&mut stage, 9, ProbeResult::Pass);
    let web = stage.totals().checks["Web"];
    assert_eq!((web.took.count, web.took.sum_us, web.failures), (3, 4_500, 1));

    let policy = Policy { checks: vec![rule("Disk")], ..Policy::new("billing") };
    stage.tell(Event::Policy { policy: Box::new(policy) });
    assert_eq!(stage.totals().checks.keys().collect::<Vec<_>>(), ["Disk"]);
}
