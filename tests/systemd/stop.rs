//! `systemctl stop`: the service is asked to stop and waited for, and nothing stays behind.

use std::fs;
use std::os::unix::fs::chown;
use std::time::Duration;

use tokio::time::Instant;

use crate::rig::{Rig, UNIT, USER, is_good};
use crate::wait::eventually;

#[test]
fn stop_lets_the_service_finish_and_leaves_nothing() {
    let rig = Rig::boot("");
    for (name, value) in [("SLOW_STOP", "1s"), ("SETSID", "2")] {
        rig.set(name, value);
    }
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    assert_eq!(rig.services().len(), 3);
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

#[test]
fn a_stop_leaves_nothing_though_lictor_stands_still() {
    let rig = Rig::boot("");
    // A signal that says nothing to lictor: it does not begin to stop. (SIGSTOP would not do: systemd lets it go on.)
    rig.drop_in("TimeoutStopSec=1s\nKillSignal=SIGURG\n");
    rig.set("SETSID", "1");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.done(&format!("systemctl stop {UNIT}"));
    assert_eq!(rig.property("Result"), "timeout");
    assert_eq!(rig.services(), [0; 0]);
    assert!(fs::exists(rig.path("/srv/out/term")).unwrap(), "it was asked to stop");
}

#[test]
fn a_stop_leaves_nothing_though_lictor_is_killed_meanwhile() {
    let rig = Rig::boot("");
    rig.set("SLOW_STOP", "1s");
    rig.set("SETSID", "1");
    rig.done(&format!("systemctl start {UNIT}"));
    let lictor = rig.property("MainPID");
    rig.done(&format!("systemctl stop --no-block {UNIT}"));
    rig.until("ActiveState", "the stop has begun", |state| state == "deactivating");
    rig.run(&format!("kill -KILL {lictor}"));
    rig.until("ActiveState", "the stop is over", |state| matches!(state, "inactive" | "failed"));
    assert_eq!(rig.services(), [0; 0]);
    assert_eq!(rig.property("NRestarts"), "0");
}

#[test]
fn a_stop_leaves_nothing_though_there_is_no_lictor_at_that_moment() {
    let rig = Rig::boot("");
    rig.drop_in("RestartSec=1h\n");
    rig.set("SETSID", "1");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.done(&format!("kill -KILL {}", rig.property("MainPID")));
    rig.until("SubState", "the next start is waited for", |state| state == "auto-restart");
    assert_eq!(rig.services().len(), 2, "the service serves");
    rig.done(&format!("systemctl stop {UNIT}"));
    eventually("nothing is left", || rig.services().is_empty().then_some(()));
}

#[test]
fn a_service_behind_a_shell_has_the_time_that_systemd_gives_it() {
    let rig = Rig::boot("");
    // The shell dies of TERM at once; what it stands before still has work to do.
    let script = "sh -c 'trap \"sleep 2; echo drained > /srv/out/$0; exit\" TERM; echo > /srv/out/$0-up; \
                  while :; do sleep 0.01; done' $1\nexit $?\n";
    rig.write("/srv/wrapper", script);
    chown(rig.path("/srv/out"), Some(USER + 1), Some(USER + 1)).unwrap();
    let plain = "[Service]\nUser=web\nExecStart=/bin/sh /srv/wrapper plain\nTimeoutStopSec=20s\n";
    rig.write("/etc/systemd/system/plain.service", plain);
    let config = "directory {\n  path = \"/srv/conf.d\"\n}\nexec {\n  command = [\"/bin/sh\", \"/srv/wrapper\", \"lictor\"]\n  \
                  kill_timeout = \"20s\"\n}\nstatus {\n  address = \"127.0.0.1:8128\"\n}\n";
    rig.write("/etc/lictor/web.hcl", config);
    rig.done("systemctl daemon-reload");
    rig.done("systemctl start plain lictor@web");
    for name in ["plain", "lictor"] {
        eventually("it is up", || fs::exists(rig.path(&format!("/srv/out/{name}-up"))).unwrap().then_some(()));
    }
    rig.done("systemctl stop plain lictor@web");
    for name in ["plain", "lictor"] {
        let drained = fs::read_to_string(rig.path(&format!("/srv/out/{name}")));
        assert_eq!(drained.unwrap_or_default(), "drained\n", "{name}");
    }
}
