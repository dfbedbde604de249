//! Our own configuration is read again under a running service: a bad one changes nothing.

use std::fs;
use std::net::UdpSocket;
use std::process::Output;

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, pid, said};
use crate::harness::wait::PATIENCE;
use crate::harness::{Consul, Lictor, Setup, eventually};

/// The file that the tests change; the harness has three before it.
const FILE: &str = "3.hcl";

fn up(text: &str) -> Lictor {
    let setup = Setup::on_directory().checked().config(text);
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    lictor
}

fn edit(lictor: &Lictor, text: &str) {
    fs::write(lictor.setup().path(FILE), text).unwrap();
}

#[track_caller]
fn ends(output: &Output, code: i32, word: &str) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(word), "{word:?} is not in {text:?}");
}

fn info_check(name: &str) -> String {
    format!(
        "check \"{name}\" {{\n  command {{\n    command = [\"/bin/true\"]\n  }}\n  role = \"info\"\n  interval = \"100ms\"\n}}\n"
    )
}

#[test]
fn a_bad_one_changes_nothing_and_every_error_is_told_with_its_place() {
    let lictor = up("");
    let before = lictor.board();
    edit(&lictor, "upcase = 7\ncolour = \"red\"\n");
    let answer = lictor.cli("reload", &[]);
    ends(&answer, 78, "nothing is changed");
    for place in ["3.hcl:1:10", "3.hcl:2:1"] {
        assert!(said(&answer).contains(place), "{}", said(&answer));
    }
    let board = lictor.board();
    assert_eq!(board.reload.as_ref().map(|reload| reload.errors.len()), Some(2), "{:#?}", board.reload);
    assert_eq!((pid(&board), board.config.state), (pid(&before), ConfigState::Good));
    let shown = said(&lictor.cli("status", &[]));
    assert!(shown.contains("refused") && shown.contains("3.hcl:1:10"), "{shown}");
    assert!(lictor.log().contains("3.hcl:2:1"), "{}", lictor.log());
    assert!(!lictor.status().1.to_string().contains("Config"), "the service's own config is well");

    edit(&lictor, "");
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    assert_eq!(lictor.board().reload.map(|reload| reload.errors), Some(Vec::new()));
}

#[test]
fn checks_and_rules_change_without_touching_the_service() {
    let lictor = up(&info_check("Disk"));
    let before = lictor.until("probed", |board| board.checks.iter().all(|check| check.probes > 0));
    edit(&lictor, &format!("{}apply {{\n  min_healthy = \"300ms\"\n}}\n", info_check("Queue")));
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    let names = |board: &Board| board.checks.iter().map(|check| check.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&lictor.board()), ["Web", "Queue"]);
    let board = lictor.until("the new one is probed", |board| board.checks[1].word == "Healthy");
    assert_eq!((pid(&board), board.restarts), (pid(&before), before.restarts));
    let (code, status) = lictor.status();
    assert_eq!((code, status["Queue"].as_str(), status.get("Disk")), (200, Some("Healthy"), None), "{status}");
}

#[test]
fn another_source_is_an_ordinary_wish() {
    let lictor = up("");
    let before = lictor.board();
    let more = lictor.setup().path("more.env");
    fs::write(&more, "COLOUR=red\n").unwrap();
    edit(&lictor, &format!("file {{\n  path = \"{}\"\n}}\n", more.display()));
    lictor.until_applied(|| ends(&lictor.cli("reload", &[]), 0, "was read again"));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    lictor.until_applied(|| fs::write(&more, "COLOUR=blue\n").unwrap());
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("blue"), "the new source is watched");
    assert_eq!(lictor.board().sources.len(), before.sources.len() + 1);

    // What is kept on disk belongs to the new list of sources.
    lictor.setup().write("EXIT_CODE", "1");
    let reverted = lictor.until("reverted", |board| board.config.state == ConfigState::Reverted && board.healthy);
    assert!(!reverted.config.quarantine.is_empty());

    edit(&lictor, "");
    fs::remove_file(lictor.setup().path("conf.d/EXIT_CODE")).unwrap();
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    lictor.until("back to the first source alone", |board| {
        is_good(board) && board.sources.len() == before.sources.len() && lictor.value("COLOUR").is_none()
    });
    assert_eq!(lictor.board().config.fingerprint, before.config.fingerprint);
    lictor.restart(Signal::KILL);
    lictor.until_good();
    assert!(!lictor.log().contains("another list of sources"), "{}", lictor.log());
}

