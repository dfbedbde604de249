//! `systemctl stop`: the service is asked to stop and waited for, and nothing stays behind.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use crate::rig::{Rig, UNIT, is_good};

#[test]
fn stop_lets_the_service_finish_and_leaves_nothing() {
    let rig = Rig::boot("");
    for (name, value) in [("SLOW_STOP", "1s"), ("FORK", "1"), ("SETSID", "2")] {
        rig.set(name, value);
    }
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    assert_eq!(rig.services().len(), 4);
    let start = Instant::now();
    rig.done(&format!("systemctl stop {UNIT}"));
    assert!(start.elapsed() >= Duration::from_secs(1), "the service was not waited for");
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert!(fs::exists(rig.path("/srv/out/term")).unwrap(), "it was asked to stop");
    assert_eq!(rig.services(), [0; 0]);
    assert_eq!((rig.property("ActiveState"), rig.property("Result")), ("inactive".into(), "success".into()));
    assert!(!fs::exists(rig.path("/run/lictor/svc")).unwrap());
    assert!(fs::exists(rig.path("/var/lib/lictor/svc/good.json")).unwrap(), "what is good is kept");
}

#[test]
fn a_stop_takes_as_long_as_kill_timeout_allows_whatever_the_unit_says() {
    let rig = Rig::boot("");
    rig.drop_in("TimeoutStopSec=1s\n");
    rig.set("SLOW_STOP", "3s");
    rig.done(&format!("systemctl start {UNIT}"));
    let start = Instant::now();
    rig.done(&format!("systemctl stop {UNIT}"));
    assert!(start.elapsed() >= Duration::from_secs(3), "cut off after {:?}", start.elapsed());
    assert_eq!(rig.property("Result"), "success");
}
