//! `lictor validate` in a hook: the answer, and what lictor keeps of it.

use std::process::{Command, Output};

use lictor::machine::deployment::Verdict;
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{finish, outcomes, said};
use crate::harness::program::{NEW, OLD};
use crate::harness::{Lictor, Setup, eventually};

fn setup() -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup
}

/// `lictor validate` as the hook of a deployment runs it.
fn hook(lictor: &Lictor, id: &str, arguments: &[&str]) -> Command {
    let mut command = lictor.setup().command("validate");
    command.arg("--socket").arg(lictor.setup().path("admin.sock")).args(arguments);
    command.env("DEPLOYMENT_ID", id).env("DEPLOYMENT_GROUP_NAME", "prod").env("LIFECYCLE_EVENT", "ValidateService");
    command
}

#[track_caller]
fn ends(output: &Output, code: i32, last: &str) {
    let text = said(output);
    assert_eq!((output.status.code(), text.lines().last()), (Some(code), Some(last)), "{text}");
}

#[test]
fn its_answer_stands_on_the_board_and_in_history_and_outlives_lictor() {
    let lictor = setup().start();
    lictor.until_good();
    let yes = format!("yes: running {OLD}, healthy, config settled");
    ends(&finish(hook(&lictor, "d-1", &["--version", OLD])), 0, &yes);
    let board = lictor.board();
    let validation = board.deployment.clone().unwrap();
    assert_eq!(validation.deployment.to_string(), "d-1 of prod (ValidateService)");
    assert_eq!((validation.verdict, &validation.reason), (Verdict::Yes, &yes));
    assert!(outcomes(&board).contains(&Outcome::Validated), "{:#?}", board.history);

    let no = format!("no: running {OLD}, not {NEW}");
    ends(&finish(hook(&lictor, "d-2", &["--version", NEW, "--timeout", "50ms"])), 1, &no);
    let history = said(&lictor.cli("history", &[]));
    let line = history.lines().find(|line| line.contains("not validated")).unwrap();
    assert!(line.contains("d-2 of prod (ValidateService)") && line.contains(&no), "{line}");
    let status = said(&lictor.cli("status", &[]));
    assert!(status.contains("d-2 of prod (ValidateService) not validated "), "{status}");

    for signal in [Signal::TERM, Signal::KILL] {
        lictor.restart(signal);
        let board = lictor.until_good();
        assert_eq!(board.deployment.map(|last| (last.deployment.id, last.verdict)), Some(("d-2".into(), Verdict::No)));
    }
    // A person who asks is no deployment.
    ends(&lictor.cli("validate", &["--version", OLD]), 0, &yes);
    assert_eq!(lictor.board().deployment.map(|last| last.deployment.id).as_deref(), Some("d-2"));
}

#[test]
fn it_waits_for_a_lictor_that_is_started_after_it() {
    let lictor = setup().prepared();
    let waiting = hook(&lictor, "d-1", &["--version", OLD, "--timeout", "25s"]);
    let asked = std::thread::spawn(move || finish(waiting));
    // It is started when the hook has looked for it in vain.
    eventually("the hook runs", || {
        let socket = lictor.setup().path("admin.sock");
        let found = crate::harness::processes::naming(lictor.setup().folder());
        found.iter().any(|process| process.command.contains(socket.to_str().unwrap())).then_some(())
    });
    lictor.start();
    let output = asked.join().unwrap();
    ends(&output, 0, &format!("yes: running {OLD}, healthy, config settled"));
    assert_eq!(lictor.board().deployment.map(|last| last.verdict), Some(Verdict::Yes));
}

#[test]
fn without_a_lictor_it_is_over_when_its_time_is() {
    let lictor = setup().prepared();
    let output = finish(hook(&lictor, "d-1", &["--timeout", "100ms"]));
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    let text = said(&output);
    assert!(text.lines().last().unwrap().starts_with("no: no lictor answers at "), "{text}");
}

#[test]
fn what_is_installed_but_not_restarted_is_a_no_that_says_so() {
    let lictor = setup().start();
    lictor.until_good();
    lictor.install(NEW);
    lictor.until("the new file is seen", |board| board.build.outdated);
    let why = format!("{NEW} is installed but not restarted");
    let no = format!("no: running {OLD}, not {NEW}; {why}");
    ends(&finish(hook(&lictor, "d-1", &["--version", NEW, "--timeout", "50ms"])), 1, &no);
    // Without a version the question is whether what was installed runs.
    ends(&finish(hook(&lictor, "d-1", &["--timeout", "50ms"])), 1, &format!("no: {why}"));
    assert!(lictor.cli("restart", &[]).status.success());
    ends(&finish(hook(&lictor, "d-1", &[])), 0, "yes: healthy, config settled");
    assert!(!lictor.board().build.outdated);
}
