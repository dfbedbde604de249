//! A unit that runs: what its status says, what the journal keeps, and who brings it back.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
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

    assert_eq!(rig.property("MainPID"), lictor, "all of this was one lictor");
    assert_eq!(rig.property("NRestarts"), "0");
}

/// What systemd has been told by the unit since the rig was booted; it must log at level debug.
fn told(rig: &Rig) -> Vec<String> {
    rig.done("journalctl --sync");
    let journal = rig.done("journalctl --no-pager --output cat _PID=1");
    let message = |line: &str| {
        let told = line.strip_prefix(UNIT)?.strip_prefix(".service: Got notification message from PID ")?;
        Some(told.split_once('(')?.1.trim_end_matches(')').to_owned())
    };
    journal.lines().filter_map(message).collect()
}

#[test]
fn systemd_sees_a_reload_for_as_long_as_it_takes_and_when_it_began() {
    let rig = Rig::boot("");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let (lictor, file) = (rig.property("MainPID"), "/etc/lictor/svc.hcl");
    let config = fs::read(rig.path(file)).unwrap();
    rig.done("systemctl log-level debug");
    // The configuration comes from a pipe, so it is read for as long as nobody writes into it.
    fs::remove_file(rig.path(file)).unwrap();
    rig.done(&format!("mkfifo --mode=644 {file}"));
    let before = monotonic_usec();
    rig.done(&format!("systemctl reload --no-block {UNIT}"));
    rig.until("ActiveState", "the reload goes on", |state| state == "reloading");
    fs::write(rig.path(file), &config).unwrap();
    rig.until("ActiveState", "the reload is over", |state| state == "active");
    let after = monotonic_usec();

    let told = told(&rig);
    let begun = told.iter().position(|message| message.contains("RELOADING=1")).expect("it was told");
    let since = told[begun].split(", ").find_map(|part| part.strip_prefix("MONOTONIC_USEC=")).expect("since when");
    let since: u64 = since.parse().unwrap();
    assert!((before..=after).contains(&since), "{before} {since} {after}");
    let ended = told[begun..].iter().any(|message| message.split(", ").any(|part| part == "READY=1"));
    assert!(ended, "{told:?}");
    assert_eq!((rig.property("MainPID"), rig.property("NRestarts")), (lictor, "0".to_owned()));

    // Without a pipe it is over at once, and `systemctl reload` says so.
    rig.write(file, &String::from_utf8(config).unwrap());
    rig.done(&format!("systemctl reload {UNIT}"));
    rig.until("ActiveState", "the reload is over", |state| state == "active");
    rig.until("StatusText", "still good", is_good);
}

#[test]
fn a_reload_of_a_wrong_configuration_fails_and_changes_nothing() {
    let rig = Rig::boot("");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let (lictor, service, file) = (rig.property("MainPID"), rig.service(), "/etc/lictor/svc.hcl");
    let config = fs::read_to_string(rig.path(file)).unwrap();
    rig.write(file, &format!("{config}nonsense = 1\n"));
    let refused = rig.run(&format!("systemctl reload {UNIT}"));
    assert!(!refused.status.success(), "{refused:?}\n{}", rig.journal());
    let journal = rig.journal();
    assert!(journal.contains("/etc/lictor/svc.hcl:") && journal.contains("unknown word `nonsense`"), "{journal}");
    assert_eq!((rig.property("ActiveState"), rig.property("MainPID")), ("active".into(), lictor));
    assert_eq!(rig.service(), service);

    rig.write(file, &config);
    rig.done(&format!("systemctl reload {UNIT}"));
    rig.until("StatusText", "good again", is_good);
    assert_eq!(rig.service(), service);
}

#[test]
fn systemd_sees_that_lictor_stops_by_itself() {
    let rig = Rig::boot("");
    rig.set("SLOW_STOP", "2s");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.done("systemctl log-level debug");
    let (lictor, service) = (rig.property("MainPID"), rig.service());
    // Not `systemctl stop`, which systemd would know of without being told.
    rig.done(&format!("kill -TERM {lictor}"));
    rig.until("ActiveState", "lictor has said so", |state| state == "deactivating");
    assert_eq!((rig.property("MainPID"), rig.service()), (lictor, service), "the service still has its time");
    let told = told(&rig);
    assert!(told.iter().any(|message| message.split(", ").any(|part| part == "STOPPING=1")), "{told:?}");
    rig.until("NRestarts", "it is started again, as the unit says", |restarts| restarts == "1");
    rig.until("ActiveState", "it is back", |state| state == "active");
}

