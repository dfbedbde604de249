//! Wishes that are rejected: nothing is touched.

use super::*;
use crate::machine::event::CheckVerdict;

#[test]
fn a_wish_that_breaks_the_schema_touches_nothing_and_every_fault_is_reported() {
    let good = wanted("1", "info", "a");
    let policy = Policy { check_command: StepSetting::Disabled, ..policy() };
    let mut scene = Scene::good_on(policy, &good);
    assert_eq!(scene.wish_for_broken(&wanted("x", "info", "a")), []);
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled, board.phase), (ConfigState::Rejected, false, Phase::Up));
    assert_eq!(board.config.message.as_deref(), Some("Rejected: DATA is not a number; PORT is required"));
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Rejected]);
    assert_eq!(board.history[1].keys, ["DATA"]);
    assert_eq!(scene.wish(&good), []);
    assert_eq!(scene.board().config.state, ConfigState::Good);
}

#[test]
fn the_guard_comes_before_the_schema_and_no_operator_overrides_it() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    scene.tell(Event::Operator { verb: Verb::Hold { reason: "night".into(), length: None }, by: Requester::default() });
    scene.wish_for_broken(&wanted("x", "info", "a"));
    assert_eq!(scene.board().config.state, ConfigState::Held);
    scene.tell(Event::Operator { verb: Verb::Unhold, by: Requester::default() });
    assert_eq!(scene.board().config.state, ConfigState::Rejected);
    let orders = scene.tell(Event::Operator { verb: Verb::Retry { fingerprint: None }, by: Requester::default() });
    assert!(!disturbs(&orders));
    assert_eq!(scene.board().config.state, ConfigState::Rejected);
}

#[test]
fn a_first_start_on_what_is_rejected_uses_the_last_good_one_if_there_is_one() {
    let mut scene = Scene::new(policy(), Restored::default());
    assert!(!disturbs(&scene.wish_for_broken(&wanted("x", "info", "a"))));
    let board = scene.board();
    assert_eq!((board.config.state, board.phase, board.process), (ConfigState::Rejected, Phase::Absent, None));

    let good = Good {
        environment: wanted("1", "info", "a"),
        builds: vec![Build("go:1".into())],
        generation: GenerationId(3),
        at_unix_ms: 0,
    };
    let mut scene = Scene::new(policy(), Restored { good: vec![good.clone()], ..Restored::default() });
    let orders = scene.wish_for_broken(&wanted("x", "info", "a"));
    assert!(
        orders
            .iter()
            .any(|order| matches!(order, Order::Start { environment, .. } if *environment == good.environment))
    );
    assert_eq!(scene.board().config.state, ConfigState::Rejected);
}

/// A rejected wish that was good under other rules may run if nothing else can.
#[test]
fn an_environment_that_was_good_under_other_rules_runs_on_and_is_shown_as_rejected() {
    let good = Good {
        environment: wanted("x", "info", "a"),
        builds: vec![Build("go:1".into())],
        generation: GenerationId(3),
        at_unix_ms: 0,
    };
    let mut scene = Scene::new(policy(), Restored { good: vec![good.clone()], ..Restored::default() });
    assert!(disturbs(&scene.wish_for_broken(&good.environment)), "a config problem keeps no service down");
    scene.prove();
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Rejected, false));
    scene.wish(&good.environment);
    assert_eq!(scene.board().config.state, ConfigState::Good, "the rules have been mended");
}

#[test]
fn a_wish_that_the_check_command_refused_is_checked_again_with_another_build() {
    let policy = Policy { check_command: StepSetting::Enabled, ..policy() };
    let mut scene = Scene::new(policy, Restored::default());
    let asks = |orders: &[Order]| {
        orders.iter().find_map(|order| match order {
            Order::Check { check, .. } => Some(*check),
            _ => None,
        })
    };
    let check = asks(&scene.wish(&wanted("0", "info", "a"))).expect("the first start is checked as well");
    assert!(disturbs(&scene.tell(Event::Checked { check, verdict: CheckVerdict::Passed })));
    scene.prove();
    scene.pass(1_000);
    let mut orders = scene.wish(&wanted("1", "info", "a"));
    orders.extend(scene.pass(10_000));
    let check = asks(&orders).expect("so is every change");
    assert!(!disturbs(&scene.tell(Event::Checked { check, verdict: CheckVerdict::Refused { why: "too old".into() } })));
    assert_eq!(scene.board().config.message.as_deref(), Some("Rejected: too old"));
    assert_eq!(asks(&scene.pass(60_000)), None, "it is not asked again about the same one");
    let installed = Event::Installed { build: Build("go:2".into()), version: Version::default() };
    let check = asks(&scene.tell(installed)).expect("another build, another question");
    assert!(disturbs(&scene.tell(Event::Checked { check, verdict: CheckVerdict::Passed })));
}

#[test]
fn a_newer_wish_cancels_the_check_of_the_one_before() {
    let policy = Policy { check_command: StepSetting::Enabled, ..policy() };
    let mut scene = Scene::new(policy, Restored::default());
    scene.wish(&wanted("1", "info", "a"));
    let orders = scene.wish(&wanted("2", "info", "a"));
    assert!(matches!(orders.as_slice(), [Order::CancelCheck { .. }, Order::Check { .. }]), "{orders:?}");
    let orders = scene.wish_for_broken(&wanted("3", "info", "a"));
    assert!(matches!(orders.as_slice(), [Order::CancelCheck { .. }]), "{orders:?}");
}

#[test]
fn a_check_command_that_does_not_answer_rejects_nothing_and_is_asked_again() {
    let good = wanted("1", "info", "a");
    let mut scene = Scene::good_on(policy(), &good);
    let checking = Policy { check_command: StepSetting::Enabled, ..policy() };
    scene.tell(Event::Policy { policy: Box::new(checking) });
    let asked = |orders: &[Order]| {
        orders.iter().find_map(|order| match order {
            Order::Check { check, .. } => Some(*check),
            _ => None,
        })
    };
    let check = asked(&scene.wish(&wanted("2", "info", "a"))).expect("it is asked");
    let why = "the check command was killed by signal 9".to_owned();
    scene.tell(Event::Checked { check, verdict: CheckVerdict::Unanswered { why } });
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Pending, false));
    assert!(board.config.message.is_some_and(|message| message.contains("killed by signal 9; asked again")));
    assert_eq!(scene.outcomes(), [Outcome::Applied], "nothing was rejected");
    let check = asked(&scene.pass(60_000)).expect("it is asked again, with backoff");
    assert!(disturbs(&scene.tell(Event::Checked { check, verdict: CheckVerdict::Passed })));
}
