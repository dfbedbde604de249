//! The requests of operators, as stories in the model of the world: environments 0 and 7 are good, 1 ends at once.

use std::time::Duration;

use super::world::{self, Action, World};
use crate::environment::Fingerprint;
use crate::machine::board::{ConfigState, Phase};
use crate::machine::event::{Event, Verb};
use crate::machine::history::Outcome;
use crate::machine::hold::Hold;
use crate::machine::order::Effect;
use crate::machine::{Board, Machine, Moment, Restored};

/// A world in which everything works, good on environment 0.
fn good() -> (World, Board) {
    let mut world = World::new(7);
    world.oblige();
    world.answers.clear();
    world.act(Action::Wish(0));
    let board = world.pass_until(|board| board.config.state == ConfigState::Good);
    assert!(board.healthy, "{board:#?}");
    (world, board)
}

fn ask(world: &mut World, verb: Verb) -> Result<Effect, String> {
    world.act(Action::Operator(verb));
    world.answers.pop().expect("every request is answered")
}

fn hold(world: &mut World, seconds: Option<u64>) {
    let verb = Verb::Hold { reason: "night".into(), length: seconds.map(Duration::from_secs) };
    assert_eq!(ask(world, verb), Ok(Effect::Done));
}

fn outcomes(board: &Board) -> Vec<Outcome> {
    board.history.iter().map(|entry| entry.outcome).collect()
}

#[test]
fn a_hold_stops_a_wish_until_it_ends() {
    let (mut world, before) = good();
    hold(&mut world, None);
    world.act(Action::Wish(7));
    world.pass(60_000);
    let board = world.board();
    assert_eq!((board.config.state, board.config.fingerprint), (ConfigState::Held, before.config.fingerprint));
    assert_eq!(board.config.message.as_deref(), Some("Held: night; since 1970-01-01T00:00:05Z"));
    assert!(board.config.settled, "an operator holds it");
    assert_eq!(board.restarts, before.restarts);
    assert_eq!(board.hold.as_ref().and_then(|hold| hold.who), Some(7));
    assert_eq!(outcomes(&board).iter().filter(|outcome| **outcome == Outcome::Held).count(), 1);

    assert_eq!(ask(&mut world, Verb::Unhold), Ok(Effect::Done));
    let board = world.pass_until(|board| board.config.state == ConfigState::Good);
    assert_ne!(board.config.fingerprint, before.config.fingerprint);
    assert_eq!(board.hold, None);
}

#[test]
fn a_hold_with_a_limit_ends_by_itself_at_that_very_moment() {
    let (mut world, before) = good();
    hold(&mut world, Some(30));
    world.act(Action::Wish(7));
    world.pass(29_999);
    assert_eq!(world.board().config.state, ConfigState::Held);
    world.pass(1);
    assert_eq!(world.board().hold, None);
    let board = world.pass_until(|board| board.config.state == ConfigState::Good);
    assert_ne!(board.config.fingerprint, before.config.fingerprint);
}

#[test]
fn a_hold_of_an_earlier_life_goes_on_and_one_whose_time_has_passed_does_not() {
    let kept = |until_unix_ms| Hold { reason: "night".into(), since_unix_ms: 1_000, until_unix_ms, who: Some(7) };
    for (until, held) in [(None, true), (Some(1_000_500), true), (Some(999_999), false)] {
        let restored = Restored { hold: Some(kept(until)), ..Restored::default() };
        let mut machine = Machine::new(world::policy(), restored, 7, Moment(0), 1_000_000);
        machine.handle(Moment(0), Event::Tick);
        assert_eq!(machine.picture().hold.is_some(), held, "{until:?}");
    }
}

#[test]
fn a_first_start_is_not_held() {
    let mut world = World::new(7);
    world.oblige();
    hold(&mut world, None);
    world.act(Action::Wish(0));
    let board = world.pass_until(|board| board.healthy);
    assert!(board.healthy && board.hold.is_some(), "{board:#?}");
}

#[test]
fn a_crash_during_a_hold_restarts_on_the_good_environment() {
    let (mut world, before) = good();
    hold(&mut world, None);
    world.act(Action::Wish(7));
    world.act(Action::Crash);
    let board = world.pass_until(|board| board.healthy && board.restarts > before.restarts);
    assert_eq!((board.phase, board.config.fingerprint), (Phase::Up, before.config.fingerprint));
}

