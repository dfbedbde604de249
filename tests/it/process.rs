//! The life of the service as a child: crashes heal, signals reach it, a stop leaves nothing behind.

use std::fs;

use lictor::machine::board::Phase;
use lictor::machine::event::Exit;
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::{Consul, Lictor, Setup, eventually, processes, program};

/// A service on a directory with these keys.
fn with(keys: &[(&str, &str)]) -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    for (key, value) in keys {
        setup.write(key, value);
    }
    setup
}

fn no_process_is_left(lictor: &Lictor) {
    let left = processes::naming(lictor.setup().folder());
    assert!(left.is_empty(), "left behind: {left:?}\n{}", lictor.log());
}

#[test]
fn a_crash_loop_ends_at_once_when_the_value_is_mended() {
    let consul = Consul::start();
    // A key that stays: a prefix that empties is held.
    consul.put("billing/GREETING", "hello");
    consul.put("billing/EXIT_CODE", "3");
    // Nobody would wait this long: what starts the service again is the change.
    let lictor = Setup::on_consul(consul.address())
        .checked()
        .config("crash {\n  backoff = \"3h\"\n  max_backoff = \"3h\"\n}\n")
        .start();
    let board = lictor.until("backing off", |board| board.phase == Phase::BackingOff);
    assert!(board.next_start.is_some(), "{board:#?}");
    assert_eq!(board.last_exit.as_ref().and_then(|last| last.exit), Some(Exit::Code(3)));
    assert!(board.config.quarantine.is_empty(), "without a good one nothing is quarantined");
    let (code, status) = lictor.status();
    assert_eq!(code, 503);
    assert!(status["Config"].as_str().unwrap().starts_with("No good configuration yet"), "{status}");

    consul.delete("billing/EXIT_CODE");
    lictor.until_good();
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn a_service_that_crashes_is_started_again() {
    let lictor = with(&[]).start();
    let before = lictor.until_good();
    for crash in 1..=3 {
        let up = lictor.until_good();
        processes::signal(pid(&up), Signal::KILL);
        let again = lictor.until("up again", |board| is_good(board) && board.process != up.process);
        assert_eq!(again.restarts, before.restarts + crash);
        assert_eq!(again.last_exit.unwrap().exit, Some(Exit::Signal(9)));
        assert!(!outcomes(&lictor.board()).contains(&Outcome::Reverted), "a crash of a good run never reverts");
    }
}

#[test]
fn a_missing_program_is_a_crash_that_heals_when_it_comes() {
    let setup = with(&[]).config("crash {\n  backoff = \"3h\"\n  max_backoff = \"3h\"\n}\n");
    let place = setup.path("service");
    fs::remove_file(&place).unwrap();
    let lictor = setup.start();
    let board = lictor.until("backing off", |board| board.phase == Phase::BackingOff);
    let text = board.last_exit.unwrap().text;
    assert!(text.contains(place.to_str().unwrap()), "which program: {text}");
    lictor.install(program::OLD);
    lictor.until_good();
}

#[test]
fn term_stops_the_service_and_then_lictor() {
    let lictor = with(&[("SETSID", "2"), ("FORK", "2")]).start();
    lictor.until_good();
    assert!(lictor.service_processes().len() >= 5, "{:?}", lictor.service_processes());
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    no_process_is_left(&lictor);
}

#[test]
fn a_service_that_ignores_term_is_killed_after_the_timeout() {
    let lictor = with(&[("IGNORE_TERM", "1")]).config("exec {\n  kill_timeout = \"300ms\"\n}\n").start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    no_process_is_left(&lictor);
}

#[test]
fn a_second_term_kills_at_once() {
    let lictor = with(&[("IGNORE_TERM", "1")]).config("exec {\n  kill_timeout = \"1h\"\n}\n").start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.until("the stop has begun", |board| board.stopping && board.phase == Phase::Stopping);
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    no_process_is_left(&lictor);
}

#[test]
fn a_restart_for_config_leaves_nothing_of_the_old_run() {
    let lictor = with(&[("SETSID", "3"), ("FORK", "2")]).start();
    lictor.until_good();
    let old = lictor.service_processes();
    assert!(old.len() >= 6, "{old:?}");
    lictor.until_applied(|| lictor.setup().write("SETSID", "1"));
    let now = lictor.service_processes();
    assert!(old.iter().all(|old| now.iter().all(|now| now.pid != old.pid)), "of {old:?} these are left: {now:?}");
}

#[test]
fn signals_that_a_service_may_use_are_passed_on() {
    let lictor = with(&[]).start();
    let before = lictor.until_good();
    for (signal, name) in [(Signal::USR1, "USR1"), (Signal::USR2, "USR2"), (Signal::WINCH, "WINCH")] {
        lictor.signal(signal);
        eventually(name, || lictor.lines("signals").contains(&name.to_owned()).then_some(()));
    }
    let real_time =
        std::process::Command::new("bash").arg("-c").arg(format!("kill -s RTMIN+1 {}", lictor.pid())).status();
    assert!(real_time.unwrap().success());
    eventually("RTMIN+1", || lictor.lines("signals").contains(&"35".to_owned()).then_some(()));
    lictor.signal(Signal::QUIT);
    let board = lictor.until("a Go program dies of it", |board| is_good(board) && board.process != before.process);
    // Go's runtime prints its stacks and ends with 2.
    assert_eq!(board.last_exit.unwrap().exit, Some(Exit::Code(2)));
}

#[test]
fn hup_reads_our_own_configuration_and_ends_nobody() {
    let lictor = with(&[]).start();
    let before = lictor.until_good();
    lictor.signal(Signal::HUP);
    // A later signal that is seen shows that this one has been dealt with.
    lictor.signal(Signal::USR1);
    eventually("USR1 has been passed on", || lictor.lines("signals").contains(&"USR1".to_owned()).then_some(()));
    assert_eq!(pid(&lictor.board()), pid(&before));
    assert!(!lictor.lines("signals").contains(&"HUP".to_owned()), "it was meant for lictor");
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
}

#[test]
fn what_lictor_used_itself_is_not_inherited() {
    let lictor = with(&[])
        .variable("CONSUL_HTTP_TOKEN", "hunter2")
        .variable("NOTIFY_SOCKET", "/nowhere")
        .variable("LISTEN_FDS", "1")
        .variable("SEEN", "yes")
        .start();
    lictor.until_good();
    assert_eq!(lictor.value("SEEN").as_deref(), Some("yes"));
    for name in ["CONSUL_HTTP_TOKEN", "NOTIFY_SOCKET", "LISTEN_FDS"] {
        assert_eq!(lictor.value(name), None, "{name}");
    }
}

#[test]
fn a_pristine_service_gets_only_what_was_composed() {
    let lictor = with(&[]).variable("SEEN", "yes").config("pristine = true\n").start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(lictor.value("SEEN"), None);
    assert_eq!(lictor.value("PATH"), None);
}

#[test]
fn what_was_there_before_lictor_is_left_alone() {
    let lictor = with(&[("SETSID", "1")]).prepared();
    let inner = lictor.setup().configured("run");
    // An entry script that leaves a helper, which becomes lictor's child.
    let mut script = std::process::Command::new("/bin/sh");
    let helper = lictor.setup().path("helper");
    script.arg("-c").arg("sleep 1000 & echo $! > \"$0\"; exec \"$@\"").arg(&helper);
    script.arg(inner.get_program()).args(inner.get_args());
    script.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.current_dir(lictor.setup().folder());
    lictor.start_as(script);
    lictor.until_good();
    let helper: u32 = fs::read_to_string(helper).unwrap().trim().parse().unwrap();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    let left = processes::naming(lictor.setup().folder());
    assert_eq!(left.iter().map(|process| process.pid).collect::<Vec<_>>(), [helper], "{left:?}");
}

#[test]
fn however_often_lictor_is_killed_there_is_one_service_even_with_no_grace() {
    let lictor = with(&[("SETSID", "2")]).config("state {\n  boot_grace = \"0s\"\n}\n").start();
    let before = lictor.until_good();
    // What is good is written behind the board's back: a lictor that is killed before that knows nothing of it.
    let good = lictor.setup().path("state").join("good.json");
    eventually("what is good is written down", || {
        fs::read_to_string(&good).is_ok_and(|text| text.contains("generation")).then_some(())
    });
    for _ in 0..5 {
        lictor.restart(Signal::KILL);
        assert_eq!(pid(&lictor.until_good()), pid(&before));
        assert_eq!(lictor.service_processes().len(), 3, "{:?}", lictor.service_processes());
    }
    // What had left the group of the adopted service is stopped with it.
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_eq!(lictor.service_processes().len(), 3, "{:?}", lictor.service_processes());
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    no_process_is_left(&lictor);
}

#[test]
fn what_a_service_left_that_ended_while_there_was_no_lictor_is_gone_before_the_next_start() {
    let lictor = with(&[("SETSID", "2")]).start();
    let before = lictor.until_good();
    lictor.signal(Signal::KILL);
    lictor.ended();
    processes::signal(pid(&before), Signal::KILL);
    lictor.start();
    let after = lictor.until("another one runs", |board| is_good(board) && board.process != before.process);
    assert_ne!(pid(&after), pid(&before));
    assert_eq!(lictor.service_processes().len(), 3, "{:?}", lictor.service_processes());
}
