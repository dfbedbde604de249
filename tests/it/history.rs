//! What became of every wish, and what operators did, stands in a file of names and fingerprints.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::mpsc;

use lictor::machine::board::StepName;
use lictor::machine::history::{Entry, Outcome};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::lictor::said;
use crate::harness::wait::PATIENCE;
use crate::harness::{Consul, Lictor, Setup, eventually};

fn up() -> Lictor {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hunter2-one");
    let lictor = setup.start();
    lictor.until_good();
    lictor
}

fn on_disk(lictor: &Lictor) -> Vec<Entry> {
    let text = fs::read_to_string(lictor.setup().path("state/history.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn it_tells_what_happened_and_who_asked_and_no_value() {
    let lictor = up();
    let good = lictor.until_applied(|| lictor.setup().write("GREETING", "hunter2-two")).config.fingerprint;
    lictor.setup().write("EXIT_CODE", "1");
    lictor.until_reverted_to(good);
    assert!(lictor.cli("hold", &["night"]).status.success());
    let entries = eventually("all of it is on disk", || {
        let entries = on_disk(&lictor);
        entries.iter().any(|entry| entry.why == "hold: night").then_some(entries)
    });
    let applied = entries.iter().rfind(|entry| entry.outcome == Outcome::Applied).unwrap();
    assert_eq!((applied.keys.as_slice(), applied.environment), (&["GREETING".to_owned()][..], good));
    assert!(applied.propagation_ms.is_some() && applied.at_unix_ms > 1_600_000_000_000, "{applied:?}");
    let reverted = entries.iter().find(|entry| entry.outcome == Outcome::Reverted).unwrap();
    assert_eq!(reverted.keys, ["EXIT_CODE"]);
    let operator = entries.iter().find(|entry| entry.outcome == Outcome::Operator).unwrap();
    assert_eq!(operator.who, Some(rustix::process::getuid().as_raw()));

    let file = lictor.setup().path("state/history.jsonl");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = said(&lictor.cli("history", &[]));
    for text in [&shown, &fs::read_to_string(file).unwrap()] {
        assert!(text.contains("GREETING") && !text.contains("hunter2"), "{text}");
    }
    assert!(shown.lines().any(|line| line.contains("operator") && line.contains("hold: night")), "{shown}");
    let lines = said(&lictor.cli("history", &["--json"]));
    let all: Vec<Entry> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all, entries);
}

#[test]
fn it_goes_on_in_the_next_life() {
    let lictor = up();
    let before = said(&lictor.cli("history", &["--json"]));
    assert!(!before.is_empty());
    for signal in [Signal::TERM, Signal::KILL] {
        eventually("it is on disk", || (on_disk(&lictor).len() == before.lines().count()).then_some(()));
        lictor.restart(signal);
        lictor.until_good();
        let after = said(&lictor.cli("history", &["--json"]));
        assert!(after.starts_with(&before), "{before}\n---\n{after}");
        assert_eq!(after, before, "a start on what is good is no news");
    }
}

/// The lines of `lictor history --follow --json`, as they come.
fn following(lictor: &Lictor) -> impl Fn(&str) -> Value + use<> {
    let mut command = lictor.setup().command("history");
    command.arg("--socket").arg(lictor.setup().path("admin.sock")).args(["--follow", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (send, lines) = mpsc::channel::<Value>();
    let out = BufReader::new(child.stdout.take().unwrap());
    // It ends with its test: whatever names the test's folder is killed then.
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let _ = send.send(serde_json::from_str(&line).unwrap());
        }
        let _ = child.wait();
    });
    move |what| lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line comes: {what}"))
}

#[test]
fn follow_shows_a_line_when_it_is_made() {
    let lictor = up();
    let next = following(&lictor);
    assert_eq!(next("what was there")["outcome"], "applied");
    assert!(lictor.cli("hold", &["night"]).status.success());
    assert_eq!(next("the hold")["why"], "hold: night");
}

