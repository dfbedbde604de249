//! Changes that do not restart the process.

use super::*;

/// A reload is a small trial: the run has to be healthy for `min_healthy` from then on, by the deadline; if not, it is
/// taken back like any candidate, by a restart on the last good environment.
#[test]
fn a_reload_signals_the_running_process_and_is_good_once_that_is_healthy() {
    let mut scene = Scene::good_on(checked(), &wanted("1", "info", "a"));
    let (run, next) = (scene.run(), wanted("1", "debug", "a"));
    let orders = scene.wish(&next);
    assert_eq!((reloads(&orders), disturbs(&orders)), (1, false), "{orders:?}");
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled, board.healthy), (ConfigState::Trial, false, true));
    assert_eq!(board.config.pending_restart, ["LEVEL"]);

    let orders = scene.prove();
    assert!(!disturbs(&orders), "{orders:?}");
    assert_eq!(kept(&orders)[0][0].environment, next);
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Good, true));
    assert_eq!(board.config.fingerprint, Some(next.fingerprint()));
    assert_eq!((board.config.pending_restart, scene.run()), (vec!["LEVEL".to_owned()], run));
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Reloaded]);
    assert_eq!(board.history[1].keys, ["LEVEL"]);
    assert!(board.history[1].propagation_ms.is_some());
}

#[test]
fn the_next_start_uses_the_reloaded_environment_and_nothing_is_pending_then() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    scene.wish(&wanted("1", "debug", "a"));
    scene.prove();
    scene.tell(Event::Operator { verb: Verb::Restart, by: Requester::default() });
    let orders = scene.exit();
    let started = orders
        .iter()
        .any(|order| matches!(order, Order::Start { environment, .. } if *environment == wanted("1", "debug", "a")));
    assert!(started, "{orders:?}");
    assert_eq!(scene.board().config.pending_restart, Vec::<String>::new());
    assert_eq!(scene.board().config.state, ConfigState::Good, "it is good already: no trial");
}

#[test]
fn a_process_that_ends_after_a_reload_is_started_on_the_last_good_environment() {
    let (good, bad) = (wanted("1", "info", "a"), wanted("1", "bad", "a"));
    let mut scene = Scene::good_on(policy(), &good);
    scene.wish(&bad);
    scene.pass(HEALTHY / 2);
    let orders = scene.exit();
    assert!(orders.iter().any(|order| matches!(order, Order::Start { environment, .. } if *environment == good)));
    scene.prove();
    let board = scene.board();
    assert_eq!((board.config.state, board.config.fingerprint), (ConfigState::Reverted, Some(good.fingerprint())));
    assert_eq!(board.config.quarantine[0].environment, bad.fingerprint());
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Exited, Outcome::Reverted]);
}

#[test]
fn a_process_that_is_unhealthy_after_a_reload_is_restarted_on_the_last_good_environment_at_the_deadline() {
    let (good, bad) = (wanted("1", "info", "a"), wanted("1", "bad", "a"));
    let mut scene = Scene::good_on(checked(), &good);
    scene.wish(&bad);
    scene.probe(ProbeResult::Fail("503".into()));
    assert!(!disturbs(&scene.pass(9_999)));
    let orders = scene.pass(1);
    assert!(orders.iter().any(|order| matches!(order, Order::Stop { .. })), "{orders:?}");
    scene.exit();
    scene.prove();
    assert_eq!(scene.board().config.state, ConfigState::Reverted);
}

#[test]
fn probes_use_the_reloaded_environment() {
    let mut scene = Scene::good_on(checked(), &wanted("1", "info", "a"));
    for level in ["debug", "trace"] {
        let next = wanted("1", level, "a");
        let orders = scene.wish(&next);
        let knows = |order: &Order| matches!(order, Order::Probe { environment, .. } if *environment == next);
        assert!(orders.iter().any(knows), "also while the one before is on trial: {orders:?}");
    }
}

#[test]
fn passes_from_before_a_reload_do_not_count_for_it() {
    let mut scene = Scene::good_on(checked(), &wanted("1", "info", "a"));
    scene.wish(&wanted("1", "debug", "a"));
    scene.pass(HEALTHY * 2);
    scene.probe(ProbeResult::Pass);
    assert_eq!(scene.board().config.state, ConfigState::Trial, "one pass may have been on its way");
    scene.probe(ProbeResult::Pass);
    assert_eq!(scene.board().config.state, ConfigState::Good);
}

