//! Wishes that are rejected, reloaded or ignored, told to a machine step by step.

use std::sync::Arc;
use std::time::Duration;

use crate::environment::glob::Glob;
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::board::{Board, ConfigState, Phase};
use crate::machine::event::{Event, Exit, Outcome as Probe, Verb};
use crate::machine::history::Outcome;
use crate::machine::ledger::Good;
use crate::machine::order::Order;
use crate::machine::policy::{CheckRule, KeyRule, OnChange, Policy, Role, Step};
use crate::machine::{Build, GenerationId, Machine, Moment, Restored, RunId, Version};

const HEALTHY: u64 = 2_000;

struct Scene {
    machine: Machine,
    now: u64,
}

fn environment(pairs: &[(&str, &str)]) -> Arc<Environment> {
    let variable = |(name, value): &(&str, &str)| {
        let variable = Variable { value: (*value).into(), origin: "test".into(), visibility: Visibility::Secret };
        ((*name).to_owned(), variable)
    };
    Arc::new(Environment::new(pairs.iter().map(variable).collect()))
}

/// `DATA` asks for a restart, `LEVEL` for a reload, `NOTE` for nothing.
fn wanted(data: &str, level: &str, note: &str) -> Arc<Environment> {
    environment(&[("DATA", data), ("LEVEL", level), ("NOTE", note)])
}

fn policy() -> Policy {
    let rule = |label: &str, on_change| KeyRule { label: Glob::parse(label).unwrap(), on_change };
    Policy {
        quiet_min: Duration::ZERO,
        min_healthy: Duration::from_millis(HEALTHY),
        deadline: Duration::from_secs(10),
        on_change: vec![rule("LEVEL", OnChange::Reload), rule("NOTE", OnChange::Ignore)],
        ..Policy::new("billing")
    }
}

fn checked() -> Policy {
    let web = CheckRule {
        name: "Web".into(),
        role: Role::Readiness,
        rise: 1,
        fall: 3,
        good: "Good".into(),
        bad: "Bad".into(),
    };
    Policy { checks: vec![web], ..policy() }
}

impl Scene {
    fn new(policy: Policy, restored: Restored) -> Self {
        let mut scene = Self { machine: Machine::new(policy, restored, 1, Moment(0), 0), now: 0 };
        scene.tell(Event::Installed { build: Build("go:1".into()), version: Version::default() });
        scene
    }

    /// The service is good on this.
    fn good_on(policy: Policy, environment: &Arc<Environment>) -> Self {
        let mut scene = Self::new(policy, Restored::default());
        scene.wish(environment);
        scene.prove();
        assert_eq!(scene.board().config.state, ConfigState::Good);
        scene
    }

    /// What it orders, but for lines of history; a start is obeyed at once.
    fn tell(&mut self, event: Event) -> Vec<Order> {
        let mut orders = self.machine.handle(Moment(self.now), event);
        if let Some(Order::Start { run, .. }) = orders.iter().find(|order| matches!(order, Order::Start { .. })) {
            let started = Event::Started { run: *run, pid: 7 };
            orders.extend(self.tell(started));
        }
        orders.retain(|order| !matches!(order, Order::Record { .. }));
        orders
    }

    fn wish(&mut self, environment: &Arc<Environment>) -> Vec<Order> {
        self.tell(Event::Wish { environment: Arc::clone(environment), violations: Vec::new() })
    }

    fn wish_for_broken(&mut self, environment: &Arc<Environment>) -> Vec<Order> {
        let violations = vec!["DATA is not a number".to_owned(), "PORT is required".to_owned()];
        self.tell(Event::Wish { environment: Arc::clone(environment), violations })
    }

    fn run(&self) -> RunId {
        self.machine.life.run().expect("a run").id
    }

    fn probe(&mut self, outcome: Probe) -> Vec<Order> {
        let run = self.run();
        self.tell(Event::Probed { run, check: 0, outcome, took: Duration::ZERO })
    }

    fn exit(&mut self) -> Vec<Order> {
        let run = self.run();
        self.tell(Event::Exited { run, exit: Exit::Code(1) })
    }

    fn pass(&mut self, millis: u64) -> Vec<Order> {
        self.now += millis;
        self.tell(Event::Tick)
    }

    /// The run is healthy for as long as it takes.
    fn prove(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.extend(self.probe(Probe::Pass));
            orders.extend(self.pass(HEALTHY / 2));
        }
        orders
    }

    fn board(&self) -> Board {
        self.machine.picture()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.board().history.iter().map(|entry| entry.outcome).collect()
    }
}

fn disturbs(orders: &[Order]) -> bool {
    orders.iter().any(|order| matches!(order, Order::Stop { .. } | Order::Start { .. } | Order::Kill { .. }))
}

fn reloads(orders: &[Order]) -> usize {
    orders.iter().filter(|order| matches!(order, Order::Reload { .. })).count()
}

fn kept(orders: &[Order]) -> Vec<Vec<Good>> {
    let lists = orders.iter().filter_map(|order| match order {
        Order::KeepGood { good } => Some(good.clone()),
        _ => None,
    });
    lists.collect()
}

