//! How a hold of the guard begins and ends, as stories.

use std::sync::Arc;
use std::time::Duration;

use crate::environment::{Environment, Fingerprint, SourceKeys, Variable, Visibility};
use crate::machine::board::ConfigState;
use crate::machine::event::{Event, Exit, Requester, Verb};
use crate::machine::hold::GuardRecord;
use crate::machine::ledger::Good;
use crate::machine::policy::{Crash, Empty, GuardRules, Policy, StepSetting};
use crate::machine::{Build, GenerationId, Machine, Moment, Order, Restored, RunId, Version, history};

/// A machine whose processes start at once, and end when they are ordered to.
struct Stage {
    machine: Machine,
    now: u64,
    starts: Vec<Fingerprint>,
    guarded: GuardRecord,
}

/// `count` keys of the source `kv`, with this value each.
fn keys(count: usize, value: &str) -> Arc<Environment> {
    let name = |number: usize| format!("K{number}");
    let variable = || Variable::new(value.into(), "kv".into(), Visibility::Secret);
    let variables = (0..count).map(|number| (name(number), variable())).collect();
    let mut source_keys = SourceKeys::default();
    source_keys.add(&"kv".into(), (0..count).map(|number| name(number).into()));
    Arc::new(Environment::new(variables).with_source_keys(source_keys))
}

fn good(environment: &Arc<Environment>) -> Good {
    let builds = vec![Build("go:a".into())];
    Good { environment: Arc::clone(environment), builds, generation: GenerationId(4), at_unix_ms: 1 }
}

fn policy() -> Policy {
    let crash = Crash { reset_after: Duration::from_secs(1), ..Policy::new("billing").crash };
    Policy { quiet_min: Duration::ZERO, min_healthy: Duration::from_secs(1), crash, ..Policy::new("billing") }
}

impl Stage {
    fn new(restored: Restored) -> Self {
        let machine = Machine::new(policy(), restored, 1, Moment(0), 0);
        let mut stage = Self { machine, now: 0, starts: Vec::new(), guarded: GuardRecord::default() };
        stage.tell(Event::Installed { build: Build("go:a".into()), version: Version::default() });
        stage
    }

    /// Nine keys, and good.
    fn on_nine() -> Self {
        let mut stage = Self::new(Restored::default());
        stage.wish(&keys(9, "x"));
        stage
    }

    fn tell(&mut self, event: Event) {
        for order in self.machine.handle(Moment(self.now), event) {
            match order {
                Order::Start { run, environment, .. } => {
                    self.starts.push(environment.fingerprint());
                    self.tell(Event::Started { run, pid: 7 });
                }
                Order::Stop { run } => self.tell(Event::Exited { run, exit: Exit::Code(0) }),
                Order::KeepHold { guarded, .. } => self.guarded = guarded,
                _ => {}
            }
        }
    }

    /// Wishes, and lets enough time pass for a trial.
    fn wish(&mut self, environment: &Arc<Environment>) {
        self.tell(Event::Wish { environment: Arc::clone(environment), violations: Vec::new() });
        for _ in 0..5 {
            self.now += 1_000;
            self.tell(Event::Tick);
        }
    }

    fn ask(&mut self, verb: Verb) {
        self.tell(Event::Operator { verb, by: Requester::default() });
    }

    fn release(&mut self, fingerprint: Option<Fingerprint>) {
        self.ask(Verb::Release { fingerprint });
        self.wish(&keys(0, "x"));
    }

    fn state(&self) -> ConfigState {
        self.machine.picture().config.state
    }

    fn held(&self) -> usize {
        self.machine.shown.history().filter(|entry| entry.outcome == history::Outcome::Held).count()
    }

    fn last(&self) -> Fingerprint {
        *self.starts.last().expect("something was started")
    }
}