/// A change of ignored keys only is used by the next start, and is on trial only then. The probes use it at once,
/// because of a rotated password only the new one works.
#[test]
fn an_ignored_key_is_recorded_and_the_probes_know_it_and_nothing_else() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    let next = wanted("1", "info", "b");
    let orders = scene.wish(&next);
    let knows = |order: &Order| matches!(order, Order::Probe { environment, .. } if *environment == next);
    assert!(orders.len() == 1 && orders.iter().all(knows), "{orders:?}");
    let board = scene.board();
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Good, true));
    assert_eq!(
        (board.config.pending_restart, scene.outcomes()),
        (vec!["NOTE".to_owned()], vec![Outcome::Applied, Outcome::Ignored])
    );
    assert_eq!(scene.board().config.good, Some(wanted("1", "info", "a").fingerprint()), "nothing has been proved");

    scene.exit();
    let orders = scene.pass(60_000);
    assert!(orders.iter().any(|order| matches!(order, Order::Start { environment, .. } if *environment == next)));
    scene.prove();
    assert_eq!(scene.board().config.good, Some(next.fingerprint()));
}

#[test]
fn one_key_that_asks_for_a_restart_is_enough() {
    for next in
        [wanted("2", "debug", "b"), environment(&[("DATA", "1"), ("LEVEL", "info"), ("NOTE", "a"), ("NEW", "1")])]
    {
        let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
        let orders = scene.wish(&next);
        assert_eq!((reloads(&orders), disturbs(&orders)), (0, true), "{orders:?}");
    }
}

/// A signal may kill a process that does not handle it yet.
#[test]
fn a_trial_is_not_disturbed_by_a_change_that_needs_no_restart() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    scene.wish(&wanted("2", "info", "a"));
    scene.exit();
    assert_eq!(scene.wish(&wanted("2", "debug", "b")), []);
    assert_eq!(scene.board().config.state, ConfigState::Pending);
    let orders = scene.prove();
    assert_eq!((reloads(&orders), disturbs(&orders)), (1, false), "{orders:?}");
    scene.prove();
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Applied, Outcome::Reloaded]);
}

#[test]
fn a_reload_may_overtake_a_reload() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    assert_eq!(reloads(&scene.wish(&wanted("1", "debug", "a"))), 1);
    scene.pass(HEALTHY / 2);
    assert_eq!(reloads(&scene.wish(&wanted("1", "trace", "a"))), 1);
    scene.pass(HEALTHY - 1);
    assert_eq!(scene.board().config.state, ConfigState::Trial, "its time counts from the newer one");
    scene.pass(1);
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Superseded, Outcome::Reloaded]);
    assert_eq!(reloads(&scene.wish(&wanted("1", "info", "a"))), 1, "and back to what it was started with");
    assert_eq!(scene.board().config.pending_restart, Vec::<String>::new());
}

#[test]
fn an_unhealthy_process_is_restarted_for_any_change() {
    let mut scene = Scene::new(checked(), Restored::default());
    scene.wish(&wanted("1", "info", "a"));
    scene.probe(ProbeResult::Fail("503".into()));
    scene.pass(11_000);
    let orders = scene.wish(&wanted("1", "debug", "a"));
    assert_eq!((reloads(&orders), disturbs(&orders)), (0, true), "{orders:?}");
}

/// If the process could not be signalled (its file cannot be written), nothing was touched.
#[test]
fn a_reload_that_cannot_be_carried_out_is_rejected_and_changes_nothing() {
    let good = wanted("1", "info", "a");
    let mut scene = Scene::good_on(policy(), &good);
    let next = wanted("1", "debug", "a");
    scene.wish(&next);
    let run = scene.run();
    let orders = scene.tell(Event::ReloadFailed { run, error: "cannot write the env_file".into() });
    assert!(!disturbs(&orders), "{orders:?}");
    let board = scene.board();
    assert_eq!((board.config.state, board.config.fingerprint), (ConfigState::Rejected, Some(good.fingerprint())));
    assert_eq!(board.config.message.as_deref(), Some("Rejected: cannot write the env_file"));
    assert_eq!((board.config.pending_restart, board.healthy), (Vec::new(), true));
    scene.prove();
    assert_eq!(scene.outcomes(), [Outcome::Applied, Outcome::Rejected]);
    assert_eq!(scene.board().config.state, ConfigState::Rejected);
    let orders = scene.tell(Event::Operator { verb: Verb::Retry { fingerprint: None }, by: Requester::default() });
    assert_eq!(reloads(&orders), 1, "an operator who has mended the disk asks once more");
}

/// The next lictor takes a process over only if it knows the environment that it was started with.
#[test]
fn the_environment_that_the_process_was_started_with_stays_on_the_list_of_good_ones() {
    let first = wanted("1", "0", "a");
    let mut scene = Scene::good_on(policy(), &first);
    let mut orders = Vec::new();
    for level in 1..9 {
        scene.wish(&wanted("1", &level.to_string(), "a"));
        orders = scene.prove();
    }
    let good = kept(&orders).pop().unwrap();
    assert_eq!(good.len(), 5);
    assert!(good.iter().any(|good| good.environment == first), "the next lictor can take the process up");
    assert_eq!(good[0].environment, wanted("1", "8", "a"));
}
