//! `lictor promote` between two real Consuls: a set that is good here, written there by check-and-set.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use lictor::machine::board::ConfigState;
use tempfile::TempDir;

use crate::harness::lictor::{finish, is_good, said};
use crate::harness::{Consul, Lictor, Setup, eventually};

/// A test environment and a production, each with a lictor on `billing/`.
struct Two {
    test: Consul,
    production: Consul,
    source: Lictor,
    target: Lictor,
    folder: TempDir,
}

fn member(consul: &Consul, more: &str) -> Lictor {
    let fleet = "fleet {\n  prefix = \"lictor/billing/\"\n  min_passing = 0\n  bake = \"0s\"\n}\n";
    Setup::on_consul(consul.address()).checked().config(&format!("{fleet}{more}")).start()
}

impl Two {
    fn up(more: &str) -> Self {
        let (test, production) = (Consul::start(), Consul::start());
        test.put("billing/GREETING", "hello");
        test.put("billing/DATABASE_URL", "postgres://test");
        production.put("billing/GREETING", "old");
        production.put("billing/DATABASE_URL", "postgres://production");
        production.put("billing/GONE", "1");
        if more.contains("commit_key") {
            production.put("billing/.commit", "sealed");
        }
        let (source, target) = (member(&test, ""), member(&production, more));
        let two = Self { test, production, source, target, folder: tempfile::tempdir().unwrap() };
        two.source.until_good();
        two.target.until_good();
        for consul in [&two.test, &two.production] {
            eventually("its lictor says what it reads, and that it is good", || {
                let records = consul.ask("GET", "/v1/kv/lictor/billing/instances/?recurse", b"").text();
                let records = decoded(&records);
                (records.contains("\"mark\"") && records.contains("\"state\":\"good\"")).then_some(())
            });
        }
        two
    }

    /// `lictor promote` with these words behind what is always said: its exit code and what it says.
    fn promote(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = self.target.setup().command("promote");
        let (from, to) = (self.test.address().to_string(), self.production.address().to_string());
        command.args(["billing/", "--to", &to]);
        if !words.contains(&"--undo") {
            command.args(["--from", &from]);
        }
        command.args(words);
        let output = finish(command);
        (output.status.code(), said(&output))
    }

    /// `lictor fleet history` of the production.
    fn fleet_history(&self) -> String {
        let mut command = self.target.setup().command("fleet");
        command.env("CONSUL_HTTP_ADDR", self.production.address().to_string());
        command.args(["history", "--name", "billing"]);
        said(&finish(command))
    }

    fn value(&self, key: &str) -> Option<String> {
        let answer = self.production.ask("GET", &format!("/v1/kv/billing/{key}?raw"), b"");
        (answer.code == 200).then(|| answer.text())
    }
}

