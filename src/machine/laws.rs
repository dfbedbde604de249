//! The machine's laws, as property tests over event lists with a small model of the world.

mod operator;
pub(super) mod replay;
mod world;

use proptest::prelude::*;

use self::world::{Action, Dependency, PROVES_NOTHING, TAKES_NOTHING_BACK, World, action, beginning};
use super::board::{ConfigState, Phase};
use super::event::Event;
use super::order::Order;
use super::totals::Probes;
use super::{Machine, Moment, Restored};

/// How many cases are tried, unless `PROPTEST_CASES` asks for another number.
fn cases(count: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { count };
    ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(cases(250))]

    /// Laws 1, 2, 4, 8 and 9 are held by the world itself at every single step (`World::tell`).
    #[test]
    fn whatever_happens_no_law_is_broken(
        seed: u64, beginning in beginning(), actions in prop::collection::vec(action(), 1..60)
    ) {
        let mut world = World::begin(seed, beginning);
        for action in actions {
            world.act(action);
        }
    }

    /// Law 3: a fixed wish that nothing stops, and an obliging world, converge to running it.
    /// Law 10: the same from any state, if the wish is good: there are no dead ends.
    #[test]
    fn a_good_wish_and_an_obliging_world_are_enough(
        seed: u64, beginning in beginning(), actions in prop::collection::vec(action(), 0..60)
    ) {
        let mut world = World::begin(seed, beginning);
        for action in actions.into_iter().filter(|action| !matches!(action, Action::Shutdown)) {
            world.act(action);
        }
        world.oblige();
        let wish = world.fresh_good_wish();
        let board = world.pass_until(|board| board.config.settled && board.healthy && board.config.fingerprint == Some(wish));
        prop_assert_eq!(board.phase, Phase::Up, "{:#?}", board);
        prop_assert!(board.healthy && board.config.settled, "{:#?}", board);
        prop_assert_eq!(board.config.fingerprint, Some(wish));
        world.pass(30_000);
        prop_assert_eq!(world.board().config.state, ConfigState::Good, "and it stays so");
    }

    /// Law 10 without a new wish: whatever the last wish is, the service is up on a good environment in the end, if the
    /// build works with one (lictor cannot take back a build).
    #[test]
    fn the_service_is_always_up_again(
        seed: u64, beginning in beginning(), actions in prop::collection::vec(action(), 0..60)
    ) {
        let mut world = World::begin(seed, beginning);
        world.oblige();
        world.act(Action::Wish(0));
        world.pass(60_000);
        world.disoblige();
        let unwanted = |action: &Action| matches!(action, Action::Shutdown | Action::Reload(TAKES_NOTHING_BACK | PROVES_NOTHING));
        for action in actions.into_iter().filter(|action| !unwanted(action)) {
            world.act(action);
        }
        world.oblige();
        world.act(Action::Install(2));
        let board = world.pass_until(|board| board.healthy);
        prop_assert!(board.healthy, "{:#?}", board);
    }

    /// Totals only grow, and a start is counted for each run but the first.
    #[test]
    fn totals_only_grow(seed: u64, actions in prop::collection::vec(action(), 1..60)) {
        let mut world = World::new(seed);
        let mut before = world.board().totals;
        for action in actions {
            world.act(action);
            let board = world.board();
            let totals = board.totals;
            prop_assert!(before.restarts.iter().all(|(reason, count)| totals.restarts[reason] >= *count));
            prop_assert!(before.exits.iter().all(|(ending, count)| totals.exits[ending] >= *count));
            prop_assert!(before.outcomes.iter().all(|(outcome, count)| totals.outcomes[outcome] >= *count));
            // A check that is gone from the policy is gone from here.
            let fewer = |(name, probes): (&String, &Probes)| {
                totals.checks.get(name).is_some_and(|now| now.took.count < probes.took.count)
            };
            prop_assert!(!before.checks.iter().any(fewer));
            prop_assert!(totals.propagation.count >= before.propagation.count);
            prop_assert!(totals.drains.count >= before.drains.count);
            let starts = world.orders.iter().filter(|order| matches!(order, Order::Start { .. })).count();
            prop_assert_eq!(board.restarts, starts.saturating_sub(1) as u64);
            prop_assert_eq!(totals.all_restarts(), board.restarts);
            before = totals;
        }
    }

    /// Law 5: every granted turn is given back on every path, also when lictor stops.
    #[test]
    fn every_turn_is_given_back(
        seed: u64, beginning in beginning(), actions in prop::collection::vec(action(), 1..60)
    ) {
        let mut world = World::begin(seed, beginning);
        for action in actions {
            world.act(action);
        }
        world.oblige();
        world.act(Action::Shutdown);
        world.pass(120_000);
        prop_assert!(world.machine.is_finished());
        prop_assert!(world.turns.is_empty(), "{:?}", world.turns);
        prop_assert!(!world.is_in_traffic(), "what has ended is in traffic");
    }

    /// Law 6: a tick before `next_wake` changes nothing.
    #[test]
    fn an_early_tick_changes_nothing(
        seed: u64, beginning in beginning(), actions in prop::collection::vec(action(), 1..40), early in 0..100_u64
    ) {
        let mut world = World::begin(seed, beginning);
        for action in actions {
            world.act(action);
            let wake = world.machine.next_wake().map_or(world.now.0 + 100_000, |at| at.0);
            if wake > world.now.0 {
                let mut other = world.machine.clone();
                let before = other.picture();
                let at = world.now.0 + (wake - 1 - world.now.0) * early / 100;
                prop_assert_eq!(other.handle(Moment(at), Event::Tick), vec![]);
                prop_assert_eq!(other.picture(), before);
            }
        }
    }

    /// Law 7: the same log gives the same orders, also if it is written as JSON and read again.
    #[test]
    fn a_recorded_log_replays(seed: u64, actions in prop::collection::vec(action(), 1..40)) {
        let mut world = World::new(seed);
        for action in actions {
            world.act(action);
        }
        let log = serde_json::to_string(&world.log).unwrap();
        prop_assert!(!log.contains(world::MARKER), "a value in the log");
        let read: Vec<(Moment, Event)> = serde_json::from_str(&log).unwrap();
        let mut machine = Machine::new(world::policy(), Restored::default(), seed, Moment(0), 0);
        let orders: Vec<Order> = read.into_iter().flat_map(|(at, event)| machine.handle(at, event)).collect();
        prop_assert_eq!(serde_json::to_string(&orders).unwrap(), serde_json::to_string(&world.orders).unwrap());
        prop_assert_eq!(machine.picture(), world.machine.picture());
    }
}

