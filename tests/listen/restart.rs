//! `handover = "restart"` with a held socket: while the service restarts, connections wait, and none is refused.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use lictor::machine::board::{Board, Phase};

use crate::billing;
use crate::harness::{Lictor, Setup};
use crate::load::Load;

fn url(lictor: &Lictor) -> String {
    format!("http://{}:8080/", lictor.setup().host())
}

/// Changes the greeting so many times, each time until the service is healthy on it.
fn change(lictor: &Lictor, times: usize) {
    for number in 1..=times {
        lictor.until_applied(|| lictor.setup().write("GREETING", format!("hello {number}")));
    }
}

#[test]
fn thirty_changes_under_load_lose_nothing() {
    let lictor = billing::setup(&["-linger", "300ms"]).start();
    lictor.until_good();
    let load = Load::begin(&["-url", &url(&lictor), "-new", "300", "-get", "60", "-post", "60"]);
    change(&lictor, 30);
    let outcomes = load.end();
    assert!(outcomes[0].sent > 3_000, "{outcomes:#?}");
    assert_eq!(outcomes.each_ref().map(|outcome| outcome.failed), [0; 3], "{outcomes:#?}\n{}", lictor.log());
    assert_eq!(lictor.board().sockets, None);
}

#[test]
fn on_a_path_of_the_file_system_changes_lose_nothing_either() {
    let setup = billing::unheld(&["-linger", "300ms"]);
    let path = setup.path("http.sock").display().to_string();
    let lictor = setup.config(&format!("listen \"http\" {{\n  address = \"{path}\"\n}}\n")).start();
    lictor.until_good();
    let load = Load::begin(&["-url", "http://billing/", "-unix", &path, "-new", "200", "-get", "50", "-post", "50"]);
    change(&lictor, 8);
    let outcomes = load.end();
    assert!(outcomes[0].sent > 500, "{outcomes:#?}");
    assert_eq!(outcomes.each_ref().map(|outcome| outcome.failed), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

#[test]
fn a_crash_loses_what_was_under_way_and_nothing_that_waited() {
    let lictor = billing::setup(&[]).config("crash {\n  backoff = \"2s\"\n  max_backoff = \"2s\"\n}\n").start();
    lictor.until_good();
    let before = lictor.board().process.unwrap().run;
    // It is built by now.
    Load::begin(&["-url", &url(&lictor), "-new", "0", "-get", "0", "-post", "0"]).end();
    crate::harness::processes::signal(crate::harness::lictor::pid(&lictor.board()), rustix::process::Signal::KILL);
    lictor.until("it has ended", |board| board.process.as_ref().is_none_or(|process| process.pid.is_none()));
    // Nothing accepts now; these wait for the next run.
    let load = Load::begin(&["-url", &url(&lictor), "-new", "200", "-get", "0", "-post", "0"]);
    assert_eq!(lictor.board().phase, Phase::BackingOff);
    lictor.until("another run is healthy", |board| {
        board.healthy && board.process.as_ref().is_some_and(|process| process.run > before)
    });
    let [new, ..] = load.end();
    assert!(new.sent > 20 && new.failed == 0, "{new:#?}\n{}", lictor.log());
}

#[test]
fn who_waits_for_a_service_that_takes_nothing_is_served_by_the_next() {
    let setup = Setup::on_directory();
    let host = setup.host();
    setup.write("DEAF", "1");
    let lictor = setup.config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n")).checked().start();
    let run = lictor.until("it runs", |board| board.phase == Phase::Starting).process.unwrap().run;
    let load = Load::begin(&["-url", &format!("http://{host}:8080/healthz"), "-new", "100", "-get", "0", "-post", "0"]);
    lictor.until("a probe has waited in vain", |board| board.checks[0].failures > 0);
    fs::remove_file(lictor.setup().path("conf.d/DEAF")).unwrap();
    let after = lictor.until_good().process.unwrap().run;
    assert_ne!(after, run);
    let [new, ..] = load.end();
    assert!(new.sent > 20 && new.failed == 0, "{new:#?}\n{}", lictor.log());
}

/// What waits is carried from run to run, and needs descriptors for it: there are far fewer than connections here.
#[test]
fn who_waits_while_one_run_after_another_takes_nothing_is_served_by_the_last_with_few_descriptors() {
    const CLIENTS: usize = 400;
    let few = ["-c", "ulimit -n 200; exec \"$@\"", "sh"];
    let setup = Setup::on_directory();
    let host = setup.host();
    setup.write("DEAF", "1");
    let lictor = setup.config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n")).checked().prepared();
    let usual = lictor.setup().configured("run");
    let mut command = Command::new("sh");
    command.args(few).arg(usual.get_program()).args(usual.get_args()).current_dir(lictor.setup().folder()).env_clear();
    command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    lictor.start_as(command);
    let run = |board: &Board| board.process.as_ref().map(|process| process.run);
    let mut before = run(&lictor.until("it runs", |board| board.phase == Phase::Starting));
    let client = move || {
        let mut client = TcpStream::connect((host, 8080)).unwrap();
        client.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        client.write_all(b"GET /version HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        client
    };
    let answered = |mut client: TcpStream| {
        let mut answer = String::new();
        client.read_to_string(&mut answer).is_ok_and(|_| answer.starts_with("HTTP/1.1 200"))
    };
    // Each reads for itself: a connection ends when the client has its answer.
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| client()).map(|client| std::thread::spawn(move || answered(client))).collect();
    for number in 0..4 {
        lictor.setup().write("GREETING", format!("hello {number}"));
        let next = lictor.until("another run", |board| {
            board.process.as_ref().is_some_and(|process| Some(process.run) != before && process.pid.is_some())
        });
        before = run(&next);
    }
    fs::remove_file(lictor.setup().path("conf.d/DEAF")).unwrap();
    lictor.until_good();
    let answered = clients.into_iter().filter_map(|client| client.join().unwrap().then_some(()));
    assert_eq!(answered.count(), CLIENTS, "{}", lictor.log());
}