/// A hold ends only when every key of the running environment is back. Otherwise the last steps of a restore, which
/// look like a small loss, would be applied half-way.
#[test]
fn a_wipe_is_held_until_a_restore_is_whole() {
    let mut stage = Stage::on_nine();
    let before = stage.starts.clone();
    stage.wish(&keys(0, "x"));
    let config = stage.machine.picture().config;
    assert_eq!((config.state, config.settled), (ConfigState::Held, true));
    let message = config.message.unwrap();
    assert!(message.starts_with("Held: kv lost 9 of 9 keys (K0, K1, K2, ..); "), "{message}");
    assert_eq!(stage.guarded.begun, [Arc::from("kv")]);
    for count in 1..9 {
        stage.wish(&keys(count, "new"));
        assert_eq!(stage.state(), ConfigState::Held, "with {count} keys");
    }
    assert_eq!(stage.held(), 1, "one line for the hold, however often the wish changes");
    assert_eq!(stage.starts, before, "nothing was restarted");
    stage.wish(&keys(9, "new"));
    assert_eq!((stage.state(), stage.last()), (ConfigState::Good, keys(9, "new").fingerprint()));
    assert!(stage.guarded.begun.is_empty());
    stage.wish(&keys(8, "new"));
    assert_eq!(stage.last(), keys(8, "new").fingerprint(), "one key is no large loss any more");
}

#[test]
fn keys_that_come_back_unchanged_end_the_hold_without_a_restart() {
    let mut stage = Stage::on_nine();
    stage.wish(&keys(0, "x"));
    stage.wish(&keys(9, "x"));
    assert_eq!((stage.state(), stage.starts.len(), stage.guarded.begun.len()), (ConfigState::Good, 1, 0));
}

#[test]
fn a_release_lets_only_the_held_wish_pass() {
    let mut stage = Stage::on_nine();
    stage.wish(&keys(0, "x"));
    stage.release(Some(keys(3, "x").fingerprint()));
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Held, 1), "another fingerprint was meant");
    stage.release(Some(keys(0, "x").fingerprint()));
    assert_eq!((stage.state(), stage.last()), (ConfigState::Good, keys(0, "x").fingerprint()));
    assert!(stage.guarded.begun.is_empty());
}

#[test]
fn a_release_is_for_one_wish() {
    let mut stage = Stage::on_nine();
    stage.ask(Verb::Hold { reason: "night".into(), length: None });
    stage.wish(&keys(0, "x"));
    stage.ask(Verb::Release { fingerprint: None });
    stage.wish(&keys(2, "x"));
    stage.ask(Verb::Unhold);
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Held, 1));
}

#[test]
fn a_source_that_is_empty_at_the_start_of_lictor_is_held_and_the_good_environment_runs() {
    let nine = keys(9, "x");
    let mut stage = Stage::new(Restored { good: vec![good(&nine)], ..Restored::default() });
    stage.wish(&keys(0, "x"));
    assert_eq!((stage.state(), stage.starts.clone()), (ConfigState::Held, vec![nine.fingerprint()]));
}

#[test]
fn a_restart_of_lictor_in_the_middle_of_a_restore_does_not_end_the_hold() {
    let nine = keys(9, "x");
    let guarded = GuardRecord { begun: vec!["kv".into()], since_unix_ms: Some(1), released: None };
    let mut stage = Stage::new(Restored { good: vec![good(&nine)], guarded, ..Restored::default() });
    stage.wish(&keys(8, "x"));
    assert_eq!((stage.state(), stage.starts.clone()), (ConfigState::Held, vec![nine.fingerprint()]));
    stage.wish(&nine);
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Good, 1));
}

#[test]
fn a_release_survives_a_restart_of_lictor() {
    let (nine, wiped) = (keys(9, "x"), keys(0, "x"));
    let mut stage = Stage::new(Restored { good: vec![good(&nine)], ..Restored::default() });
    stage.wish(&wiped);
    stage.ask(Verb::Release { fingerprint: None });
    let guarded = stage.guarded.clone();
    assert_eq!(guarded.released, Some(wiped.fingerprint()));
    let mut again = Stage::new(Restored { good: vec![good(&nine)], guarded, ..Restored::default() });
    again.wish(&wiped);
    assert_eq!((again.state(), again.last()), (ConfigState::Good, wiped.fingerprint()));
    again.wish(&nine);
    assert_eq!(again.guarded.released, None, "it was for that wish");
}

#[test]
fn a_good_environment_without_a_record_gets_one() {
    let plain = Arc::new(Environment::new(keys(9, "x").variables().clone()));
    let mut stage = Stage::new(Restored { good: vec![good(&plain)], ..Restored::default() });
    stage.wish(&keys(9, "x"));
    stage.wish(&keys(0, "x"));
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Held, 1));
}

