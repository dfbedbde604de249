//! What is written, for what is found.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn definition() -> Definition {
    let registration = Registration {
        id: "billing".into(),
        name: "billing".into(),
        address: String::new(),
        port: 8080,
        tags: vec!["a".into()],
        meta: BTreeMap::from([(VERSION.to_owned(), "2".to_owned())]),
    };
    let check = HttpCheck {
        id: "billing:lictor".into(),
        name: "billing by lictor".into(),
        notes: "asks here".into(),
        service_id: "billing".into(),
        url: "http://127.0.0.1:8127/health".into(),
        interval: "1s".into(),
        timeout: "2s".into(),
        deregister_critical_service_after: None,
    };
    Definition { registration, check }
}

fn check(id: &str, status: Status, notes: &str) -> AgentCheck {
    AgentCheck { node: "n".into(), check_id: id.into(), status, notes: notes.into() }
}

/// The service as it was registered by us, with its check in this status.
fn registered(status: Status) -> Found {
    let Definition { registration, check: ours } = definition();
    let Registration { name, address, port, tags, meta, .. } = registration;
    let service = AgentService { service: name, address, port, tags, meta, content_hash: "x".into() };
    Found { service: Some(service), checks: vec![check(&ours.id, status, &ours.notes)] }
}

fn in_maintenance(mut found: Found, reason: &str) -> Found {
    found.checks.push(check("_service_maintenance:billing", Status::Critical, reason));
    found
}

fn out() -> Traffic {
    Traffic::Out { why: "restarting".into() }
}

/// What lictor registers itself.
fn own<'a>(definition: &'a Definition, traffic: Option<&'a Traffic>, check: Option<Status>) -> Desired<'a> {
    Desired { id: "billing", definition: Some(definition), presence: Presence::Kept, traffic, check }
}

/// What a file registers.
fn of_a_file(traffic: Option<&Traffic>) -> Desired<'_> {
    Desired { id: "billing", definition: None, presence: Presence::Kept, traffic, check: None }
}

fn on() -> Write {
    Write::Maintain(Maintenance::On("lictor: restarting".into()))
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    let definition = definition();
    for status in [Status::Passing, Status::Warning, Status::Critical] {
        for traffic in [None, Some(&Traffic::In)] {
            assert_eq!(writes(&own(&definition, traffic, None), &registered(status)), [], "{status:?} {traffic:?}");
        }
        assert_eq!(writes(&own(&definition, None, Some(status)), &registered(status)), []);
    }
}

#[test]
fn what_is_missing_is_registered_with_its_check_and_critical_until_something_is_known() {
    let definition = definition();
    let register = |status| Write::Register(definition.registration.clone(), Some((definition.check.clone(), status)));
    assert_eq!(writes(&own(&definition, None, None), &Found::default()), [register(Status::Critical)]);
    let passing = writes(&own(&definition, Some(&Traffic::In), Some(Status::Passing)), &Found::default());
    assert_eq!(passing, [register(Status::Passing)]);
    let leaving = writes(&own(&definition, Some(&out()), None), &Found::default());
    assert_eq!(leaving, [register(Status::Critical), on()], "there is nothing to take out before it is registered");
}

#[test]
fn what_differs_is_registered_again_and_its_check_stays() {
    let definition = definition();
    let changes: [fn(&mut AgentService); 5] = [
        |service| service.service = "other".into(),
        |service| service.address = "10.0.0.1".into(),
        |service| service.port = 1,
        |service| service.tags.clear(),
        |service| drop(service.meta.insert(VERSION.into(), "1".into())),
    ];
    for change in changes {
        let mut found = registered(Status::Passing);
        change(found.service.as_mut().unwrap());
        let found = in_maintenance(found, "an operator's");
        assert_eq!(
            writes(&own(&definition, Some(&Traffic::In), None), &found),
            [Write::Register(definition.registration.clone(), None)],
            "a plain registration ends no maintenance"
        );
    }
}

#[test]
fn another_token_means_another_registration() {
    let definition = definition();
    let desired = Desired { presence: Presence::Renewed, ..own(&definition, None, None) };
    let expected = [Write::Register(definition.registration.clone(), None)];
    assert_eq!(writes(&desired, &registered(Status::Passing)), expected);
}

#[test]
fn while_no_version_is_known_the_registered_one_stays() {
    let mut definition = definition();
    definition.registration.meta.clear();
    assert_eq!(writes(&own(&definition, None, None), &registered(Status::Passing)), []);
}

#[test]
fn a_check_that_is_missing_or_calls_something_else_is_made_again() {
    let definition = definition();
    let mut missing = registered(Status::Passing);
    missing.checks.clear();
    let remade = |status| vec![Write::RemakeCheck(definition.check.clone(), status)];
    assert_eq!(writes(&own(&definition, None, None), &missing), remade(Status::Critical));
    let mut other = registered(Status::Passing);
    other.checks[0].notes = "asks elsewhere".into();
    assert_eq!(writes(&own(&definition, None, None), &other), remade(Status::Passing), "it keeps its status");
}

#[test]
fn the_check_shows_at_once_what_lictor_knows() {
    let definition = definition();
    let remade = |status| Write::RemakeCheck(definition.check.clone(), status);
    let crashed = writes(&own(&definition, Some(&out()), Some(Status::Critical)), &registered(Status::Passing));
    assert_eq!(crashed, [on(), remade(Status::Critical)], "out of traffic before all else");
    let found = in_maintenance(registered(Status::Critical), "lictor: restarting");
    let back = writes(&own(&definition, Some(&Traffic::In), Some(Status::Passing)), &found);
    assert_eq!(back, [remade(Status::Passing), Write::Maintain(Maintenance::Off)], "and back in after all else");
}