#[test]
fn what_concerns_the_process_waits_for_its_next_start() {
    let lictor = up("");
    let before = lictor.board();
    let host = lictor.setup().host();
    let program = lictor.setup().path("service");
    edit(
        &lictor,
        &format!(
            "exec {{\n  command = [\"{}\", \"-addr\", \"{host}:8080\", \"-set\", \"COLOUR=red\"]\n  kill_timeout = \"1s\"\n}}\n\
             log {{\n  level = \"info\"\n}}\n",
            program.display()
        ),
    );
    let answer = lictor.cli("reload", &[]);
    ends(&answer, 0, "waits for the next start of the service: exec.command, exec.kill_timeout");
    ends(&answer, 0, "waits for the next start of lictor: log");
    let board = lictor.board();
    assert_eq!(pid(&board), pid(&before), "nothing is touched");
    assert!(
        said(&lictor.cli("status", &[])).contains("exec.command, exec.kill_timeout: at the next start of the service")
    );
    let arguments = |pid: u32| String::from_utf8(fs::read(format!("/proc/{pid}/cmdline")).unwrap()).unwrap();
    assert!(!arguments(pid(&board)).contains("COLOUR=red"));

    ends(&lictor.cli("restart", &[]), 0, "is healthy");
    let board = lictor.board();
    assert!(arguments(pid(&board)).contains("COLOUR=red"));
    let pending = board.reload.unwrap().pending;
    assert_eq!((pending.service, pending.lictor), (Vec::new(), vec!["log".to_owned()]));
}

#[test]
fn a_hangup_does_the_same() {
    let lictor = up("");
    let before = lictor.board();
    edit(&lictor, &info_check("Queue"));
    lictor.signal(Signal::HUP);
    let board = lictor.until("there is another check", |board| board.checks.len() == 2);
    assert_eq!(pid(&board), pid(&before));
    edit(&lictor, "colour = 1\n");
    lictor.signal(Signal::HUP);
    lictor.until("refused", |board| board.reload.as_ref().is_some_and(|reload| !reload.errors.is_empty()));
    eventually("it is logged", || lictor.log().contains("3.hcl:1:1").then_some(()));
    assert!(!lictor.lines("signals").iter().any(|line| line == "HUP"), "it is not for the service");
}

