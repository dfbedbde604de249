//! `apply.handover = "overlap"`: a new process takes over from the old one while that is alive.

use std::time::Duration;

use super::{ConfigState, Handover, Nature, Outcome, Part, Phase, SECOND, StepSetting, Story, Weather};
use crate::machine::board::BesideRole;

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

/// The service is good on `a`, and the next process takes over from it.
fn overlapping() -> Story {
    Story::good_on_a_with(|policy| policy.handover = Handover::Overlap { share: 100 })
}

/// A change is started beside the old process, gets connections once it is ready, and the old one is stopped after the
/// verdict, not before.
#[test]
fn a_good_change_takes_over_and_the_old_one_leaves_after_the_verdict() {
    let mut story = overlapping();
    story.wish("b");
    assert_eq!(story.did(), ["start b"], "and nothing is stopped");
    assert_eq!((story.alive(), story.connected()), (names(&["b on 1", "a on 1"]), "a on 1"));
    let board = story.board();
    assert_eq!((board.phase, board.healthy, board.config.state), (Phase::Up, true, ConfigState::Trial));
    assert_eq!(board.beside.map(|beside| beside.role), Some(BesideRole::New));

    story.passes(SECOND);
    assert_eq!(story.did(), ["steer to b"], "it is ready");
    let board = story.board();
    assert_eq!(board.beside.map(|beside| beside.role), Some(BesideRole::Old));
    assert!(board.healthy && !board.config.settled);

    story.passes(9 * SECOND);
    assert_eq!(story.did(), [""; 0], "healthy for 9 s");
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["stop"]);
    assert_eq!((story.alive(), story.state()), (names(&["b on 1"]), ConfigState::Good));
    assert_eq!(story.records(), [Outcome::Applied]);
    assert_eq!(story.board().beside, None);
}

/// A candidate that is never ready never gets a connection; at its deadline it is stopped, and the next probes of the
/// old one show whether the candidate was the cause. Nothing is started for that.
#[test]
fn a_change_that_is_never_ready_gets_no_connection() {
    let mut story = overlapping();
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.passes(89 * SECOND);
    assert_eq!((story.did(), story.connected()), (names(&["start b"]), "a on 1"));
    story.passes(SECOND);
    assert_eq!(story.did(), ["stop", "write a"]);
    story.passes(SECOND);
    assert_eq!((story.state(), story.records()), (ConfigState::Reverted, vec![Outcome::Reverted]));
    assert_eq!((story.quarantine(), story.alive()), (names(&["b on 1"]), names(&["a on 1"])));
    assert!(story.starts() == ["b on 1"] && story.board().healthy);
}

/// A candidate that ends at its start costs nothing.
#[test]
fn a_change_that_ends_at_its_start_leaves_the_old_one_as_it_was() {
    let mut story = overlapping();
    story.weather("Web", Weather::Silent);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.weather("Web", Weather::Passing);
    story.exits(1);
    assert_eq!(story.did(), ["start b", "write a"]);
    story.passes(SECOND);
    assert_eq!((story.state(), story.connected()), (ConfigState::Reverted, "a on 1"));
    assert_eq!(story.records(), [Outcome::Exited, Outcome::Reverted]);
    assert_eq!(story.starts(), ["b on 1"], "no start of a good one is needed");
}

/// Connections go back at the first probe that fails, before the candidate is stopped.
#[test]
fn a_candidate_that_becomes_unhealthy_with_connections_loses_them_at_once() {
    let mut story = overlapping();
    story.nature("b on", Nature::SickensInTraffic);
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.did(), ["start b", "steer to b"]);
    story.passes(SECOND);
    assert_eq!(story.did(), ["steer to a", "stop", "write a"]);
    assert_eq!(story.connected(), "a on 1");
    story.passes(SECOND);
    assert_eq!((story.state(), story.quarantine()), (ConfigState::Reverted, names(&["b on 1"])));
}

/// The old one is probed all the time. It is unhealthy too, so the candidate is not to blame.
#[test]
fn a_candidate_and_an_old_process_that_are_both_unhealthy_are_inconclusive() {
    let mut story = overlapping();
    story.wish("b");
    story.passes(SECOND);
    story.weather("Web", Weather::Failing);
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["start b", "steer to b", "steer to a", "stop", "write a"]);
    assert_eq!((story.state(), story.quarantine().len()), (ConfigState::Inconclusive, 0));
    assert_eq!(story.records(), [Outcome::Inconclusive]);
    story.weather("Web", Weather::Passing);
    story.passes(60 * SECOND);
    assert_eq!((story.state(), story.connected()), (ConfigState::Good, "b on 1"), "it was tried again");
}