#[test]
fn a_service_of_a_file_is_only_taken_out_of_traffic_and_back() {
    let mut found = registered(Status::Passing);
    found.service.as_mut().unwrap().port = 9;
    found.checks.clear();
    assert_eq!(writes(&of_a_file(None), &found), []);
    assert_eq!(writes(&of_a_file(Some(&Traffic::In)), &found), []);
    assert_eq!(writes(&of_a_file(Some(&out())), &found), [on()]);
    assert_eq!(writes(&of_a_file(Some(&out())), &Found::default()), [], "nobody has registered it");
    let ours = in_maintenance(found, "lictor: of an earlier lictor");
    assert_eq!(writes(&of_a_file(Some(&Traffic::In)), &ours), [Write::Maintain(Maintenance::Off)]);
    assert_eq!(writes(&of_a_file(Some(&out())), &ours), [], "the first reason stands");
    assert_eq!(writes(&of_a_file(None), &ours), [], "nothing was said yet");
}

#[test]
fn an_operators_maintenance_is_neither_begun_nor_ended() {
    let definition = definition();
    let found = in_maintenance(registered(Status::Passing), "disk swap");
    for traffic in [out(), Traffic::In] {
        assert_eq!(writes(&own(&definition, Some(&traffic), None), &found), [], "{traffic:?}");
        assert_eq!(writes(&of_a_file(Some(&traffic)), &found), [], "{traffic:?}");
    }
    assert_eq!(found.keeper("billing"), MaintenanceKeeper::SomebodyElse);
    assert_eq!(found.keeper("other"), MaintenanceKeeper::Nobody);
}

#[test]
fn at_a_stop_it_is_taken_away_if_it_is_there() {
    let definition = definition();
    let out = out();
    let gone = Desired { presence: Presence::Gone, ..own(&definition, Some(&out), Some(Status::Critical)) };
    assert_eq!(writes(&gone, &registered(Status::Critical)), [Write::Deregister]);
    assert_eq!(writes(&gone, &Found::default()), []);
    let of_a_file = Desired { presence: Presence::Gone, ..of_a_file(None) };
    assert_eq!(writes(&of_a_file, &registered(Status::Passing)), [], "somebody else's");
}

#[test]
fn a_reason_is_one_short_line() {
    let long = reason(&format!("a\nb{}", "x".repeat(1000)));
    assert!(long.starts_with("lictor: abx") && long.len() <= LONGEST_REASON + OURS.len(), "{long}");
}

/// What the agent has after a write.
fn apply(found: &mut Found, write: Write) {
    match write {
        Write::Register(registration, check_too) => {
            let Registration { name, address, port, tags, meta, .. } = registration;
            found.service =
                Some(AgentService { service: name, address, port, tags, meta, content_hash: String::new() });
            found.checks.extend(check_too.map(|(http, status)| check(&http.id, status, &http.notes)));
        }
        Write::RemakeCheck(http, status) => {
            found.checks.retain(|check| check.check_id != http.id);
            found.checks.push(check(&http.id, status, &http.notes));
        }
        Write::Maintain(Maintenance::On(reason)) => {
            found.checks.push(check("_service_maintenance:billing", Status::Critical, &reason));
        }
        Write::Maintain(Maintenance::Off) => {
            found.checks.retain(|check| check.check_id != "_service_maintenance:billing");
        }
        Write::Deregister => *found = Found::default(),
    }
}

fn anything_found() -> impl Strategy<Value = Found> {
    let status = prop_oneof![Just(Status::Passing), Just(Status::Warning), Just(Status::Critical)];
    let reason = prop_oneof![Just(None), Just(Some("lictor: x")), Just(Some("disk swap"))];
    (0..3, 0..3, status, reason).prop_map(|(service, ours, status, reason)| {
        let mut found = registered(status);
        match ours {
            0 => found.checks.clear(),
            1 => found.checks[0].notes = "another".into(),
            _ => {}
        }
        match service {
            0 => return Found::default(),
            1 => found.service.as_mut().unwrap().port = 9,
            _ => {}
        }
        match reason {
            Some(reason) => in_maintenance(found, reason),
            None => found,
        }
    })
}

proptest! {
    /// Whatever is found: once it is written nothing is left to write, and the level is true unless somebody else's
    /// maintenance stands, which is as it was.
    #[test]
    fn one_round_is_enough(
        found in anything_found(),
        traffic in prop_oneof![Just(None), Just(Some(Traffic::In)), Just(Some(out()))],
        status in prop_oneof![Just(None), Just(Some(Status::Passing)), Just(Some(Status::Critical))],
        is_own: bool,
    ) {
        let definition = definition();
        let desired = Desired {
            definition: is_own.then_some(&definition),
            ..own(&definition, traffic.as_ref(), status)
        };
        let before = found.keeper("billing");
        let mut after = found.clone();
        for write in writes(&desired, &found) {
            apply(&mut after, write);
        }
        prop_assert_eq!(writes(&desired, &after), []);
        let expected = match (before, &traffic) {
            (MaintenanceKeeper::SomebodyElse, _) => MaintenanceKeeper::SomebodyElse,
            (before, None) => before,
            (_, Some(Traffic::In)) => MaintenanceKeeper::Nobody,
            (_, Some(Traffic::Out { .. })) if after.service.is_none() => MaintenanceKeeper::Nobody,
            (_, Some(Traffic::Out { .. })) => MaintenanceKeeper::Ourselves,
        };
        prop_assert_eq!(after.keeper("billing"), expected);
    }
}