#[test]
fn another_address_of_consul_is_asked_from_now_on() {
    let (first, second) = (Consul::start(), Consul::start());
    first.put("billing/GREETING", "hello");
    second.put("billing/GREETING", "good day");
    let lictor = Setup::on_consul(first.address()).checked().config("").start();
    lictor.until_good();
    fs::write(lictor.setup().path("2.hcl"), format!("consul {{\n  address = \"{}\"\n}}\n", second.address())).unwrap();
    lictor.until_applied(|| ends(&lictor.cli("reload", &[]), 0, "was read again"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    lictor.until_applied(|| second.put("billing/GREETING", "good night"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good night"));
}

#[test]
fn metrics_go_to_another_address_without_a_restart() {
    let lictor = up("");
    let before = lictor.board();
    let receiver = UdpSocket::bind((lictor.setup().host(), 0)).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = receiver.local_addr().unwrap();
    edit(&lictor, &format!("statsd {{\n  address = \"{address}\"\n  prefix = \"other\"\n  interval = \"100ms\"\n}}\n"));
    let answer = lictor.cli("reload", &[]);
    ends(&answer, 0, "was read again");
    assert!(!said(&answer).contains("waits"), "{}", said(&answer));
    let mut datagram = [0; 2000];
    let size = receiver.recv(&mut datagram).unwrap();
    let lines = String::from_utf8_lossy(&datagram[..size]);
    assert!(lines.lines().all(|line| line.starts_with("other.")), "{lines}");
    assert_eq!(pid(&lictor.board()), pid(&before));
}

#[test]
fn what_a_check_command_refused_is_judged_anew_when_there_is_another() {
    let refusing = "apply {\n  check_command = [\"/bin/sh\", \"-c\", \"test $GREETING = hello\"]\n}\n";
    let lictor = up(refusing);
    let before = lictor.board();
    lictor.setup().write("GREETING", "good day");
    lictor.until("refused", |board| board.config.state == ConfigState::Rejected);
    edit(&lictor, "");
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    let after =
        lictor.until("applied", |board| is_good(board) && board.config.fingerprint != before.config.fingerprint);
    assert_eq!((after.config.message, after.config.settled), (None, true));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn a_first_start_that_a_check_command_refused_is_good_once_there_is_no_command() {
    let setup = Setup::on_directory().checked();
    let lictor = setup.config("apply {\n  check_command = [\"/bin/false\"]\n}\n");
    lictor.write("GREETING", "hello");
    let lictor = lictor.start();
    lictor.until("refused", |board| board.config.state == ConfigState::Rejected);
    edit(&lictor, "");
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    let board = lictor.until_good();
    assert_eq!((board.config.message, board.config.settled), (None, true));
}

#[test]
fn a_file_for_the_variables_is_written_from_the_next_start_on() {
    let lictor = up("");
    let file = lictor.setup().path("variables.env");
    edit(&lictor, &format!("exec {{\n  env_file = \"{}\"\n}}\n", file.display()));
    ends(&lictor.cli("reload", &[]), 0, "waits for the next start of the service: exec.env_file");
    assert!(!file.exists());
    ends(&lictor.cli("restart", &[]), 0, "is healthy");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("GREETING") && text.contains("hello"), "{text}");
}

#[test]
fn a_required_source_that_never_answers_is_named_at_once_and_nothing_is_settled_until_it_answers() {
    let lictor = up("");
    let more = lictor.setup().path("more.env");
    edit(&lictor, &format!("file {{\n  path = \"{}\"\n}}\n", more.display()));
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    let board = lictor.until("it is named", |board| board.config.state == ConfigState::Waiting);
    let named = |message: &str| message.starts_with("Waits: file ") && message.contains("more.env");
    let message = board.config.message.unwrap();
    assert!(named(&message), "{message}");
    assert!(!board.config.settled);
    // The words may have changed since: first it has not answered, then it does not exist.
    let (code, status) = lictor.status();
    assert_eq!(code, 200, "the service itself is well");
    assert!(status["Config"].as_str().is_some_and(named), "{status}");
    lictor.until_applied(|| fs::write(&more, "COLOUR=red\n").unwrap());
    assert!(lictor.until_good().config.settled);
}

#[test]
fn a_value_that_is_public_no_longer_is_hidden_at_once_and_in_the_next_life() {
    let public = |word: &str| format!("key \"GREETING\" {{\n  public = {word}\n}}\n");
    let lictor = up(&public("true"));
    let shows = || {
        let said = said(&lictor.cli("env", &[]));
        lictor.get("/env").text().contains("hello") || said.contains("hello")
    };
    assert!(shows());
    // What waits behind a hold must not keep the old rules alive.
    ends(&lictor.cli("hold", &["night"]), 0, "");
    lictor.setup().write("COLOUR", "red");
    lictor.until("held", |board| board.config.state == ConfigState::Held);
    edit(&lictor, &public("false"));
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    assert!(!shows());
    edit(&lictor, &public("true"));
    ends(&lictor.cli("reload", &[]), 0, "was read again");
    assert!(shows());
    edit(&lictor, &public("false"));
    lictor.signal(Signal::KILL);
    lictor.ended();
    // As the file is now: the harness would write it as it was.
    let mut again = lictor.setup().command("run");
    for number in 0..=3 {
        again.arg("-c").arg(lictor.setup().path(&format!("{number}.hcl")));
    }
    lictor.start_as(again);
    lictor.until("adopted", |board| board.phase == lictor::machine::board::Phase::Up);
    assert!(!shows(), "{}\n{}", lictor.get("/env").text(), said(&lictor.cli("env", &[])));
}
