//! A unit that runs: what its status says, what the journal keeps, and who brings it back.

use std::fs;

use serde_json::Value;

use crate::rig::{Rig, UNIT, is_good};
use crate::wait::eventually;

#[test]
fn the_status_follows_a_bad_value_until_it_is_taken_away() {
    let rig = Rig::boot("");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let lictor = rig.property("MainPID");
    rig.set("EXIT_CODE", "7");
    let status = rig.until("StatusText", "reverted", |status| status.contains("Reverted: "));
    assert!(status.starts_with("svc 1.214 ") && status.contains("exited with 7"), "{status}");
    rig.unset("EXIT_CODE");
    rig.until("StatusText", "good again", is_good);

    rig.done(&format!("systemctl reload {UNIT}"));
    rig.until("ActiveState", "the reload is over", |state| state == "active");
    assert_eq!(rig.property("MainPID"), lictor, "all of this was one lictor");
    assert_eq!(rig.property("NRestarts"), "0");
}

#[test]
fn the_journal_knows_how_bad_a_line_is() {
    let rig = Rig::boot("");
    rig.set("LD_PRELOAD", "/srv/x.so");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.done("journalctl --sync");
    let lines = rig.done(&format!("journalctl --output json --unit {UNIT}"));
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let priority = |part: &str| {
        let line =
            lines.iter().find(|line| line["_COMM"] == "lictor" && line["MESSAGE"].as_str().unwrap().contains(part));
        let line = line.unwrap_or_else(|| panic!("nobody said {part:?}: {lines:#?}"));
        assert!(!line["MESSAGE"].as_str().unwrap().starts_with('<'), "{line}");
        line["PRIORITY"].as_str().unwrap()
    };
    assert_eq!(priority("LD_PRELOAD"), "4", "a warning");
    assert_eq!(priority("the admin socket is open"), "6", "for information");
}

#[test]
fn a_lictor_that_hangs_is_killed_and_comes_back_with_its_service() {
    let rig = Rig::boot("");
    rig.drop_in("WatchdogSec=3s\n");
    rig.done(&format!("systemctl start {UNIT}"));
    // It is not killed as long as it turns: the service lives through more than the interval.
    let (lictor, service) = (rig.property("MainPID"), rig.service());
    let pinged = |rig: &Rig| rig.property("WatchdogTimestampMonotonic").parse::<u64>().unwrap();
    let first = pinged(&rig);
    eventually("it has been pinged for longer than the interval", || (pinged(&rig) > first + 4_000_000).then_some(()));
    assert_eq!(rig.property("NRestarts"), "0");

    rig.done(&format!("kill -STOP {lictor}"));
    rig.until("NRestarts", "systemd has missed a ping", |restarts| restarts == "1");
    rig.until("ActiveState", "it is back", |state| state == "active");
    assert_ne!(rig.property("MainPID"), lictor);
    assert_ne!(rig.service(), service, "the old one is gone, or there would be two");
    let journal = rig.journal();
    assert!(journal.contains("Watchdog timeout"), "{journal}");
}

#[test]
fn a_lictor_that_is_killed_takes_its_service_along_and_comes_back() {
    let rig = Rig::boot("");
    rig.set("SETSID", "2");
    rig.done(&format!("systemctl start {UNIT}"));
    let before = rig.services();
    assert_eq!(before.len(), 3, "the service and two that have left its session");
    rig.done(&format!("kill -KILL {}", rig.property("MainPID")));
    rig.until("NRestarts", "it is started again", |restarts| restarts == "1");
    rig.until("ActiveState", "it is back", |state| state == "active");
    let after = rig.services();
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|pid| !before.contains(pid)), "{before:?} {after:?}");
    assert!(!fs::exists(rig.path("/srv/out/term")).unwrap(), "killed, not asked to stop");
}