/// A newer wish ends the trial: connections go back to what is good, and nothing starts while the other one is stopped.
#[test]
fn a_newer_wish_takes_the_place_of_a_candidate() {
    let mut story = overlapping();
    story.wish("b");
    story.passes(2 * SECOND);
    story.by_hand(Part::Stop);
    story.wish("c");
    assert_eq!(story.did(), ["start b", "steer to b", "steer to a", "stop"]);
    story.passes(2 * SECOND);
    assert_eq!(story.starts(), ["b on 1"], "two are alive");
    story.stopped("b");
    assert_eq!((story.did(), story.alive()), (names(&["start c"]), names(&["c on 1", "a on 1"])));
    story.passes(12 * SECOND);
    assert_eq!((story.state(), story.connected()), (ConfigState::Good, "c on 1"));
    assert_eq!(story.records(), [Outcome::Superseded, Outcome::Applied]);
}

/// The wish goes back to what the old process runs: there is nothing to start.
#[test]
fn a_wish_for_what_the_old_process_runs_only_stops_the_candidate() {
    let mut story = overlapping();
    story.wish("b");
    story.passes(2 * SECOND);
    story.wish("a");
    assert_eq!(story.did(), ["start b", "steer to b", "steer to a", "stop", "write a"]);
    assert_eq!((story.state(), story.alive()), (ConfigState::Good, names(&["a on 1"])));
}

/// After a verdict nothing starts until the process that was stopped has ended.
#[test]
fn a_wish_waits_for_the_end_of_the_process_that_is_being_stopped() {
    let mut story = overlapping();
    story.by_hand(Part::Stop);
    story.wish("b");
    story.passes(12 * SECOND);
    story.wish("c");
    story.passes(5 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!((story.board().phase, story.connected()), (Phase::Up, "b on 1"));
    story.stopped("a");
    assert_eq!((story.starts(), story.alive()), (names(&["c on 1"]), names(&["c on 1", "b on 1"])));
}

/// The active process ends during a trial: the candidate gets connections when it is ready, not before.
#[test]
fn a_crash_of_the_old_process_gives_no_connections_to_a_candidate_that_is_not_ready() {
    let mut story = overlapping();
    story.weather("Web", Weather::Silent);
    story.wish("b");
    story.the_old_one_exits(2);
    story.passes(5 * SECOND);
    assert_eq!((story.did(), story.connected()), (names(&["start b"]), "nothing"));
    assert_eq!((story.board().phase, story.board().healthy), (Phase::Starting, false));
    story.weather("Web", Weather::Passing);
    story.passes(SECOND);
    assert_eq!((story.did(), story.connected()), (names(&["steer to b"]), "b on 1"));
    story.passes(12 * SECOND);
    assert_eq!((story.state(), story.records()), (ConfigState::Good, vec![Outcome::Exited, Outcome::Applied]));
}

/// The active process ends, and the candidate fails: the good environment is started again, as usual.
#[test]
fn when_both_processes_end_the_good_environment_is_started() {
    let mut story = overlapping();
    story.weather("Web", Weather::Silent);
    story.wish("b");
    story.the_old_one_exits(2);
    story.weather("Web", Weather::Passing);
    story.exits(1);
    assert_eq!(story.did(), ["start b", "start a"]);
    story.passes(15 * SECOND);
    assert_eq!((story.state(), story.connected()), (ConfigState::Reverted, "a on 1"));
}

/// A new build that fails is given up for the old one, and the board shows it.
#[test]
fn a_new_build_that_fails_leaves_the_old_build_running() {
    let mut story = overlapping();
    story.installed("2");
    story.nature("on 2", Nature::Sick);
    story.restart();
    assert_eq!((story.did(), story.alive()), (names(&["start a"]), names(&["a on 2", "a on 1"])));
    story.passes(91 * SECOND);
    assert_eq!((story.did(), story.alive()), (names(&["stop", "write a"]), names(&["a on 1"])));
    let board = story.board();
    assert!(board.healthy && board.build.outdated);
    assert_eq!(
        (board.config.state, story.records()),
        (ConfigState::BuildFailed, vec![Outcome::Operator, Outcome::BuildFailed])
    );

    story.installed("3");
    assert_eq!(story.state(), ConfigState::Good, "that is another build");
    story.restart();
    story.passes(12 * SECOND);
    assert_eq!((story.alive(), story.state()), (names(&["a on 3"]), ConfigState::Good));
}

/// Another command was configured: its build is known only when the start uses it.
#[test]
fn a_start_beside_another_process_uses_the_newest_command() {
    let mut story = overlapping();
    story.by_hand(Part::Start);
    story.restart();
    story.installed("2");
    story.started();
    assert!(story.board().build.outdated, "the old one serves");
    story.passes(12 * SECOND);
    let board = story.board();
    assert_eq!((board.build.outdated, board.config.state), (false, ConfigState::Good));
    assert_eq!(board.build.running_build, Some(crate::machine::Build("go:2".to_owned())));
}

/// A wish that fails on a new build: the good environment is tried on it as well, while the old build serves.
#[test]
fn a_change_that_fails_on_a_new_build_is_distinguished_from_the_build() {
    let mut story = overlapping();
    story.installed("2");
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.did(), ["start b", "start a", "steer to a"]);
    assert_eq!(story.alive(), ["a on 2", "a on 1"], "the old build is there until the verdict");
    story.passes(15 * SECOND);
    assert_eq!((story.state(), story.alive()), (ConfigState::Reverted, names(&["a on 2"])));
    assert_eq!(story.quarantine(), ["b on 2"]);
}

