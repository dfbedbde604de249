//! `lictor reexec` under systemd: the unit notices nothing.

use crate::listen::{Load, holding};
use crate::rig::{Rig, UNIT, is_good};
use crate::wait::eventually;

/// Has lictor begin anew, which must succeed.
fn reexec(rig: &Rig) {
    rig.done("lictor reexec --name svc");
    rig.until("StatusText", "good again", is_good);
}

#[test]
fn lictor_begins_anew_under_the_same_unit_and_no_request_is_lost() {
    let rig = holding();
    let before = (rig.property("MainPID"), rig.service());
    let load = Load::begin(&rig, "http://127.0.0.1:8080/healthz", ["100", "20", "0"]);
    for _ in 0..3 {
        reexec(&rig);
    }
    let outcome = load.end();
    for kind in ["new", "get"] {
        assert!(outcome[kind]["sent"].as_u64().unwrap() > 10, "{outcome}");
        assert_eq!(outcome[kind]["failed"], 0, "{outcome}\n{}", rig.journal());
    }
    assert_eq!((rig.property("MainPID"), rig.service()), before);
    assert_eq!(rig.property("NRestarts"), "0");
    assert_eq!(rig.property("ActiveState"), "active");
    assert_eq!(rig.property("NFileDescriptorStore"), "2", "the same ones, not two more");
}

#[test]
fn a_lictor_that_has_begun_anew_is_watched_brought_back_and_stopped_as_before() {
    let rig = Rig::boot("");
    rig.drop_in("WatchdogSec=3s\nRestartSec=50ms\n");
    rig.set("SETSID", "2");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let (lictor, services) = (rig.property("MainPID"), rig.services());
    assert_eq!(services.len(), 3, "the service and two that have left its session");
    reexec(&rig);
    let pinged = |rig: &Rig| rig.property("WatchdogTimestampMonotonic").parse::<u64>().unwrap();
    let first = pinged(&rig);
    eventually("it is pinged for longer than the interval", || (pinged(&rig) > first + 4_000_000).then_some(()));
    assert_eq!((rig.property("MainPID"), rig.property("NRestarts")), (lictor.clone(), "0".to_owned()));

    rig.done(&format!("kill -KILL {lictor}"));
    rig.until("NRestarts", "it is brought back", |restarts| restarts == "1");
    rig.until("StatusText", "good again", is_good);
    assert_eq!(rig.services(), services);
    reexec(&rig);
    rig.done(&format!("systemctl stop {UNIT}"));
    assert_eq!(
        rig.services(),
        [0; 0],
        "also what has left the service's session, though it is a child of lictor by now"
    );
    assert_eq!(rig.property("Result"), "success");
}
