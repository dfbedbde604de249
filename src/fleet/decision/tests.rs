//! The gate, case by case.

use super::super::layout::{OutMark, SEMAPHORE, json};
use super::super::mark::Mark;
use super::super::rules::Limit;
use super::super::view::{Look, tests::pair};
use super::*;
use crate::consul::health::Instance;

fn member(node: &str) -> Member {
    Member { node: node.into(), id: "billing".into() }
}

fn rules(limit: Limit) -> Rules {
    Rules {
        prefix: "lictor/billing/".into(),
        service: "billing".into(),
        id: "billing".into(),
        limit,
        min_passing: 1,
        bake: std::time::Duration::from_secs(1),
    }
}

fn catalog(standings: &[(&str, Standing)]) -> Vec<Instance> {
    let instance = |(node, standing): &(&str, Standing)| Instance {
        node: (*node).into(),
        id: "billing".into(),
        standing: *standing,
    };
    standings.iter().map(instance).collect()
}

fn ask() -> Ask {
    let marks = |value: &str| Arc::new([("A".to_owned(), Mark::test(value))].into_iter().collect::<Marks>());
    Ask { turn: TurnId(1), wish: marks("2"), running: marks("1"), build: "go:1".into() }
}

fn decide(limit: Limit, look: &Look) -> Decision {
    let (rules, us, nobody) = (rules(limit), member("us"), BTreeSet::new());
    let asking = Asking { rules: &rules, member: &us, session: "ours", given_up: &nobody, unix_ms: 0 };
    asking.decide(&View::of(look), &ask())
}

fn why(decision: Decision) -> String {
    match decision {
        Decision::Waits(Waits { why, .. }) => why.text(45_053_000),
        other => panic!("{other:?}"),
    }
}

const PASSING: Standing = Standing::Passing;
const SICK: Standing = Standing::NotPassing;

#[test]
fn with_nobody_in_the_way_the_first_one_tries_the_change() {
    let look = Look { catalog: catalog(&[("us", PASSING), ("b", PASSING)]), ..Look::default() };
    let Decision::Free(plan) = decide(Limit::Count(1), &look) else { panic!() };
    assert!(plan.canary.is_some());
}

#[test]
fn an_instance_that_does_not_pass_counts_as_out_unless_we_are_sick_ourselves() {
    let look = Look { catalog: catalog(&[("us", PASSING), ("b", SICK), ("c", PASSING)]), ..Look::default() };
    assert_eq!(why(decide(Limit::Count(1), &look)), "b does not pass in Consul's catalog");
    assert!(matches!(decide(Limit::Count(2), &look), Decision::Free(_)));
    let look = Look { catalog: catalog(&[("us", SICK), ("b", SICK)]), ..Look::default() };
    assert!(matches!(decide(Limit::Count(1), &look), Decision::Free(_)));
}

#[test]
fn a_catalog_that_does_not_list_us_is_unknown_and_not_free() {
    assert!(why(decide(Limit::Count(1), &Look::default())).contains("does not list billing on us"));
}

#[test]
fn out_marks_count_with_and_without_a_session_and_whatever_they_hold() {
    let mark = |session: &str| OutMark { member: member("b"), session: session.into(), turn: 1, since: 45_045_000 };
    for value in [json(&mark("dead")), b"garbage".to_vec()] {
        let look = Look {
            out: vec![pair("b,billing", value, 0, None)],
            catalog: catalog(&[("us", PASSING), ("b", PASSING)]),
            ..Look::default()
        };
        assert!(matches!(decide(Limit::Count(1), &look), Decision::Waits(_)));
        assert!(matches!(decide(Limit::Count(2), &look), Decision::Free(_)));
    }
    let look = Look {
        out: vec![pair("b,billing", json(&mark("dead")), 0, None)],
        catalog: catalog(&[("us", PASSING), ("b", PASSING)]),
        ..Look::default()
    };
    assert_eq!(why(decide(Limit::Count(1), &look)), "for its turn: 1 before it; b has it for 8s");
}