/// Neither is healthy on the new build: the old one stays.
#[test]
fn a_build_that_fails_on_both_is_given_up() {
    let mut story = overlapping();
    story.installed("2");
    story.nature("on 2", Nature::Sick);
    story.wish("b");
    story.passes(200 * SECOND);
    assert_eq!((story.state(), story.alive()), (ConfigState::BuildFailed, names(&["a on 1"])));
    assert!(story.board().healthy && story.quarantine().is_empty());
}

/// A restart by an operator works the same way; a process that does not get healthy does not take over.
#[test]
fn a_restart_for_an_operator_takes_over() {
    let mut story = overlapping();
    story.restart();
    assert_eq!((story.did(), story.alive()), (names(&["start a"]), names(&["a on 1", "a on 1"])));
    story.passes(12 * SECOND);
    assert_eq!(story.did(), ["steer to a", "stop"]);

    story.weather("Web", Weather::Silent);
    story.restart();
    story.exits(1);
    assert_eq!((story.alive(), story.board().healthy), (names(&["a on 1"]), true), "it is given up");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["start a", "write a"]);
}

/// An environment that becomes unhealthy soon after its promotion is replaced by the good one before it, which is
/// started beside it.
#[test]
fn a_process_that_becomes_unhealthy_while_it_is_watched_serves_until_the_good_one_is_ready() {
    let mut story = overlapping();
    story.wish("b");
    story.passes(12 * SECOND);
    story.forget();
    story.nature("b on", Nature::Sick);
    story.passes(4 * SECOND);
    assert_eq!((story.did(), story.alive()), (names(&["start a", "steer to a"]), names(&["a on 1", "b on 1"])));
    story.passes(12 * SECOND);
    assert_eq!((story.state(), story.alive()), (ConfigState::Reverted, names(&["a on 1"])));
}

/// A share of the new connections goes to the candidate at first, all of them in the second half of `min_healthy`.
#[test]
fn a_share_is_tried_first() {
    let mut story = Story::good_on_a_with(|policy| policy.handover = Handover::Overlap { share: 5 });
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.did(), ["start b", "steer 5% to b"]);
    story.passes(4 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["steer to b"]);
    story.passes(5 * SECOND);
    assert_eq!((story.did(), story.state()), (names(&["stop"]), ConfigState::Good));
}

/// Where connections can't be steered, a change is a restart.
#[test]
fn without_steering_a_change_is_a_restart() {
    let mut story = overlapping();
    story.cannot_steer("the kernel refuses");
    story.wish("b");
    assert_eq!(story.did(), ["stop", "start b"]);
    assert_eq!(story.board().sockets.as_deref(), Some("the kernel refuses"));
}

/// The kernel may refuse in the middle of a handover: then the change is a restart as well.
#[test]
fn a_steering_that_fails_becomes_a_restart() {
    let mut story = overlapping();
    story.by_hand(Part::Steer);
    story.wish("b");
    story.passes(SECOND);
    story.steer_failed();
    assert_eq!(story.did(), ["start b", "steer to b", "steer to a", "stop", "write a", "stop", "start b"]);
    assert_eq!(story.alive(), ["b on 1"]);
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

/// Connections go back to the old one when the new one ends. If that fails, the old one serves nobody: it is stopped
/// without a turn, and not for the change.
#[test]
fn an_old_process_that_gets_no_connections_is_stopped_at_once() {
    let mut story = Story::with(|policy| {
        policy.handover = Handover::Overlap { share: 100 };
        policy.turn = StepSetting::Enabled;
    });
    story.wish("a");
    story.passes(SECOND);
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.did(), ["start a", "ask turn", "start b", "steer to b"]);
    story.by_hand(Part::Steer);
    story.by_hand(Part::Turn);
    story.exits(1);
    assert_eq!(story.did(), ["steer to a", "return turn"], "nothing was ever good: there is nothing to go back to");
    story.steer_failed();
    assert_eq!(story.did(), ["write a", "stop", "start b"]);
}