#[test]
fn a_reload_key_is_told_to_the_process_that_runs_and_is_good_once_it_is_healthy_on_it() {
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
fn the_next_start_is_on_what_was_reloaded_and_nothing_is_pending_then() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    scene.wish(&wanted("1", "debug", "a"));
    scene.prove();
    scene.tell(Event::Operator { verb: Verb::Restart });
    let orders = scene.exit();
    let started = orders
        .iter()
        .any(|order| matches!(order, Order::Start { environment, .. } if *environment == wanted("1", "debug", "a")));
    assert!(started, "{orders:?}");
    assert_eq!(scene.board().config.pending_restart, Vec::<String>::new());
    assert_eq!(scene.board().config.state, ConfigState::Good, "it is good already: no trial");
}

#[test]
fn a_process_that_ends_on_what_it_was_told_is_started_on_the_last_good_one() {
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
fn a_process_that_is_sick_on_what_it_was_told_is_restarted_on_the_last_good_one_at_the_deadline() {
    let (good, bad) = (wanted("1", "info", "a"), wanted("1", "bad", "a"));
    let mut scene = Scene::good_on(checked(), &good);
    scene.wish(&bad);
    scene.probe(Probe::Fail("503".into()));
    assert!(!disturbs(&scene.pass(9_999)));
    let orders = scene.pass(1);
    assert!(orders.iter().any(|order| matches!(order, Order::Stop { .. })), "{orders:?}");
    scene.exit();
    scene.prove();
    assert_eq!(scene.board().config.state, ConfigState::Reverted);
}

#[test]
fn what_passed_before_a_reload_proves_nothing_about_it() {
    let mut scene = Scene::good_on(checked(), &wanted("1", "info", "a"));
    scene.wish(&wanted("1", "debug", "a"));
    scene.pass(HEALTHY * 2);
    scene.probe(Probe::Pass);
    assert_eq!(scene.board().config.state, ConfigState::Trial, "one pass may have been on its way");
    scene.probe(Probe::Pass);
    assert_eq!(scene.board().config.state, ConfigState::Good);
}

#[test]
fn an_ignored_key_is_recorded_and_nothing_else() {
    let mut scene = Scene::good_on(policy(), &wanted("1", "info", "a"));
    let next = wanted("1", "info", "b");
    assert_eq!(scene.wish(&next), []);
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
fn what_is_not_well_is_restarted_whatever_the_change() {
    let mut scene = Scene::new(checked(), Restored::default());
    scene.wish(&wanted("1", "info", "a"));
    scene.probe(Probe::Fail("503".into()));
    scene.pass(11_000);
    let orders = scene.wish(&wanted("1", "debug", "a"));
    assert_eq!((reloads(&orders), disturbs(&orders)), (0, true), "{orders:?}");
}

#[test]
fn what_cannot_be_told_is_rejected_and_all_is_as_it_was() {
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
    let orders = scene.tell(Event::Operator { verb: Verb::Retry });
    assert_eq!(reloads(&orders), 1, "an operator who has mended the disk asks once more");
}

#[test]
fn what_breaks_the_schema_touches_nothing_and_says_all_of_it() {
    let good = wanted("1", "info", "a");
    let policy = Policy { check_command: Step::Passed, ..policy() };
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
    scene.tell(Event::Operator { verb: Verb::Hold { reason: "night".into() } });
    scene.wish_for_broken(&wanted("x", "info", "a"));
    assert_eq!(scene.board().config.state, ConfigState::Held);
    scene.tell(Event::Operator { verb: Verb::Unhold });
    assert_eq!(scene.board().config.state, ConfigState::Rejected);
    let orders = scene.tell(Event::Operator { verb: Verb::Retry });
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

#[test]
fn what_was_good_under_other_rules_runs_on_and_is_said_to_be_rejected() {
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
fn another_build_may_bear_what_the_check_command_refused() {
    let policy = Policy { check_command: Step::Configured, ..policy() };
    let mut scene = Scene::new(policy, Restored::default());
    let asks = |orders: &[Order]| {
        orders.iter().find_map(|order| match order {
            Order::Check { check, .. } => Some(*check),
            _ => None,
        })
    };
    let check = asks(&scene.wish(&wanted("1", "info", "a"))).expect("the first start is checked as well");
    assert!(!disturbs(&scene.tell(Event::Checked { check, verdict: Err("too old".into()) })));
    assert_eq!(scene.board().config.message.as_deref(), Some("Rejected: too old"));
    assert_eq!(asks(&scene.pass(60_000)), None, "it is not asked again about the same one");
    let installed = Event::Installed { build: Build("go:2".into()), version: Version::default() };
    let check = asks(&scene.tell(installed)).expect("another build, another question");
    assert!(disturbs(&scene.tell(Event::Checked { check, verdict: Ok(()) })));
}

#[test]
fn a_newer_wish_ends_the_question_about_the_one_before() {
    let policy = Policy { check_command: Step::Configured, ..policy() };
    let mut scene = Scene::new(policy, Restored::default());
    scene.wish(&wanted("1", "info", "a"));
    let orders = scene.wish(&wanted("2", "info", "a"));
    assert!(matches!(orders.as_slice(), [Order::CancelCheck { .. }, Order::Check { .. }]), "{orders:?}");
    let orders = scene.wish_for_broken(&wanted("3", "info", "a"));
    assert!(matches!(orders.as_slice(), [Order::CancelCheck { .. }]), "{orders:?}");
}

#[test]
fn what_the_process_was_started_with_stays_on_the_list_of_good_ones() {
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