/// Found by the property tests: while a wish is held, the environment that it is compared with fails, so that there is
/// one less to go back to.
#[test]
fn what_is_held_against_a_candidate_goes_on_when_that_fails_and_what_was_good_has_no_more_keys() {
    let mut world = World::begin(65_635_634_440_132_434, world::Beginning::Fresh);
    for action in [
        Action::Wish(16),
        Action::Pass(3_048),
        Action::Reload(1),
        Action::Wish(1),
        Action::Pass(100),
        Action::Wish(16),
        Action::Pass(100),
        Action::Wish(17),
        Action::Pass(200),
    ] {
        world.act(action);
    }
    world.pass(60_000);
    assert_eq!(world.board().config.state, ConfigState::Good);
}

/// A wish that would lose much of what is on trial, but nothing of what is good, waits until the trial has failed.
#[test]
fn when_a_trial_has_failed_the_guard_compares_with_what_is_gone_back_to() {
    let mut world = World::new(0);
    world.act(Action::Install(1));
    world.act(Action::Wish(16));
    world.pass(2_528);
    world.act(Action::Dependency(Dependency::Down));
    world.act(Action::Reload(1));
    world.act(Action::Wish(2));
    world.pass(200);
    world.act(Action::Wish(17));
    let wish = world.board().config.wish;
    world.pass(10_000);
    let board = world.board();
    assert_eq!((board.config.state, board.config.fingerprint == wish), (ConfigState::Held, false), "{board:#?}");
    world.pass(131);
    let board = world.board();
    assert_eq!((board.config.state, board.config.fingerprint == wish), (ConfigState::Trial, true), "{board:#?}");
}