/// The healthy time of a trial begins when the process gets connections.
#[test]
fn a_candidate_proves_nothing_without_connections() {
    let mut story = overlapping();
    story.by_hand(Part::Steer);
    story.wish("b");
    story.passes(30 * SECOND);
    assert_eq!(story.did(), ["start b", "steer to b"]);
    assert_eq!(story.state(), ConfigState::Trial);
    story.steered();
    story.passes(9 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

/// The fleet is asked for a turn, but nothing leaves traffic.
#[test]
fn an_overlap_needs_a_turn_and_no_drain() {
    let mut story = Story::good_on_a_with(|policy| {
        policy.handover = Handover::Overlap { share: 100 };
        policy.turn = StepSetting::Enabled;
        policy.drain_max = Some(Duration::from_secs(30));
    });
    story.forget();
    story.wish("b");
    assert_eq!(story.did(), ["ask turn", "start b"]);
    story.passes(12 * SECOND);
    assert_eq!(story.did(), ["steer to b", "in", "stop", "return turn"]);
    story.nature("c on", Nature::SickensInTraffic);
    story.wish("c");
    story.passes(5 * SECOND);
    let expected =
        ["ask turn", "start c", "steer to c", "in", "halt c", "steer to b", "in", "stop", "write b", "return turn"];
    assert_eq!(story.did(), expected);
}

/// lictor stops in the middle of a handover: both processes are stopped.
#[test]
fn a_shutdown_stops_both() {
    for seconds in [0, 3] {
        let mut story = overlapping();
        story.wish("b");
        story.passes(seconds * SECOND);
        story.forget();
        story.by_hand(Part::Stop);
        story.shutdown();
        assert_eq!(story.did().iter().filter(|did| *did == "stop").count(), 2);
        story.shutdown();
        assert_eq!(story.did().iter().filter(|did| *did == "kill").count(), 2);
        assert!(!story.machine.is_finished());
        story.stopped("a");
        assert!(!story.machine.is_finished());
        story.stopped("b");
        assert!(story.machine.is_finished(), "after {seconds} s");
    }
}

/// A first start, and a start after a crash, work as without the overlap.
#[test]
fn a_crash_is_followed_by_a_start_as_without_the_overlap() {
    let mut story = overlapping();
    story.exits(1);
    story.passes(2 * SECOND);
    assert_eq!((story.did(), story.connected()), (names(&["start a"]), "a on 1"));
}

/// A process that was never ready serves nobody: it is not kept while the next one starts.
#[test]
fn a_process_that_was_never_ready_is_stopped_first() {
    let mut story = Story::with(|policy| policy.handover = Handover::Overlap { share: 100 });
    story.weather("Web", Weather::Failing);
    story.wish("a");
    story.passes(5 * SECOND);
    story.wish("b");
    assert_eq!(story.did(), ["start a", "stop", "start b"]);
}

/// Two processes cannot listen on one port. If a candidate ends at its start while the old process has opened ports by
/// itself, the reason names them; if the candidate had got connections, it does not.
#[test]
fn the_reason_names_the_ports_that_the_old_process_has_opened_by_itself() {
    for (nature, ports, part) in [
        (Nature::Dies, vec![6060], Some("listens on port 6060 by itself")),
        (Nature::Dies, vec![6060, 6061], Some("listens on ports 6060, 6061 by itself")),
        (Nature::Dies, vec![], None),
        (Nature::Sick, vec![6060], Some("listens on port 6060 by itself")),
        (Nature::SickensInTraffic, vec![6060], None),
    ] {
        let mut story = overlapping();
        story.nature("b on", nature);
        story.wish("b");
        story.first_listens_on(&ports);
        story.passes(100 * SECOND);
        assert_eq!(story.state(), ConfigState::Reverted, "{nature:?}");
        let reasons = format!("{:?}", story.board().history);
        assert_eq!(reasons.contains("by itself"), part.is_some(), "{nature:?} {ports:?}: {reasons}");
        assert!(part.is_none_or(|part| reasons.contains(part)), "{nature:?} {ports:?}: {reasons}");
    }
}
