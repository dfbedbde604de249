use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use lictor::machine::Event;
use lictor::machine::event::Exit;
use lictor::service::{Inherit, Keep, Known};

use crate::harness::{Harness, PROGRAM, RUN, command, eventually};

#[tokio::test]
async fn an_exit_code_is_reported() {
    let mut it = Harness::new().await;
    it.start(&[("EXIT_CODE", "3")]).await;
    assert_eq!(it.exit().await, Exit::Code(3));
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_death_by_signal_is_reported() {
    let mut it = Harness::new().await;
    it.start(&[("DIE_BY", "9")]).await;
    assert_eq!(it.exit().await, Exit::Signal(9));
}

#[tokio::test]
async fn a_signal_goes_to_the_main_process_alone() {
    let mut it = Harness::script(
        "trap 'echo main >> $D/got' USR1; (trap 'echo child >> $D/got' USR1; echo > $D/up; while :; do sleep 0.01; done) & \
         while :; do sleep 0.01; done",
    )
    .await;
    it.start(&[]).await;
    eventually("it is up", || it.path("up").exists()).await;
    it.service.signal(RUN, libc::SIGUSR1);
    eventually("it arrived", || !it.read("got").is_empty()).await;
    it.service.kill(RUN);
    it.exit().await;
    assert_eq!(it.read("got"), "main\n");
}

#[tokio::test]
async fn the_go_service_gets_the_signals_that_are_passed_on() {
    let mut it = Harness::new().await;
    it.up(&[]).await;
    for (number, name) in [(libc::SIGUSR1, "USR1"), (libc::SIGHUP, "HUP"), (libc::SIGWINCH, "WINCH")] {
        it.service.signal(RUN, number);
        eventually(name, || it.read("SIGNAL_DUMP").lines().last() == Some(name)).await;
    }
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
}

#[tokio::test]
async fn composed_variables_are_added_to_what_is_inherited() {
    let mut it = Harness::script("env > $D/env").await;
    it.start(&[("LANG", "composed"), ("ODD", "a=b\nc")]).await;
    it.exit().await;
    let seen = it.read("env");
    assert!(seen.contains("LANG=composed\n") && seen.contains("ODD=a=b\nc\n") && seen.contains("\nPATH="), "{seen}");
}

#[tokio::test]
async fn nothing_is_inherited_when_pristine() {
    let mut it = Harness::running("", &[]).await;
    let mut pristine = command("env", &[]);
    pristine.program = "sh".into();
    pristine.arguments = vec!["-c".into(), "cat /proc/$$/environ > $D/env".into()];
    pristine.inherit = Inherit { pristine: true, ..Inherit::default() };
    it.service.update(pristine);
    it.start(&[]).await;
    it.exit().await;
    let seen = it.read("env");
    let names: Vec<&str> = seen.split_terminator('\0').map(|variable| variable.split('=').next().unwrap()).collect();
    // The mark of the run is no variable of lictor's own.
    assert_eq!(names, ["D", "DUMP", "LICTOR_RUN", "PIDS", "SIGNAL_DUMP", "TERM_DUMP"]);
}

#[tokio::test]
async fn the_program_leads_a_group_and_sees_its_name_as_written() {
    let mut it = Harness::script("echo $0; cut -d' ' -f1,5 /proc/$$/stat > $D/ids").await;
    let pid = it.start(&[]).await;
    it.exit().await;
    assert_eq!(it.read("ids"), format!("{pid} {pid}\n"));
}

#[tokio::test]
async fn signals_are_as_a_fresh_process_expects_them() {
    let mut it = Harness::script("exec cat /proc/self/status > $D/status").await;
    it.start(&[]).await;
    it.exit().await;
    let status = it.read("status");
    let set = |status: &str, name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    // SIGPIPE is ignored in this process, as in every Rust program. What else is ignored in it, under `nohup` for one, lictor
    // would have taken back at its start. 32 and 33 are glibc's own.
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let (pipe, of_glibc) = (1 << (libc::SIGPIPE - 1), 0b11 << 31);
    let inherited = set(&own, "SigIgn:") & !pipe & !of_glibc;
    assert_eq!((set(&status, "SigBlk:"), set(&status, "SigIgn:") & !of_glibc), (0, inherited), "{status}");
}

#[tokio::test]
async fn it_runs_in_its_directory() {
    let mut it = Harness::script("").await;
    let mut here = command("./tool", &[]);
    here.directory = Some(it.folder.path().to_owned());
    std::fs::write(it.path("tool"), "#!/bin/sh\npwd > where").unwrap();
    std::fs::set_permissions(it.path("tool"), PermissionsExt::from_mode(0o755)).unwrap();
    it.service.update(here);
    it.start(&[]).await;
    it.exit().await;
    assert_eq!(it.read("where").trim(), it.folder.path().canonicalize().unwrap().display().to_string());
}

#[tokio::test]
async fn each_refusal_is_a_sentence() {
    let mut it = Harness::script("").await;
    let file = |name: &str, text: &[u8], mode: u32| {
        std::fs::write(it.path(name), text).unwrap();
        std::fs::set_permissions(it.path(name), PermissionsExt::from_mode(mode)).unwrap();
        it.path(name).display().to_string()
    };
    let cases = [
        ("/none/such".to_owned(), "the program /none/such does not exist"),
        ("no-such-name".to_owned(), "no directory of the service's PATH has a program no-such-name"),
        (file("plain", b"", 0o644), "is not executable"),
        (file("orphan", b"#!/none/such\n", 0o755), "interpreter or loader"),
        (file("garbage", &[1, 2, 3, 4], 0o755), "Exec format error"),
    ];
    for (program, part) in cases {
        it.service.update(command(&program, &[]));
        let sentence = it.refused().await;
        assert!(sentence.contains(part), "{sentence}");
    }
    let mut nowhere = command("true", &[]);
    nowhere.directory = Some("/none/such".into());
    it.service.update(nowhere);
    assert!(it.refused().await.starts_with("cannot run in the directory /none/such"));
    it.assert_nothing_left();
    assert!(it.inbox.try_recv().is_err());
}

#[tokio::test]
async fn an_update_counts_from_the_next_start() {
    let mut it = Harness::new().await;
    it.up(&[]).await;
    it.service.update(command("sh", &["-c", "exit 5"]));
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
    it.start(&[]).await;
    assert_eq!(it.exit().await, Exit::Code(5));
    assert!(PROGRAM.exists());
}

/// Panics once it comes to this.
fn panics(at: fn(&Known) -> bool) -> Keep {
    Box::new(move |known| {
        Box::pin(async move {
            assert!(!at(&known), "on purpose");
        })
    })
}

#[tokio::test]
async fn a_bug_before_the_start_is_a_start_that_failed() {
    let mut it = Harness::script("exit 3").await;
    let environment = Arc::new(it.environment(&[]));
    it.service.start(RUN, &environment, Vec::new(), panics(|known| matches!(known, Known::Begun { .. })));
    match it.inbox.recv().await.unwrap() {
        Event::StartFailed { run: RUN, error } => assert!(error.contains("lictor has met a bug of its own"), "{error}"),
        other => panic!("{other:?}"),
    }
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_process_is_attended_to_through_a_bug_after_its_start() {
    let mut it = Harness::script("exit 3").await;
    let environment = Arc::new(it.environment(&[]));
    it.service.start(RUN, &environment, Vec::new(), panics(|known| matches!(known, Known::Started { .. })));
    assert!(matches!(it.inbox.recv().await, Some(Event::Started { run: RUN, .. })));
    assert_eq!(it.exit().await, Exit::Code(3));
    it.assert_nothing_left();
}