#[test]
fn retry_tries_what_is_quarantined_once() {
    let (mut world, before) = good();
    let refused = ask(&mut world, Verb::Retry { fingerprint: None }).expect_err("nothing to retry");
    assert!(refused.contains("nothing holds the newest change"), "{refused}");

    world.act(Action::Wish(1));
    let board = world.pass_until(|board| board.config.state == ConfigState::Reverted && board.candidate.is_none());
    let wish = board.config.wish.unwrap();
    let other = before.config.fingerprint.unwrap();
    let refused = ask(&mut world, Verb::Retry { fingerprint: Some(other) }).expect_err("not the newest change");
    assert!(refused.contains("not the newest change"), "{refused}");
    hold(&mut world, None);
    assert!(ask(&mut world, Verb::Retry { fingerprint: Some(wish) }).expect_err("held").contains("unhold"));
    assert_eq!(ask(&mut world, Verb::Unhold), Ok(Effect::Done));

    assert_eq!(ask(&mut world, Verb::Retry { fingerprint: Some(wish) }), Ok(Effect::Verdict { wish }));
    assert_ne!(world.board().config.state, ConfigState::Reverted);
    let again = world.pass_until(|board| board.config.state == ConfigState::Reverted && board.candidate.is_none());
    let reverted = |board: &Board| outcomes(board).iter().filter(|outcome| **outcome == Outcome::Reverted).count();
    assert_eq!(reverted(&again), reverted(&board) + 1, "it failed once more, and only once");
    world.pass(600_000);
    assert_eq!(reverted(&world.board()), reverted(&again));
}

#[test]
fn revert_goes_back_and_holds() {
    let (mut world, first) = good();
    let refused = ask(&mut world, Verb::Revert).expect_err("there is nothing to go back to");
    assert!(refused.contains("no other good environment"), "{refused}");
    world.act(Action::Wish(7));
    let second = world.pass_until(|board| {
        board.config.state == ConfigState::Good && board.config.fingerprint != first.config.fingerprint
    });

    let effect = ask(&mut world, Verb::Revert);
    let newest = second.process.unwrap().run;
    assert!(matches!(effect, Ok(Effect::Run { after, .. }) if after == newest), "{effect:?}");
    let board = world.pass_until(|board| board.healthy && board.config.fingerprint == first.config.fingerprint);
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Held, true));
    assert_eq!(board.config.good, first.config.fingerprint, "a start during the hold comes back to it");
    assert!(board.config.quarantine.is_empty(), "nothing is known against the other one");
    world.pass(600_000);
    assert_eq!(world.board().config.fingerprint, first.config.fingerprint);

    assert_eq!(ask(&mut world, Verb::Unhold), Ok(Effect::Done));
    let board = world.pass_until(|board| board.config.state == ConfigState::Good);
    assert_eq!(board.config.fingerprint, second.config.fingerprint);
}

#[test]
fn restart_starts_another_run_of_the_same() {
    let (mut world, before) = good();
    let after = before.process.as_ref().unwrap().run;
    let effect = ask(&mut world, Verb::Restart);
    assert!(matches!(effect, Ok(Effect::Run { after: newest, .. }) if newest == after), "{effect:?}");
    let board = world.pass_until(|board| board.process.as_ref().is_some_and(|it| it.run > after) && board.healthy);
    assert_eq!(board.config.fingerprint, before.config.fingerprint);
    assert_eq!(board.last_exit.map(|exit| exit.crashes), Some(0), "it is no crash");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let mut world = World::new(7);
    for (verb, word) in [
        (Verb::Restart, "nothing to start"),
        (Verb::Signal { signal: 1 }, "does not run"),
        (Verb::Release { fingerprint: None }, "nothing is held by the guard"),
        (Verb::Retry { fingerprint: Some(Fingerprint::of_public(b"x")) }, "anything to try"),
        (Verb::Revert, "no other good environment"),
    ] {
        let refused = ask(&mut world, verb.clone()).expect_err(word);
        assert!(refused.contains(word), "{verb:?}: {refused}");
    }
    let (mut world, _) = good();
    assert_eq!(ask(&mut world, Verb::Signal { signal: 1 }), Ok(Effect::Done));
    world.act(Action::Shutdown);
    assert!(ask(&mut world, Verb::Restart).expect_err("too late").contains("stopping"));
}
