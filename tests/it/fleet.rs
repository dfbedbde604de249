//! The fleet, on a real Consul: one change reaches one host at a time, and stops at the first host that takes it back.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lictor::machine::board::{ConfigState, Phase};
use lictor::machine::event::TrafficState;
use lictor::machine::{Board, Moment};
use rustix::process::Signal;

use crate::harness::lictor::{finish, is_good, outcomes, pid, said};
use crate::harness::{Consul, Lictor, Setup, eventually};
use lictor::machine::history::Outcome;

/// Longer than a session that nobody renews: twice its TTL, and a look.
const SESSION: Duration = Duration::from_secs(50);

/// A lictor of the fleet "svc". The service is not in Consul's catalog here, so nobody's passing is asked for.
pub fn member(consul: &Consul, name: &str, fleet: &str) -> Lictor {
    Setup::on_consul(consul.address())
        .checked()
        .config(&format!(
            "name = \"{name}\"\nfleet {{\n  prefix = \"lictor/svc/\"\n  min_passing = 0\n  bake = \"0s\"\n{fleet}}}\n"
        ))
        .start()
}

/// These lictors, good and in the fleet.
pub fn fleet_of(consul: &Consul, names: &[&str], fleet: &str) -> Vec<Lictor> {
    consul.put("billing/GREETING", "hello");
    let lictors: Vec<_> = names.iter().map(|name| member(consul, name, fleet)).collect();
    for lictor in &lictors {
        lictor.until_good();
    }
    joined(consul, lictors.len());
    lictors
}

/// Waits until so many instances have their record.
pub fn joined(consul: &Consul, count: usize) {
    eventually("every lictor has its record in the fleet", || {
        (keys(consul, "lictor/svc/instances/").len() == count).then_some(())
    });
}

/// The keys of a folder.
pub fn keys(consul: &Consul, folder: &str) -> Vec<String> {
    let answer = consul.ask("GET", &format!("/v1/kv/{folder}?keys"), b"");
    if answer.code == 404 {
        return Vec::new();
    }
    let keys = answer.json();
    keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// When the last run was away from its environment before: from the stop of one to the verdict on the next, in wall-clock
/// milliseconds.
fn restarted(lictor: &Lictor) -> (u64, u64) {
    let board = lictor.board();
    let wall = |moment: Moment| board.epoch_unix_ms + moment.0;
    let started = wall(board.process.as_ref().unwrap().started);
    let good = board.history.iter().rev().find(|entry| entry.outcome == Outcome::Applied).map(|entry| wall(entry.at));
    (started, good.unwrap())
}

fn message(board: &Board) -> String {
    board.config.message.clone().unwrap_or_default()
}

/// Waits until it waits for this.
pub fn waits(lictor: &Lictor, text: &str) -> Board {
    lictor.until(&format!("waits: {text}"), |board| {
        board.config.state == ConfigState::Pending
            && message(board).starts_with("Waits: ")
            && message(board).contains(text)
    })
}

#[test]
fn a_good_change_reaches_one_host_after_the_other() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b", "svc-c"], "");
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        lictor.until("good on the new value", |board| is_good(board) && board.restarts == 1);
        assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    }
    let metrics = lictors[0].get("/metrics").text();
    let counted = |line: &&str| line.starts_with("lictor_fleet_turns_total") && line.contains("good");
    assert!(metrics.lines().find(counted).is_some_and(|line| line.ends_with(" 1")), "{metrics}");
    let mut times: Vec<_> = lictors.iter().map(restarted).collect();
    times.sort_unstable();
    for two in times.windows(2) {
        assert!(two[0].1 <= two[1].0, "the next one started before the one before was good: {times:?}");
    }
    eventually("nothing is left of the turns", || {
        let left = [keys(&consul, "lictor/svc/out/"), keys(&consul, "lictor/svc/turn/")].concat();
        (left == ["lictor/svc/turn/.lock"]).then_some(())
    });
    assert_eq!(keys(&consul, "lictor/svc/rollout/").len(), 1, "what went well is known");
}