/// The values of a listing, decoded.
fn decoded(list: &str) -> String {
    use base64::Engine as _;
    let pairs: serde_json::Value = serde_json::from_str(list).unwrap_or_default();
    let values = pairs.as_array().into_iter().flatten().filter_map(|pair| pair["Value"].as_str());
    values
        .filter_map(|value| base64::engine::general_purpose::STANDARD.decode(value).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[test]
fn a_proved_set_is_promoted_followed_to_its_verdict_and_undone() {
    let two = Two::up("");
    let (code, text) = two.promote(&["--skip", "DATABASE_URL"]);
    assert_eq!(code, Some(1), "nobody was asked: {text}");
    for part in ["~ GREETING\n", "- GONE\n", "= DATABASE_URL is kept", "proved: good on 1 live instance", "--yes"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("hello") && !text.contains("postgres"), "{text}");
    assert!(text.contains("1 would restart, in turns"), "{text}");
    assert_eq!(two.value("GREETING").as_deref(), Some("old"));

    let backup = two.folder.path().join("before.json");
    let path = backup.display().to_string();
    let (code, text) = two.promote(&["--skip", "DATABASE_URL", "--yes", "--watch", "--backup", &path]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 keys in 1 transaction") && text.ends_with("good on 1 instance\n"), "{text}");
    assert_eq!(two.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(two.value("DATABASE_URL").as_deref(), Some("postgres://production"));
    assert_eq!(two.value("GONE"), None);
    assert_eq!(two.target.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = two.production.ask("GET", "/v1/kv/lictor/billing/promotion?raw", b"").text();
    assert!(kept.contains("GREETING") && !kept.contains("hello") && !kept.contains("old\""), "{kept}");

    // It is part of the fleet's story.
    let history = two.fleet_history();
    let promoted: Vec<_> = history.lines().filter(|line| line.contains("promoted")).collect();
    assert!(promoted.len() == 1 && promoted[0].ends_with(": GONE, GREETING"), "{history}");

    let (code, text) = two.promote(&["--to", "127.0.0.1:1", "--yes", "--backup", &path]);
    assert!(code == Some(2) && text.contains("one --to at a time"), "before anything is written: {text}");
    let (code, text) = two.promote(&["--skip", "DATABASE_URL"]);
    assert_eq!(code, Some(0), "there is nothing to do: {text}");
    let (code, text) = two.promote(&["--undo", "--backup", &path, "--yes", "--watch"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!((two.value("GREETING").as_deref(), two.value("GONE").as_deref()), (Some("old"), Some("1")));
    assert_eq!(two.target.value("GREETING").as_deref(), Some("old"));

    // Both are part of the story now, and a record that somebody has spoilt is said.
    let promoted = |history: &str| history.lines().filter(|line| line.contains("  promoted  ")).count();
    let history = two.fleet_history();
    assert!(promoted(&history) == 2 && history.contains("2 keys as before the last promotion: "), "{history}");
    two.production.put("lictor/billing/promotion", "mine");
    let history = two.fleet_history();
    let spoilt = history.lines().any(|line| line.contains("promotion ") && line.contains("  unreadable  "));
    assert!(promoted(&history) == 0 && spoilt, "{history}");
}

#[test]
fn somebody_else_s_edit_while_it_asks_means_that_nothing_is_written() {
    let two = Two::up("");
    let program = two.target.setup().command("promote");
    let words = [program.get_program().to_str().unwrap(), "promote", "billing/", "--skip", "DATABASE_URL"].join(" ");
    let (from, to) = (two.test.address(), two.production.address());
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &format!("{words} --from {from} --to {to}"), "/dev/null"]).env("NO_COLOR", "1");
    let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    let (mut screen, mut text) = (terminal.stdout.take().unwrap(), Vec::new());
    let mut read_until = |part: &str| {
        let mut some = [0; 4096];
        while !String::from_utf8_lossy(&text).contains(part) {
            let read = screen.read(&mut some).unwrap_or_default();
            assert!(read > 0, "{part:?} is not in {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&some[..read]);
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    let asked = read_until("write it? [y/N]");
    assert!(asked.contains("~ GREETING"), "{asked}");
    // While the operator thinks about it.
    two.production.put("billing/GONE", "somebody needs it");
    two.production.put("billing/MORE", "1");
    keyboard.write_all(b"y\n").unwrap();
    let answered = read_until("1 would restart, in turns\r\n\r\n");
    let (_, anew) = answered.split_once("somebody has edited billing/ at").unwrap_or_else(|| panic!("{answered}"));
    assert!(anew.contains("the plan is made anew") && anew.contains("- MORE") && anew.contains("- GONE"), "{anew}");
    assert_eq!(terminal.wait().unwrap().code(), Some(1), "{answered}");
    assert_eq!(two.value("GREETING").as_deref(), Some("old"), "nothing was written");
    assert_eq!(two.value("GONE").as_deref(), Some("somebody needs it"));
    assert_eq!(two.production.ask("GET", "/v1/kv/lictor/billing/promotion", b"").code, 404, "and nothing is recorded");
}

#[test]
fn what_is_not_proved_is_refused_unless_a_reason_is_given() {
    let two = Two::up("");
    two.test.put("billing/EXIT_CODE", "3");
    two.source.until("taken back", |board| board.config.state == ConfigState::Reverted);
    eventually("its record says so", || {
        let (code, text) = two.promote(&["--skip", "DATABASE_URL", "--yes"]);
        assert_eq!(code, Some(1), "{text}");
        (text.contains("it is not proved at the source") && text.contains("Reverted: ")).then_some(())
    });
    assert_eq!(two.value("GREETING").as_deref(), Some("old"));
    let (code, text) = two.promote(&["--only", "GREETING", "--yes", "--unproved", "the owner asks for it", "--watch"]);
    assert_eq!(code, Some(0), "{text}");
    let kept = two.production.ask("GET", "/v1/kv/lictor/billing/promotion?raw", b"").text();
    assert!(kept.contains("the owner asks for it"), "{kept}");
    two.target.until("good on it", |board| is_good(board) && two.target.value("GREETING").as_deref() == Some("hello"));
}

#[test]
fn a_promotion_that_the_target_takes_back_ends_with_1_and_the_reason() {
    let two = Two::up("");
    // Good at the source, where its service does not heed it: only the target's has the check for it.
    let (code, text) = two.promote(&["--skip", "DATABASE_URL", "--rules", &rules(&two), "--yes", "--watch"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Reverted: ") || text.contains("halted: taken back by"), "{text}");
    assert_eq!(two.target.value("GREETING").as_deref(), Some("old"), "a config problem takes nobody away");
}

/// At the target the greeting becomes the exit status of its service.
fn rules(two: &Two) -> String {
    two.test.put("billing/CODE", "3");
    two.source.until("good", |board| is_good(board) && two.source.value("CODE").as_deref() == Some("3"));
    eventually("its record says so", || {
        let (_, text) = two.promote(&[]);
        text.contains("proved: good on").then_some(())
    });
    let path = two.folder.path().join("promote.hcl");
    fs::write(&path, "rename = {\n  \"CODE\" = \"EXIT_CODE\"\n}\n").unwrap();
    path.display().to_string()
}

#[test]
fn large_sets_need_a_key_that_seals_them_and_are_written_before_it() {
    let two = Two::up("commit_key = \"billing/.commit\"\n");
    for number in 0..100 {
        two.test.put(&format!("billing/KEY_{number:03}"), "x".repeat(100));
    }
    two.source.until("good on all", |board| is_good(board) && two.source.value("KEY_099").is_some());
    let (code, text) = eventually("its record says so", || {
        let answer = two.promote(&["--skip", "DATABASE_URL", "--yes", "--watch"]);
        (answer.0 == Some(0)).then_some(answer)
    });
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("in 2 transactions"), "{text}");
    assert!(two.value(".commit").is_some_and(|seal| seal.starts_with("promoted ")));
    let board = two.target.board();
    assert!(is_good(&board) && board.restarts == 1, "{board:#?}");
    assert_eq!(two.target.value("KEY_099").map(|value| value.len()), Some(100));
}

#[test]
fn without_a_key_that_seals_a_large_set_is_refused_and_nothing_is_written() {
    let two = Two::up("");
    for number in 0..70 {
        two.test.put(&format!("billing/KEY_{number:03}"), "x");
    }
    two.source.until("good on all", |board| is_good(board) && two.source.value("KEY_069").is_some());
    let text = eventually("its record says so", || {
        let (code, text) = two.promote(&["--skip", "DATABASE_URL", "--yes"]);
        assert_eq!(code, Some(1), "{text}");
        text.contains("proved: good on").then_some(text)
    });
    assert!(text.contains("commit_key"), "{text}");
    assert_eq!(two.value("KEY_000"), None);
}