#[test]
fn follow_goes_on_with_the_next_lictor_and_repeats_nothing() {
    let lictor = up();
    let next = following(&lictor);
    let first = next("what was there");
    assert_eq!(first["outcome"], "applied");
    let mut seen = vec![first];
    for (signal, reason) in [(Signal::TERM, "day"), (Signal::KILL, "night")] {
        eventually("it is on disk", || (!on_disk(&lictor).is_empty()).then_some(()));
        lictor.restart(signal);
        lictor.until("lictor is back", |_| true);
        assert!(lictor.cli("hold", &[reason]).status.success());
        // The service may have been started anew meanwhile, which is a line as well.
        let line = loop {
            let line = next("the hold");
            assert!(!seen.contains(&line), "a line is repeated: {line}");
            seen.push(line.clone());
            if line["outcome"] == "operator" {
                break line;
            }
        };
        assert_eq!(line["why"], format!("hold: {reason}"));
        eventually("the hold is on disk", || on_disk(&lictor).iter().any(|it| it.why.ends_with(reason)).then_some(()));
    }
}

#[test]
fn it_is_shown_from_a_time_or_a_number_on() {
    let lictor = up();
    for reason in ["one", "two", "three"] {
        assert!(lictor.cli("hold", &[reason]).status.success());
    }
    let shown = said(&lictor.cli("history", &["-n", "2"]));
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines.len() == 2 && lines[0].ends_with("hold: two") && lines[1].ends_with("hold: three"), "{shown}");
    assert_eq!(said(&lictor.cli("history", &["--since", "1h"])).lines().count(), 4);
    assert_eq!(said(&lictor.cli("history", &["--since", "1h", "-n=1"])).lines().count(), 1);
    assert_eq!(said(&lictor.cli("history", &["-n", "0"])), "");
}

#[test]
fn without_a_directory_it_is_kept_in_memory() {
    let setup = Setup::on_directory().checked();
    // Something else has the place of the directory.
    fs::write(setup.path("state"), "").unwrap();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    assert!(said(&lictor.cli("history", &[])).contains("applied"));
    assert!(lictor.cli("hold", &["night"]).status.success());
    assert!(said(&lictor.cli("history", &[])).contains("hold: night"));
}

#[test]
fn it_tells_where_a_change_came_from_and_how_long_each_step_took() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    lictor.until_good();
    let session = consul.ask("PUT", "/v1/session/create", b"{}").json()["ID"].as_str().unwrap().to_owned();
    let board = lictor.until_applied(|| {
        consul.ask("PUT", &format!("/v1/kv/billing/GREETING?flags=42&acquire={session}"), b"good day");
    });
    let applied = board.history.last().unwrap();
    assert_eq!((applied.outcome, applied.keys.as_slice()), (Outcome::Applied, &["GREETING".to_owned()][..]));
    let key = &consul.ask("GET", "/v1/kv/billing/GREETING", b"").json()[0];
    let from = serde_json::to_value(&applied.from).unwrap();
    let expected = serde_json::json!([{
        "key": "GREETING", "source": "consul billing/", "modify_index": key["ModifyIndex"], "flags": 42, "session": session,
    }]);
    assert_eq!(from, expected);
    let steps: Vec<_> = applied.steps.iter().map(|(step, _)| step).collect();
    assert!(steps.contains(&StepName::Settling) && steps.contains(&StepName::Trial), "{applied:?}");
    let before: u64 = applied.steps.iter().filter(|(step, _)| *step != StepName::Trial).map(|(_, millis)| millis).sum();
    assert!(before <= applied.propagation_ms.unwrap() + 10, "{applied:?}");
    // The log has a line for each step, with the names of what changes.
    let log = lictor.log();
    let says = |text: &str, keys: &str| log.lines().any(|line| line.contains(text) && line.ends_with(keys));
    assert!(says("the configuration proves itself", "keys=\"\""), "the first one: {log}");
    for step in ["waits for quiet", "waits for the old process to end", "proves itself"] {
        assert!(says(&format!("the change {step}"), "keys=\"GREETING\""), "{step}: {log}");
    }
    assert!(!log.contains("good day"), "{log}");

    // What only a directory knows has no index.
    let lictor = up();
    let board = lictor.until_applied(|| lictor.setup().write("GREETING", "hunter2-two"));
    let from = serde_json::to_value(&board.history.last().unwrap().from).unwrap();
    assert!(from[0]["source"].as_str().unwrap().starts_with("directory "), "{from}");
    assert_eq!(from[0].get("modify_index"), None, "{from}");
}
