//! `apply.check_command` has its say about a candidate before the service is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lictor::machine::board::{Board, ConfigState, StepName};
use lictor::machine::history::Outcome;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::processes;
use crate::harness::program::NEW;
use crate::harness::{Setup, eventually};

/// The check is a script in the test's folder.
fn checked_by(script: &str, timeout: &str) -> Setup {
    let setup = Setup::on_directory().checked();
    let path = setup.path("verify");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let block = format!("apply {{\n  check_command = [\"{}\"]\n  check_timeout = \"{timeout}\"\n}}\n", path.display());
    setup.write("GREETING", "hello");
    setup.config(&block)
}

fn is_rejected(board: &Board) -> bool {
    board.config.state == ConfigState::Rejected
}

fn is_unanswered(board: &Board) -> bool {
    board.config.state == ConfigState::Pending
        && board.config.message.as_ref().is_some_and(|said| said.ends_with("; asked again"))
}

#[test]
fn its_refusal_touches_nothing_and_its_last_lines_are_the_reason_with_values_masked() {
    let setup = checked_by(
        "[ -z \"$PASSWORD\" ] && exit 0\necho \"asked as candidate\"\necho \"login with $PASSWORD failed\" >&2\nexit 3",
        "30s",
    );
    let lictor = setup.start();
    let good = lictor.until_good();
    lictor.setup().write("PASSWORD", "s3cr3t-hunter2");
    let board = lictor.until("rejected", is_rejected);
    assert_eq!((pid(&board), board.config.fingerprint), (pid(&good), good.config.fingerprint));
    assert_eq!(
        board.config.message.as_deref(),
        Some("Rejected: the check command exited with 3: asked as candidate | login with [PASSWORD] failed")
    );
    assert_eq!(outcomes(&board).last(), Some(&Outcome::Rejected));
    assert_eq!(lictor.status().0, 200);
    assert!(!lictor.log().contains("s3cr3t"), "{}", lictor.log());
    fs::remove_file(lictor.setup().path("conf.d/PASSWORD")).unwrap();
    let board = lictor.until("what runs is what is wanted again", is_good);
    assert_eq!(pid(&board), pid(&good), "nothing was restarted");
}

#[test]
fn a_newer_wish_ends_the_check_of_the_one_before() {
    let lictor = checked_by("[ \"$GREETING\" = slow ] && sleep 1000\nexit 0", "1h").start();
    lictor.until_good();
    lictor.setup().write("GREETING", "slow");
    lictor.until("the check is asked", |board| {
        board.candidate.as_ref().is_some_and(|candidate| candidate.step == StepName::Checked)
    });
    let asked = || {
        let all = processes::naming(lictor.setup().folder());
        all.into_iter().filter(|process| process.command.contains("verify") || process.command.contains("sleep"))
    };
    eventually("the check runs", || (asked().count() > 0).then_some(()));
    lictor.setup().write("GREETING", "good day");
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    eventually("nothing of it is left", || (asked().count() == 0).then_some(()));
}

#[test]
fn one_that_does_not_end_is_no_verdict_and_is_asked_again() {
    let lictor = checked_by("[ \"$GREETING\" = slow ] && sleep 1000\nexit 0", "300ms").start();
    lictor.until_good();
    lictor.setup().write("GREETING", "slow");
    let board = lictor.until("it waits", is_unanswered);
    let expected = "Waits: the check command did not end within 300ms; asked again";
    assert_eq!(board.config.message.as_deref(), Some(expected));
    assert_eq!(lictor.status().0, 200, "the service runs on");
}

#[test]
fn the_first_start_is_checked_as_well() {
    let lictor = checked_by("[ \"$GREETING\" = hello ] && exit 1\nexit 0", "30s").start();
    let board = lictor.until("rejected", is_rejected);
    assert_eq!(board.process, None);
    assert_eq!(lictor.status().0, 503);
    lictor.setup().write("GREETING", "good day");
    lictor.until_good();
    assert_eq!(lictor.runs().len(), 1);
}

#[test]
fn a_check_that_cannot_be_run_is_named_and_run_as_soon_as_it_can_be() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let verify = setup.path("verify");
    let lictor = setup.config(&format!("apply {{\n  check_command = [\"{}\"]\n}}\n", verify.display())).start();
    let board = lictor.until("it waits", is_unanswered);
    let named = |said: &String| said.contains(&verify.display().to_string());
    assert!(board.config.message.as_ref().is_some_and(named), "{:#?}", board.config);
    std::os::unix::fs::symlink("/bin/true", &verify).unwrap();
    lictor.until_good();
}

#[test]
fn a_new_build_is_asked_again() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let service = setup.path("service").display().to_string();
    let lictor = setup.config(&format!("apply {{\n  check_command = [\"{service}\", \"-check-config\"]\n}}\n")).start();
    let good = lictor.until_good();
    lictor.setup().write("MIN_VERSION", NEW);
    let board = lictor.until("rejected", is_rejected);
    assert_eq!(pid(&board), pid(&good));
    assert!(
        board.config.message.as_ref().is_some_and(|said| said.contains("needs [MIN_VERSION]")),
        "{:#?}",
        board.config
    );
    lictor.install(NEW);
    lictor.until("the wish runs on the build that can bear it", |board| {
        is_good(board) && board.build.running.version.as_deref() == Some(NEW)
    });
}

#[test]
fn it_is_asked_as_the_user_of_the_service_and_in_a_group_of_its_own() {
    let root = rustix::process::geteuid().is_root();
    let setup = checked_by(
        "[ \"$GREETING\" = hello ] && exit 0\necho \"user $(id -u) group $(ps -o pgid= -p $$ | tr -d ' ') self $$\"\nexit 1",
        "30s",
    );
    fs::set_permissions(setup.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    // Nobody but root can become somebody else.
    let (setup, user) = if root {
        (setup.config("exec {\n  user = \"nobody\"\n}\n"), 65534)
    } else {
        (setup, rustix::process::getuid().as_raw())
    };
    let lictor = setup.start();
    lictor.until_good();
    lictor.setup().write("GREETING", "good day");
    let said = lictor.until("rejected", is_rejected).config.message.unwrap();
    let words: Vec<&str> = said.split(' ').collect();
    let after = |word: &str| words.iter().skip_while(|other| **other != word).nth(1).copied().unwrap_or_default();
    assert_eq!(after("user"), user.to_string(), "{said}");
    assert!(!after("self").is_empty() && after("group") == after("self"), "{said}");
}