#[test]
fn whoever_holds_the_semaphore_without_a_mark_counts_and_its_limit_too() {
    let look = |limit| Look {
        turn: vec![
            pair(".lock", format!(r#"{{"Limit":{limit},"Holders":{{"theirs":true}}}}"#), SEMAPHORE, None),
            pair("theirs", "", SEMAPHORE, Some("theirs")),
        ],
        catalog: catalog(&[("us", PASSING), ("b", PASSING)]),
        ..Look::default()
    };
    assert_eq!(why(decide(Limit::Count(2), &look(1))), "for its turn: 1 before it; session theirs has it");
    assert!(matches!(decide(Limit::Count(2), &look(2)), Decision::Free(_)));
}

#[test]
fn a_semaphore_that_is_none_lets_nobody_pass() {
    let look =
        Look { turn: vec![pair(".lock", "hello", 0, None)], catalog: catalog(&[("us", PASSING)]), ..Look::default() };
    assert!(why(decide(Limit::Count(9), &look)).starts_with("lictor/billing/turn/.lock is not a semaphore"));
}

#[test]
fn a_change_that_was_taken_back_is_halted_while_what_runs_lacks_it() {
    let halt = |value: &str, build: &str| {
        format!(
            r#"{{"state":"halt","by":{{"node":"b","id":"billing"}},"reason":"sick","build":"{build}","pairs":{{"A":"{value}"}}}}"#
        )
    };
    let look = |value, build| Look {
        rollout: vec![pair("x", halt(value, build), 0, None)],
        catalog: catalog(&[("us", PASSING)]),
        ..Look::default()
    };
    assert!(
        matches!(decide(Limit::Count(1), &look("2", "go:1")), Decision::Halted { by, why, .. } if by == "b" && why == "sick")
    );
    assert!(matches!(decide(Limit::Count(1), &look("1", "go:1")), Decision::Free(_)), "that runs already");
    assert!(matches!(decide(Limit::Count(1), &look("2", "go:2")), Decision::Free(_)), "that was another build");
}

#[test]
fn the_others_wait_for_the_first_one_while_its_session_lives() {
    let canary =
        r#"{"state":"canary","by":{"node":"b","id":"billing"},"session":"theirs","build":"go:1","pairs":{"A":"2"}}"#;
    let look = |alive: bool| Look {
        turn: if alive { vec![pair("theirs", "", SEMAPHORE, Some("theirs"))] } else { Vec::new() },
        rollout: vec![pair("x", canary, 0, None)],
        catalog: catalog(&[("us", PASSING)]),
        ..Look::default()
    };
    assert_eq!(why(decide(Limit::Count(2), &look(true))), "b tries this change first");
    assert!(matches!(decide(Limit::Count(2), &look(false)), Decision::Free(Plan { canary: Some(_), .. })));
    let go = canary.replace("canary", "go");
    let look = Look { rollout: vec![pair("x", go, 0, None)], catalog: catalog(&[("us", PASSING)]), ..Look::default() };
    assert!(matches!(decide(Limit::Count(2), &look), Decision::Free(Plan { canary: None, .. })));
}

#[test]
fn a_fleet_that_is_held_waits_whatever_the_hold_says() {
    for (value, expected) in [
        (r#"{"reason":"night","by":"ann"}"#, "ann holds the whole fleet: night"),
        ("x", "an operator holds the whole fleet"),
    ] {
        let look =
            Look { hold: Some(pair("hold", value, 0, None)), catalog: catalog(&[("us", PASSING)]), ..Look::default() };
        assert_eq!(why(decide(Limit::Count(1), &look)), expected);
    }
}

#[test]
fn a_hold_ends_by_itself_at_its_time() {
    let hold = pair("hold", r#"{"reason":"night","by":"ann","at":1000,"until":5000}"#, 0, None);
    let look = Look { hold: Some(hold), catalog: catalog(&[("us", PASSING)]), ..Look::default() };
    let (rules, us, nobody) = (rules(Limit::Count(1)), member("us"), BTreeSet::new());
    let at = |unix_ms| Asking { rules: &rules, member: &us, session: "ours", given_up: &nobody, unix_ms };
    assert_eq!(why(at(4999).decide(&View::of(&look), &ask())), "ann holds the whole fleet: night");
    assert!(matches!(at(5000).decide(&View::of(&look), &ask()), Decision::Free(_)));
}

#[test]
fn too_few_others_pass() {
    let mut rules = rules(Limit::Count(3));
    rules.min_passing = 2;
    let (us, nobody) = (member("us"), BTreeSet::new());
    let asking = Asking { rules: &rules, member: &us, session: "ours", given_up: &nobody, unix_ms: 0 };
    let look = Look { catalog: catalog(&[("us", PASSING), ("b", PASSING), ("c", SICK)]), ..Look::default() };
    let decision = asking.decide(&View::of(&look), &ask());
    assert_eq!(why(decision), "1 others pass in Consul's catalog where min_passing asks for 2");
}

#[test]
fn a_silent_one_is_given_up_if_enough_others_pass() {
    let mut rules = rules(Limit::Count(1));
    rules.min_passing = 0;
    let (us, given_up) = (member("us"), BTreeSet::from([member("b").key()]));
    let asking = Asking { rules: &rules, member: &us, session: "ours", given_up: &given_up, unix_ms: 0 };
    let four = [("us", PASSING), ("b", SICK), ("c", PASSING), ("d", PASSING), ("e", PASSING)];
    let look = |count: usize| Look { catalog: catalog(&four[..count]), ..Look::default() };
    assert!(matches!(asking.decide(&View::of(&look(5)), &ask()), Decision::Free(_)));
    assert!(matches!(asking.decide(&View::of(&look(3)), &ask()), Decision::Waits(_)));
}
