use proptest::prelude::*;

use super::{Side, Sides, Width};
use crate::machine::RunId;

#[test]
fn the_next_run_gets_the_side_where_connections_wait() {
    let mut sides = Sides::new(Width::Two, Side::A);
    assert_eq!(sides.seat(RunId(1)), Some(Side::A));
    assert_eq!(sides.turn_away(RunId(1)), Some(Side::B), "before it is stopped");
    assert_eq!(sides.turn_away(RunId(1)), None, "once is enough");
    assert_eq!(sides.gone(RunId(1)), Some(Side::A));
    assert_eq!(sides.seat(RunId(2)), Some(Side::B));
}

#[test]
fn after_a_crash_the_next_run_serves_the_same_queue() {
    let mut sides = Sides::new(Width::Two, Side::A);
    sides.seat(RunId(1));
    sides.gone(RunId(1));
    assert_eq!(sides.seat(RunId(2)), Some(Side::A));
}

#[test]
fn a_candidate_gets_no_connection_before_it_is_steered_to() {
    let mut sides = Sides::new(Width::Two, Side::A);
    sides.seat(RunId(1));
    assert_eq!(sides.seat(RunId(2)), Some(Side::B));
    assert_eq!(sides.active(), Side::A);
    assert_eq!(sides.steer(RunId(2)), Some(Side::B));
    assert_eq!(sides.steer(RunId(1)), Some(Side::A), "and back");
    assert_eq!(sides.turn_away(RunId(2)), None, "nothing goes to it");
    assert_eq!(sides.seat(RunId(3)), None, "never three");
}

#[test]
fn without_steering_every_run_has_the_same_side() {
    let mut sides = Sides::new(Width::One, Side::B);
    assert_eq!(sides.seat(RunId(1)), Some(Side::A));
    assert_eq!(sides.turn_away(RunId(1)), None);
    assert_eq!(sides.gone(RunId(1)), Some(Side::A));
    assert_eq!(sides.seat(RunId(2)), Some(Side::A));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Seat,
    Steer(u64),
    TurnAway(u64),
    Gone(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let run = 1_u64..8;
    let step = prop_oneof![
        Just(Step::Seat),
        run.clone().prop_map(Step::Steer),
        run.clone().prop_map(Step::TurnAway),
        run.prop_map(Step::Gone),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn no_two_runs_share_a_side_and_only_an_order_moves_the_active_one(steps in steps()) {
        let mut sides = Sides::new(Width::Two, Side::A);
        let mut newest = 0;
        for step in steps {
            let before = sides.clone();
            match step {
                Step::Seat => {
                    newest += 1;
                    let got = sides.seat(RunId(newest));
                    prop_assert_eq!(got.is_some(), Side::BOTH.iter().any(|side| before.seats[side.index()].is_none()));
                    prop_assert_eq!(sides.active(), before.active(), "a start steers nothing");
                    if before.seats[before.active().index()].is_none() {
                        prop_assert_eq!(got, Some(before.active()), "who waits is served");
                    }
                }
                Step::Steer(run) => {
                    sides.steer(RunId(run));
                    if let Some(side) = before.of(RunId(run)) {
                        prop_assert_eq!(sides.active(), side);
                    }
                }
                Step::TurnAway(run) => {
                    sides.turn_away(RunId(run));
                    prop_assert_ne!(Some(sides.active()), sides.of(RunId(run)));
                }
                Step::Gone(run) => {
                    sides.gone(RunId(run));
                    prop_assert_eq!(sides.of(RunId(run)), None);
                    prop_assert_eq!(sides.active(), before.active(), "an end steers nothing");
                }
            }
            let seated: Vec<_> = Side::BOTH.iter().filter_map(|side| sides.seats[side.index()]).collect();
            prop_assert!(seated.len() < 2 || seated[0] != seated[1]);
        }
    }
}