#[test]
fn a_bad_change_is_tried_on_one_host_and_halted_on_the_others() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b", "svc-c"], "");
    consul.put("billing/EXIT_CODE", "3");
    eventually("one took it back and two stopped on it", || {
        let states: Vec<_> = lictors.iter().map(|lictor| lictor.board().config.state).collect();
        let count = |state| states.iter().filter(|known| **known == state).count();
        (count(ConfigState::Reverted) == 1 && count(ConfigState::Halted) == 2).then_some(())
    });
    for lictor in &lictors {
        let board = lictor.board();
        let tried = lictor.runs().iter().filter(|run| run["env"]["EXIT_CODE"] == "3").count();
        let (code, status) = lictor.status();
        assert_eq!(code, 200, "a config problem takes nobody out of service: {status}");
        if board.config.state == ConfigState::Halted {
            assert_eq!((tried, board.restarts), (0, 0), "{board:#?}");
            assert!(status["Config"].as_str().unwrap().starts_with("Halted: taken back by "), "{status}");
            assert!(outcomes(&board).contains(&Outcome::Halted));
        }
    }
    let text = consul.ask("GET", "/v1/kv/lictor/svc/?recurse", b"").text();
    assert!(!text.contains(&base64("hello")), "a value stands in the fleet's folder");
    let shown = operator(&consul, &lictors[0], &[]);
    assert!(shown.contains("svc-b") && shown.contains("halted: change "), "{shown}");
    let released = operator(&consul, &lictors[0], &["release"]);
    assert!(released.starts_with("released change "), "{released}");
    eventually("the next one tries it, and takes it back as well", || {
        let reverted = |lictor: &&Lictor| lictor.board().config.state == ConfigState::Reverted;
        (lictors.iter().filter(reverted).count() == 2).then_some(())
    });
    consul.delete("billing/EXIT_CODE");
    for lictor in &lictors {
        lictor.until_good();
    }
}

/// For how many seconds the one before has had its turn, by a line that says so.
fn seconds_waited(line: &str) -> Option<u64> {
    let (_, queue) = line.split_once("Waits: for its turn: 1 before it; svc-")?;
    let (_, span) = queue.split_once(" on node-1 has it for ")?;
    span.split('s').next()?.parse().ok()
}

#[test]
fn who_waits_says_how_many_come_first_and_for_how_long() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    // Never ready: its trial lasts until its deadline.
    consul.put("billing/SICK", "1");
    let waiting = eventually("one of them waits for the other", || {
        let waits = |lictor: &&Lictor| seconds_waited(&message(&lictor.board())).is_some();
        lictors.iter().find(waits)
    });
    waiting
        .until("it has waited for longer", |board| seconds_waited(&message(board)).is_some_and(|seconds| seconds >= 2));
    let (_, status) = waiting.status();
    assert!(seconds_waited(status["Config"].as_str().unwrap()).is_some(), "{status}");
    let told = said(&waiting.cli("status", &[]));
    assert!(seconds_waited(&told).is_some(), "{told}");
    consul.delete("billing/SICK");
    for lictor in &lictors {
        lictor.until_good();
    }
}

#[test]
fn what_became_of_a_change_is_kept_for_each_host_and_outlives_its_lictor() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    consul.put("billing/EXIT_CODE", "3");
    let history = |name: &str| {
        let answer = consul.ask("GET", &format!("/v1/kv/lictor/svc/history/node-1,{name}?raw"), b"");
        (answer.code == 200).then(|| answer.json())
    };
    let told = |name: &str, what: &str| {
        let history = history(name)?;
        history["events"].as_array()?.iter().find(|event| event["what"] == what).cloned()
    };
    let (reverted, halted) = eventually("one host tells that it took it back, the other that it stopped on it", || {
        let either = |what| told("svc-a", what).or_else(|| told("svc-b", what));
        Some((either("reverted")?, either("halted")?))
    });
    let rollout = eventually("the halt", || keys(&consul, "lictor/svc/rollout/").pop());
    for event in [&reverted, &halted] {
        assert!(rollout.ends_with(event["change"].as_str().unwrap()), "{rollout}: {event}");
        assert_eq!(event["keys"], serde_json::json!(["EXIT_CODE"]));
    }
    assert!(reverted["steps"]["trial"].as_u64().unwrap() > 0, "{reverted}");
    let merged = operator(&consul, &lictors[0], &["history"]);
    assert!(merged.contains("reverted") && merged.contains("halted") && merged.contains("EXIT_CODE"), "{merged}");
    assert!(reverted["written"][0]["index"].as_u64().unwrap() > 0, "{reverted}");
    for lictor in &lictors {
        lictor.restart(Signal::TERM);
        lictor.until("up again", |board| board.healthy);
    }
    eventually("both are members again", || (keys(&consul, "lictor/svc/instances/").len() == 2).then_some(()));
    assert!(told("svc-a", "reverted").or_else(|| told("svc-b", "reverted")).is_some());
}

/// `lictor fleet` at this Consul: what it says.
pub fn operator(consul: &Consul, lictor: &Lictor, words: &[&str]) -> String {
    let (code, text) = asked(consul, lictor, &[words, &["--prefix", "lictor/svc"]].concat());
    assert_eq!(code, Some(0), "{text}");
    text
}

