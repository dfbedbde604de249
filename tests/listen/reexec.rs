//! `lictor reexec`: lictor anew from its file, in the same process, while the service and its clients go on.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::billing;
use crate::harness::Lictor;
use crate::harness::client::Request;
use crate::harness::lictor::{pid, said};
use crate::load::Load;

/// A lictor that runs from a copy of its program, which a test can replace.
fn from_a_copy(flags: &[&str]) -> (Lictor, PathBuf) {
    let lictor = billing::setup(flags).prepared();
    let program = lictor.setup().path("lictor");
    install(&program);
    let configured = lictor.setup().configured("run");
    let mut command = Command::new(&program);
    command.args(configured.get_args()).env_clear().current_dir(lictor.setup().folder());
    for (name, value) in configured.get_envs() {
        command.env(name, value.unwrap());
    }
    lictor.start_as(command);
    lictor.until_good();
    (lictor, program)
}

/// Puts the program there in one step, as a package does.
fn install(program: &std::path::Path) {
    let new = program.with_extension("new");
    std::fs::copy(env!("CARGO_BIN_EXE_lictor"), &new).unwrap();
    std::fs::rename(&new, program).unwrap();
}

/// Which file the process executes.
fn executed(lictor: &Lictor) -> PathBuf {
    std::fs::read_link(format!("/proc/{}/exe", lictor.pid())).unwrap()
}

/// Asks for the status all the time, until it is told to end; gives how often there was no answer, and the longest wait.
fn watch_status(address: SocketAddr, ends: &AtomicBool) -> (usize, Duration) {
    let (mut failed, mut longest) = (0, Duration::ZERO);
    while !ends.load(Ordering::Relaxed) {
        let began = Instant::now();
        failed += usize::from(Request::get("/health").tcp(address).is_err());
        longest = longest.max(began.elapsed());
    }
    (failed, longest)
}

#[test]
fn lictor_begins_anew_under_load_and_nobody_notices() {
    let (lictor, program) = from_a_copy(&["-linger", "300ms"]);
    let (process, number) = (pid(&lictor.board()), lictor.pid());
    let url = format!("http://{}:8080/", lictor.setup().host());
    let load = Load::begin(&["-url", &url, "-new", "200", "-get", "50", "-post", "50"]);
    let ends = AtomicBool::new(false);
    let (failed, longest) = std::thread::scope(|scope| {
        let address = (lictor.setup().host(), 8127).into();
        let ends = &ends;
        let watcher = scope.spawn(move || watch_status(address, ends));
        for number_of_times in 1..=3 {
            install(&program);
            let told = lictor.cli("reexec", &[]);
            assert!(told.status.success(), "{}\n{}", said(&told), lictor.log());
            assert_eq!(executed(&lictor), program, "time {number_of_times}: not the deleted one");
            let board = lictor.until_good();
            assert_eq!((pid(&board), lictor.pid()), (process, number), "the same processes");
            assert_eq!(board.sockets, None, "{}", lictor.log());
        }
        ends.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert_eq!(failed, 0, "the status port has always answered");
    // Far above what it takes, which a machine with other work prolongs: nobody waits for a time-out.
    assert!(longest < Duration::from_secs(10), "the status was away for {longest:?}");
    lictor.until_applied(|| lictor.setup().write("GREETING", "hello again"));
    assert_ne!(pid(&lictor.board()), process);
    let outcomes = load.end();
    assert_eq!(outcomes.each_ref().map(|outcome| outcome.failed), [0; 3], "{outcomes:#?}\n{}", lictor.log());
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    assert_eq!(lictor.service_processes().len(), 0, "it is still stopped with lictor");
}

#[test]
fn a_file_that_cannot_take_over_is_refused_before_anything_is_given_up() {
    let (lictor, program) = from_a_copy(&[]);
    let process = pid(&lictor.board());
    let before = std::fs::metadata(lictor.setup().path("admin.sock")).unwrap().modified().unwrap();
    let replace = |text: &str, mode: u32| {
        let new = program.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::rename(&new, &program).unwrap();
    };
    for (text, mode, why) in [
        ("garbage", 0o755, "cannot run"),
        ("#!/bin/sh\necho lictor 9\n", 0o644, "cannot run"),
        ("#!/bin/sh\necho something else\n", 0o755, "is not lictor"),
        ("#!/bin/sh\n[ $1 = --version ] && echo lictor 9 && exit\necho unknown word\nexit 78\n", 0o755, "unknown word"),
    ] {
        replace(text, mode);
        let told = lictor.cli("reexec", &[]);
        assert_eq!(told.status.code(), Some(1), "{text}: {}", said(&told));
        assert!(said(&told).contains(why), "{text}: {}", said(&told));
    }
    std::fs::remove_file(&program).unwrap();
    assert_eq!(lictor.cli("reexec", &[]).status.code(), Some(1));
    // Nor would it come back on a configuration that is wrong.
    install(&program);
    let more = lictor.setup().path("0.hcl");
    let good = std::fs::read_to_string(&more).unwrap();
    std::fs::write(&more, format!("{good}\nnonsense = 1\n")).unwrap();
    let told = lictor.cli("reexec", &[]);
    assert_eq!(told.status.code(), Some(1));
    assert!(said(&told).contains("the configuration is wrong"), "{}", said(&told));
    std::fs::write(&more, good).unwrap();

    let after = std::fs::metadata(lictor.setup().path("admin.sock")).unwrap().modified().unwrap();
    assert_eq!((pid(&lictor.until_good()), after), (process, before), "it is the same lictor");
    assert!(lictor.cli("reexec", &[]).status.success());
    assert_eq!(pid(&lictor.until_good()), process);
}

#[test]
fn signals_that_come_meanwhile_are_heard_by_the_new_one() {
    let (lictor, _program) = from_a_copy(&[]);
    for delay in [0, 2, 5, 10, 20, 40, 80] {
        let began = lictor.log().matches("lictor begins anew").count();
        std::thread::scope(|scope| {
            let asked = scope.spawn({
                let mut command = lictor.setup().command("reexec");
                command.arg("--socket").arg(lictor.setup().path("admin.sock"));
                move || command.output().unwrap()
            });
            crate::harness::eventually("it begins anew", || {
                (lictor.log().matches("lictor begins anew").count() > began || asked.is_finished()).then_some(())
            });
            pause(Duration::from_millis(delay));
            // It kills whoever has no handler for it.
            lictor.signal(Signal::HUP);
            let told = asked.join().unwrap();
            assert!(told.status.success(), "after {delay} ms: {}\n{}", said(&told), lictor.log());
        });
        lictor.until_good();
    }
    // And one that ends it, in the very moment.
    let began = lictor.log().matches("lictor begins anew").count();
    let mut command = lictor.setup().command("reexec");
    let mut asked = command.arg("--socket").arg(lictor.setup().path("admin.sock")).spawn().unwrap();
    crate::harness::eventually("it begins anew", || {
        (lictor.log().matches("lictor begins anew").count() > began).then_some(())
    });
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success(), "{}", lictor.log());
    asked.wait().unwrap();
    assert_eq!(lictor.service_processes().len(), 0);
}

#[expect(clippy::disallowed_methods, reason = "signals at many moments are what this is about")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}