#[test]
fn however_often_lictor_is_killed_it_comes_back() {
    let rig = Rig::boot("");
    // All of it within ten seconds, of which systemd bears five starts if nothing else is said.
    rig.drop_in("RestartSec=50ms\n");
    rig.done(&format!("systemctl start {UNIT}"));
    for kill in 1..=6 {
        rig.done(&format!("kill -KILL {}", rig.property("MainPID")));
        rig.until("NRestarts", "it is started again", |restarts| restarts == kill.to_string());
        rig.until("MainPID", "it runs", |pid| pid != "0");
    }
    rig.until("ActiveState", "it is back", |state| state == "active");
    rig.until("StatusText", "good", is_good);
    assert_eq!(rig.services().len(), 1);
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
    assert_eq!(rig.service(), service, "the service did not notice");
    rig.until("StatusText", "good", is_good);
    let journal = rig.journal();
    assert!(journal.contains("Watchdog timeout"), "{journal}");
}

#[test]
fn the_service_outlives_a_lictor_that_is_killed() {
    let rig = Rig::boot("");
    rig.set("SETSID", "2");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let (lictor, before) = (rig.property("MainPID"), rig.services());
    assert_eq!(before.len(), 3, "the service and two that have left its session");
    let score = |pid: &str| rig.done(&format!("cat /proc/{pid}/oom_score_adj")).trim().parse::<i32>().unwrap();
    // In a container systemd may not lower it.
    assert_eq!(rig.property("OOMScoreAdjust"), "-500");
    assert!(matches!((score(&lictor), score(&before[0].to_string())), (-500 | 0, 0)));

    rig.done(&format!("kill -KILL {lictor}"));
    rig.until("NRestarts", "it is started again", |restarts| restarts == "1");
    rig.until("ActiveState", "it is back", |state| state == "active");
    rig.until("StatusText", "good", is_good);
    assert_eq!(rig.services(), before, "the service did not notice");
    rig.done(&format!("systemctl stop {UNIT}"));
    assert_eq!(rig.services(), [0; 0], "what the next lictor has taken up is stopped by it");
}

#[test]
fn after_many_kills_at_any_moment_there_is_one_service_and_after_a_stop_none() {
    let seed = std::env::var("LICTOR_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("LICTOR_SEED={seed}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let rig = Rig::boot("");
    rig.drop_in("RestartSec=50ms\n");
    rig.set("SETSID", "1");
    rig.done(&format!("systemctl start {UNIT}"));
    for round in 0..15 {
        // A change, a crash, a reload, or nothing.
        match dice.u8(0..4) {
            0 => rig.set("GREETING", &round.to_string()),
            1 => drop(rig.run(&format!("kill -KILL {}", rig.services().first().copied().unwrap_or(1 << 22)))),
            2 => drop(rig.run(&format!("systemctl reload --no-block {UNIT}"))),
            _ => {}
        }
        for _ in 0..dice.u8(1..4) {
            pause(Duration::from_millis(dice.u64(0..400)));
            let lictor = rig.property("MainPID");
            if lictor != "0" {
                rig.run(&format!("kill -KILL {lictor}"));
            }
        }
        rig.until("ActiveState", "it is back", |state| state == "active");
        // What was killed soon after it was good may have been taken back.
        rig.until("StatusText", "healthy", |status| status.starts_with("svc 1.214 up, healthy"));
        eventually("one service with what it started", || (rig.services().len() == 2).then_some(()));
    }
    rig.done(&format!("systemctl stop {UNIT}"));
    assert_eq!(rig.services(), [0; 0]);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a kill at a random time is what this is about; nothing relies on its length"
)]
fn pause(length: Duration) {
    std::thread::sleep(length);
}

fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000).unwrap()
}