/// `lictor fleet` with these words: its exit code and what it says.
fn asked(consul: &Consul, lictor: &Lictor, words: &[&str]) -> (Option<i32>, String) {
    let mut command = lictor.setup().command("fleet");
    command.args(words).env("CONSUL_HTTP_ADDR", consul.address().to_string());
    let output = finish(command);
    (output.status.code(), said(&output))
}

#[test]
fn the_whole_fleet_is_asked_at_once_which_version_runs() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    let ask = |words: &[&str]| asked(&consul, &lictors[0], words);
    let version = lictors[0].board().build.running.version.unwrap();
    let validate = |timeout: &str, more: &[&str]| {
        ask(&[&["validate", "--name", "svc", "--version", &version, "--timeout", timeout], more].concat())
    };
    let (code, text) = validate("20s", &["--expect", "2"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text, format!("yes: 2 instances of svc run {version}, healthy on settled config\n"));
    // Nobody has registered them: the catalog alone knows of none.
    let (code, text) = validate("1s", &[]);
    assert!(code == Some(1) && text.contains("--expect"), "{text}");
    let (code, text) = ask(&["validate", "--name", "svc", "--version", "9", "--expect", "2", "--timeout", "1s"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(&format!("runs {version}"))
            && text.ends_with("no: 0 of 2 instances run 9, healthy on settled config\n"),
        "{text}"
    );
    // Without a name: every fleet.
    let (code, text) = ask(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.starts_with(&format!("svc: 2 of 2 on {version}; config")) && text.ends_with(": 2 good; halted: no\n"),
        "{text}"
    );
    // What was taken back on one host is a sure no, long before the time is over.
    consul.put("billing/EXIT_CODE", "3");
    let (code, text) = validate("60s", &["--expect", "2"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Reverted: ") || text.contains("Halted: "), "{text}");
    let whole = ask(&["svc"]).1;
    assert!(whole.contains("INSTANCE") && whole.contains("halted: 1"), "{whole}");
}

#[test]
fn a_watched_fleet_is_shown_anew_at_each_change() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a"], "");
    let mut command = lictors[0].setup().command("fleet");
    command.args(["svc", "--watch", "--json"]).env("CONSUL_HTTP_ADDR", consul.address().to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |state: &str| {
        lines.by_ref().map(Result::unwrap).find(|line| {
            let picture: serde_json::Value = serde_json::from_str(line).unwrap();
            picture["instances"][0]["state"] == state
        })
    };
    assert!(until("good").is_some());
    consul.put("billing/EXIT_CODE", "3");
    assert!(until("reverted").is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// `consul lock -n=2`, which holds one place of two for as long as it lives.
fn consul_lock(consul: &Consul) -> Child {
    let program = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
    Command::new(program)
        .args(["lock", "-n=2", "-http-addr", &consul.address().to_string(), "lictor/svc/turn", "sleep", "600"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn an_operators_consul_lock_takes_part() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a"], "  limit = 2\n");
    let mut locks = [consul_lock(&consul), consul_lock(&consul)];
    eventually("both places are taken", || {
        let lock = consul.ask("GET", "/v1/kv/lictor/svc/turn/.lock?raw", b"");
        (lock.code == 200 && lock.json()["Holders"].as_object()?.len() == 2).then_some(())
    });
    consul.put("billing/GREETING", "good day");
    let board = waits(&lictors[0], "for its turn: 1 before it; session ");
    assert_eq!(board.restarts, 0);
    locks[0].kill().unwrap();
    locks[0].wait().unwrap();
    // Its session is not ended by a kill: Consul ends it when it is not renewed.
    lictors[0].until_within(SESSION, "its turn has come", |board| is_good(board) && board.restarts == 1);
    locks[1].kill().unwrap();
    locks[1].wait().unwrap();
}

#[test]
fn a_holder_that_is_killed_is_waited_for_and_the_fleet_goes_on_when_it_is_back() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    // Never ready: its trial lasts until its deadline.
    consul.put("billing/SICK", "1");
    let holder = eventually("one of them has its turn", || {
        lictors.iter().find(|lictor| lictor.board().phase == Phase::Starting && lictor.board().restarts == 1)
    });
    let other = lictors.iter().find(|lictor| lictor.setup().folder() != holder.setup().folder()).unwrap();
    let before = pid(&other.board());
    holder.signal(Signal::KILL);
    holder.ended();
    let waiting = other.until("waits for the one that was killed", |board| {
        matches!(board.config.state, ConfigState::Pending | ConfigState::Halted) && board.config.message.is_some()
    });
    assert_eq!(pid(&waiting), before);
    consul.delete("billing/SICK");
    let board = other.board();
    assert_eq!(pid(&board), before, "its mark still stands: {}", message(&board));
    holder.start();
    for lictor in &lictors {
        lictor.until_within(SESSION, "good again", is_good);
    }
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        lictor.until_within(SESSION, "good on the next change", |board| {
            is_good(board) && lictor.value("GREETING").as_deref() == Some("good day")
        });
    }
}

#[test]
fn a_semaphore_that_somebody_else_wrote_is_said_and_lets_nobody_pass() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    consul.put("lictor/svc/turn/.lock", vec![b'x'; 500 << 10]);
    consul.put("lictor/svc/rollout/odd", b"\xff\0{");
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        let board = waits(lictor, "lictor/svc/turn/.lock is not a semaphore");
        assert_eq!(board.restarts, 0);
    }
    consul.delete("lictor/svc/turn/.lock");
    for lictor in &lictors {
        lictor.until("good", |board| is_good(board) && board.restarts == 1);
        assert!(lictor.log().contains("that no lictor wrote"), "{}", lictor.log());
    }
}

#[test]
fn a_second_lictor_with_the_id_of_another_says_so_and_stays_out() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a"], "");
    let twin = member(&consul, "svc-a", "");
    twin.until_good();
    // Before it wants anything, whoever looks sees it.
    let of_two = |problem: &String| problem.starts_with("another lictor is in the fleet as svc-a on ");
    twin.until("shown", |board| board.fleet.iter().any(of_two));
    consul.put("billing/GREETING", "good day");
    let board = waits(&twin, "another lictor is in the fleet as svc-a on ");
    assert_eq!(board.restarts, 0);
    lictors[0].until("the first one goes on", |board| is_good(board) && board.restarts == 1);
}

#[test]
fn a_fleet_that_is_held_waits_as_a_whole() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    let hold = operator(&consul, &lictors[0], &["hold", "the", "audit"]);
    assert!(hold.contains("held"), "{hold}");
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        assert_eq!(waits(lictor, "holds the whole fleet: the audit").restarts, 0);
    }
    assert!(operator(&consul, &lictors[0], &[]).contains("held as a whole by an operator: the audit"));
    operator(&consul, &lictors[0], &["unhold"]);
    for lictor in &lictors {
        lictor.until("good", |board| is_good(board) && board.restarts == 1);
    }
}

