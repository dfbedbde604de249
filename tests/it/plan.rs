//! `lictor plan`: what the newest wish would change and what is done about it, with an exit code, and no secret.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::lictor::said;
use crate::harness::{Consul, Lictor, Setup};

const PUBLIC: &str = "key \"GREETING\" {\n  public = true\n}\n";

fn up(consul: &Consul) -> Lictor {
    consul.put("billing/GREETING", "hello");
    consul.put("billing/PASSWORD", "hunter2");
    consul.put("billing/COLOUR", "red");
    let lictor = Setup::on_consul(consul.address()).checked().config(PUBLIC).start();
    lictor.until_good();
    lictor
}

/// The plan as people read it and as programs do, and what `--exit-code` ends with.
fn plan(lictor: &Lictor) -> (String, Value, i32) {
    let text = lictor.cli("plan", &[]);
    let json = lictor.cli("plan", &["--json"]);
    let code = lictor.cli("plan", &["--exit-code"]).status.code().unwrap();
    let all = said(&text) + &said(&json);
    assert!(!all.contains("hunter"), "a secret in {all}");
    (said(&text), serde_json::from_slice(&json.stdout).unwrap(), code)
}

#[test]
fn what_is_held_by_an_operator_is_a_change_that_waits() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (0, Some("nothing")), "{text}");
    assert!(text.contains("no changes"), "{text}");

    assert_eq!(lictor.cli("hold", &["night", "shift"]).status.code(), Some(0));
    consul.put("billing/GREETING", "good day");
    consul.put("billing/PASSWORD", "hunter22");
    consul.put("billing/NEW", "x");
    consul.delete("billing/COLOUR");
    let settled = |text: &str| text.contains("1 to add, 2 to change, 1 to remove");
    lictor.until("held", |board| board.config.state == ConfigState::Held && settled(&plan(&lictor).0));
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (3, Some("held")), "{text}");
    assert!(text.contains("svc  held") && text.contains("night shift"), "{text}");
    assert!(text.contains("hello -> good day"), "a public value: {text}");
    assert!(text.contains("(7 bytes) -> ") && text.contains("(8 bytes)"), "{text}");
    let names: Vec<_> = json["changes"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["COLOUR", "GREETING", "NEW", "PASSWORD"]);
    assert_eq!(lictor.cli("plan", &[]).status.code(), Some(0), "without --exit-code it is no matter of changes");
}