#[test]
fn a_loss_that_is_undone_before_it_has_settled_begins_no_hold() {
    let mut stage = Stage::on_nine();
    stage.tell(Event::Policy { policy: Box::new(Policy { quiet_min: Duration::from_secs(1), ..policy() }) });
    stage.tell(Event::Wish { environment: keys(0, "x"), violations: Vec::new() });
    assert_eq!(stage.state(), ConfigState::Pending);
    stage.wish(&keys(8, "x"));
    assert_eq!((stage.state(), stage.held()), (ConfigState::Good, 0));
}

#[test]
fn a_new_rule_is_taken_up_at_once() {
    let mut stage = Stage::on_nine();
    stage.wish(&keys(0, "x"));
    let guard = GuardRules { empty: Empty::Apply, ..GuardRules::default() };
    stage.tell(Event::Policy { policy: Box::new(Policy { guard, ..policy() }) });
    stage.wish(&keys(0, "x"));
    assert_eq!((stage.state(), stage.last()), (ConfigState::Good, keys(0, "x").fingerprint()));
}

/// While nothing has been good yet, the guard does not protect a run that has failed.
#[test]
fn before_anything_was_good_a_failed_environment_may_lose_its_keys() {
    let mut stage = Stage::new(Restored::default());
    stage.tell(Event::Wish { environment: keys(9, "x"), violations: Vec::new() });
    stage.tell(Event::Exited { run: RunId(1), exit: Exit::Code(1) });
    stage.wish(&keys(0, "x"));
    assert_eq!((stage.state(), stage.last()), (ConfigState::Good, keys(0, "x").fingerprint()));
}

#[test]
fn a_first_trial_that_has_not_failed_is_guarded() {
    let mut stage = Stage::new(Restored::default());
    stage.tell(Event::Policy { policy: Box::new(Policy { min_healthy: Duration::from_mins(1), ..policy() }) });
    stage.wish(&keys(9, "x"));
    assert_eq!(stage.state(), ConfigState::Trial);
    stage.wish(&keys(0, "x"));
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Held, 1));
}

#[test]
fn a_hold_outlives_a_failure_before_anything_was_good() {
    let mut stage = Stage::new(Restored::default());
    let slow = Policy { min_healthy: Duration::from_mins(1), ..policy() };
    stage.tell(Event::Policy { policy: Box::new(slow.clone()) });
    stage.wish(&keys(9, "x"));
    stage.tell(Event::Policy { policy: Box::new(Policy { check_command: StepSetting::Enabled, ..slow }) });
    stage.wish(&keys(0, "x"));
    assert_eq!(stage.state(), ConfigState::Held);
    stage.tell(Event::Exited { run: RunId(1), exit: Exit::Code(1) });
    stage.wish(&keys(5, "x"));
    assert_eq!((stage.state(), stage.starts.len()), (ConfigState::Pending, 2), "it may go, and is being checked");
    for _ in 0..60 {
        stage.now += 1_000;
        stage.tell(Event::Tick);
    }
    assert_eq!(stage.state(), ConfigState::Held, "half of a restore is not applied to what is good");
}

/// Losses add up over `guard.window`, compared with what was good before it, because the running environment changes
/// with each switch.
#[test]
fn many_small_losses_add_up_to_a_wipe() {
    let mut stage = Stage::new(Restored::default());
    stage.wish(&keys(20, "x"));
    let mut left = 20;
    while stage.state() == ConfigState::Good && left > 0 {
        left -= 2;
        stage.wish(&keys(left, "x"));
    }
    assert_eq!((stage.state(), left), (ConfigState::Held, 8), "more than half of the twenty keys are gone");
    let message = stage.machine.picture().config.message.unwrap();
    assert!(message.starts_with("Held: kv lost 12 of 20 keys"), "{message}");
    stage.wish(&keys(20, "x"));
    assert_eq!(stage.state(), ConfigState::Good);
}

#[test]
fn losses_from_before_the_window_count_as_meant() {
    let mut stage = Stage::new(Restored::default());
    stage.wish(&keys(20, "x"));
    for left in [16, 12, 9, 7] {
        stage.now += 11 * 60 * 1_000;
        stage.wish(&keys(left, "x"));
        assert_eq!(stage.state(), ConfigState::Good, "{left}");
    }
}