#[test]
fn without_consul_nothing_restarts_for_config() {
    let mut consul = Consul::with_data();
    let lictor = Setup::on_directory()
        .checked()
        .config(&format!("consul {{\n  address = \"{}\"\n}}\nfleet {{\n  min_passing = 0\n}}\n", consul.address()))
        .prepared();
    lictor.setup().write("GREETING", "hello");
    lictor.start();
    lictor.until_good();
    joined(&consul, 1);
    consul.kill();
    lictor.setup().write("GREETING", "good day");
    let board = waits(&lictor, "cannot be ");
    assert_eq!(board.restarts, 0);
    let alone = lictor.cli("retry", &["--alone"]);
    assert!(alone.status.success(), "{}", said(&alone));
    assert_eq!(lictor.until_good().restarts, 1);
    lictor.setup().write("GREETING", "good night");
    waits(&lictor, "cannot be ");
    consul.launch();
    lictor.until_within(SESSION, "Consul is back", |board| is_good(board) && board.restarts == 2);
}

#[test]
fn the_policy_that_is_shipped_is_enough() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    let shipped =
        |name: &str| std::fs::read_to_string(format!("{}/consul/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    consul.policy("lictor", &format!("{}\n{}", shipped("policy.hcl"), shipped("fleet.hcl")));
    let token = consul.token("lictor").secret;
    let lictor = Setup::on_consul(consul.address())
        .checked()
        .config(&format!(
            "name = \"billing\"\nconsul {{\n  token = \"{token}\"\n}}\nregistration {{\n  port = 8080\n}}\n\
             drain {{\n  wait = \"100ms\"\n  quiet = \"0s\"\n}}\nfleet {{\n  bake = \"0s\"\n}}\n"
        ))
        .start();
    lictor.until("in traffic", |board| is_good(board) && board.traffic == Some(TrafficState::In));
    lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    let board = lictor.until("back in traffic", |board| board.traffic == Some(TrafficState::In));
    assert_eq!(board.traffic_trouble, None, "nothing is missing for the registration either");
    assert_eq!(keys(&consul, "lictor/billing/instances/").len(), 1);
    consul.policy("lictor", &shipped("policy.hcl"));
    consul.put("billing/GREETING", "denied");
    waits(&lictor, "Permission denied");
}