/// `lictor plan --watch`; killed when dropped.
struct Watched {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watched {
    fn new(mut command: Command) -> Self {
        command.arg("--watch").arg("--json").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The first of the next plans that is like this.
    fn until(&mut self, is_meant: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            assert!(!line.contains("hunter"), "a secret in {line}");
            let plan = serde_json::from_str(&line).unwrap();
            if is_meant(&plan) {
                return plan;
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_is_watched_is_shown_again_as_it_changes_with_a_lictor_and_without() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let mut command = lictor.setup().command("plan");
    command.arg("--socket").arg(lictor.setup().path("admin.sock"));
    let mut watched = Watched::new(command);
    watched.until(|plan| plan["action"] == "nothing" && plan["basis"] == "running");
    assert_eq!(lictor.cli("hold", &["night"]).status.code(), Some(0));
    consul.put("billing/PASSWORD", "hunter22");
    let held = watched.until(|plan| plan["action"] == "held");
    assert_eq!(held["changes"][0]["name"], "PASSWORD");
    consul.put("billing/PASSWORD", "hunter2");
    watched.until(|plan| plan["action"] == "nothing");
    // The next lictor goes on where this one ends.
    lictor.signal(Signal::TERM);
    lictor.ended();
    lictor.start();
    consul.put("billing/NEW", "x");
    watched.until(|plan| plan["changes"][0]["name"] == "NEW");

    // While no lictor runs, the sources are watched, until one does.
    consul.delete("billing/NEW");
    assert_eq!(lictor.cli("unhold", &[]).status.code(), Some(0));
    lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.ended();
    let mut alone = Watched::new(lictor.setup().configured("plan"));
    alone.until(|plan| plan["action"] == "nothing" && plan["basis"] == "kept");
    consul.put("billing/GREETING", "good day");
    let restart = alone.until(|plan| plan["action"] == "restart");
    assert_eq!(restart["changes"][0]["after"]["value"], "good day", "{restart}");
    lictor.start();
    alone.until(|plan| plan["action"] == "nothing" && plan["basis"] == "running");
}

#[test]
fn what_was_reverted_is_quarantined_and_refused() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let good = lictor.board().config.fingerprint;
    consul.put("billing/EXIT_CODE", "1");
    lictor.until_reverted_to(good);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (1, Some("quarantined")), "{text}");
    assert!(text.contains("exited with 1") && text.contains("+  EXIT_CODE"), "{text}");
}

#[test]
fn what_the_guard_holds_is_said() {
    let consul = Consul::start();
    let lictor = up(&consul);
    consul.ask("DELETE", "/v1/kv/billing/?recurse", b"");
    lictor.until("held", |board| board.config.state == ConfigState::Held);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (3, Some("held")), "{text}");
    assert!(text.contains("consul billing/ lost 3 of 3 keys") && text.contains("3 to remove"), "{text}");
}

#[test]
fn without_a_lictor_it_says_so() {
    let lictor = Setup::on_directory().prepared();
    let output = lictor.cli("plan", &[]);
    assert_eq!(output.status.code(), Some(69), "{}", said(&output));
}

/// As long as the quiet time: what is wanted stays on its way.
const SLOW: &str = "wait {\n  min = \"1h\"\n  max = \"1h\"\n}\n";

const KEYS: &str = "key \"LEVEL\" {\n  on_change = \"reload\"\n}\nkey \"NOTE*\" {\n  on_change = \"ignore\"\n}\n\
                    key \"PORT\" {\n  type = \"port\"\n}\nkey \"SIZE\" {\n  type = \"int\"\n}\n";

#[test]
fn a_change_says_whether_it_takes_a_restart_a_reload_or_nothing() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().config(KEYS).config(SLOW).start();
    lictor.until_good();
    for (key, action, effect, code) in
        [("NOTE_A", "nothing", "ignore", 0), ("LEVEL", "reload", "reload", 3), ("GREETING", "restart", "restart", 3)]
    {
        consul.put(&format!("billing/{key}"), "changed");
        lictor.until("it is known", |_| plan(&lictor).0.contains(key));
        let (text, json, found) = plan(&lictor);
        assert_eq!(
            (found, json["action"].as_str(), json["effect"].as_str()),
            (code, Some(action), Some(effect)),
            "{text}"
        );
    }
}

#[test]
fn what_only_waits_for_a_restart_is_no_change() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().config(KEYS).start();
    lictor.until_good();
    for (key, waiting) in [("NOTE_A", "NOTE_A"), ("LEVEL", "LEVEL, NOTE_A")] {
        lictor.until_applied(|| consul.put(&format!("billing/{key}"), "changed"));
        let (text, json, code) = plan(&lictor);
        assert_eq!((code, json["action"].as_str()), (0, Some("nothing")), "{text}");
        assert!(text.contains("no changes") && text.contains(&format!("pending restart  {waiting}")), "{text}");
    }
}

#[test]
fn what_is_rejected_lists_every_violation_and_no_value() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().config(KEYS).start();
    lictor.until_good();
    consul.put("billing/PORT", "hunter1");
    consul.put("billing/SIZE", "hunter2");
    let both = |board: &Board| board.config.state == ConfigState::Rejected && board.config.violations.len() == 2;
    lictor.until("both are rejected", both);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (1, Some("rejected")), "{text}");
    for (number, name) in ["PORT", "SIZE"].iter().enumerate() {
        assert!(text.contains(&format!("  !  {name} ")), "{text}");
        assert!(json["violations"][number].as_str().unwrap().starts_with(name), "{json}");
    }
}
