//! `lictor plan -c FILE` while no lictor runs: the sources are asked once, and what they say is compared with the newest
//! good environment of the state directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::lictor::{finish, said};
use crate::harness::{Consul, Lictor, Setup};

const KEYS: &str = "key \"LEVEL\" {\n  on_change = \"reload\"\n}\nkey \"NOTE\" {\n  on_change = \"ignore\"\n}\n\
                    key \"GREETING\" {\n  public = true\n}\nkey \"PORT\" {\n  type = \"port\"\n}\n";

/// A lictor that was good on six keys, and has ended.
fn up(consul: &Consul) -> Lictor {
    for (key, value) in
        [("GREETING", "hello"), ("PASSWORD", "hunter2"), ("LEVEL", "info"), ("NOTE", "a"), ("X", "1"), ("Y", "2")]
    {
        consul.put(&format!("billing/{key}"), value);
    }
    let lictor = Setup::on_consul(consul.address()).checked().config(KEYS).start();
    lictor.until_good();
    lictor
}

fn end(lictor: &Lictor) {
    lictor.signal(Signal::TERM);
    lictor.ended();
}

/// The plan as people read it and as programs do, and what `--exit-code` ends with.
fn plan(lictor: &Lictor) -> (String, Value, i32) {
    let run = |word: &str| {
        let mut command = lictor.setup().configured("plan");
        command.args(Some(word).filter(|word| !word.is_empty()));
        finish(command)
    };
    let (text, json, coded) = (run(""), run("--json"), run("--exit-code"));
    let all = said(&text) + &said(&json);
    assert!(!all.contains("hunter"), "a secret in {all}");
    (said(&text), serde_json::from_slice(&json.stdout).unwrap_or_default(), coded.status.code().unwrap())
}

/// What is in the state directory.
fn kept(lictor: &Lictor) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(lictor.setup().path("state")).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn each_change_says_what_it_would_take() {
    let consul = Consul::start();
    let lictor = up(&consul);
    end(&lictor);
    let before = kept(&lictor);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str(), json["basis"].as_str()), (0, Some("nothing"), Some("kept")), "{text}");
    assert!(text.contains("no changes; no lictor runs"), "{text}");
    for (key, value, action, effect, code) in [
        ("NOTE", "b", "nothing", "ignore", 0),
        ("LEVEL", "debug", "reload", "reload", 3),
        ("GREETING", "good day", "restart", "restart", 3),
        ("PASSWORD", "hunter22", "restart", "restart", 3),
    ] {
        consul.put(&format!("billing/{key}"), value);
        let (text, json, found) = plan(&lictor);
        assert_eq!(
            (found, json["action"].as_str(), json["effect"].as_str()),
            (code, Some(action), Some(effect)),
            "{text}"
        );
        assert!(text.contains(key), "{text}");
    }
    let (text, ..) = plan(&lictor);
    assert!(text.contains("hello -> good day") && text.contains("(7 bytes) -> "), "{text}");
    assert_eq!(kept(&lictor), before, "nothing is written");
}

#[test]
fn what_would_be_rejected_or_held_is_said() {
    let consul = Consul::start();
    let lictor = up(&consul);
    end(&lictor);
    consul.put("billing/PORT", "hunter");
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (1, Some("rejected")), "{text}");
    assert!(text.contains("  !  PORT"), "{text}");

    consul.ask("DELETE", "/v1/kv/billing/?recurse", b"");
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (3, Some("held")), "{text}");
    assert!(text.contains("consul billing/ lost 6 of 6 keys") && text.contains("6 to remove"), "{text}");
}

#[test]
fn what_an_operator_holds_and_what_is_in_quarantine_is_known() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let good = lictor.board().config.fingerprint;
    consul.put("billing/EXIT_CODE", "1");
    lictor.until_reverted_to(good);
    end(&lictor);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (1, Some("quarantined")), "{text}");
    assert!(text.contains("exited with 1") && text.contains("+  EXIT_CODE"), "{text}");

    lictor.start();
    lictor.until_reverted_to(good);
    assert_eq!(lictor.cli("hold", &["night", "shift"]).status.code(), Some(0));
    end(&lictor);
    consul.delete("billing/EXIT_CODE");
    consul.put("billing/GREETING", "good day");
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (3, Some("held")), "{text}");
    assert!(text.contains("night shift") && text.contains("hello -> good day"), "{text}");
}

#[test]
fn while_a_lictor_runs_that_one_is_asked() {
    let consul = Consul::start();
    let lictor = up(&consul);
    assert_eq!(lictor.cli("hold", &["night"]).status.code(), Some(0));
    consul.put("billing/GREETING", "good day");
    lictor.until("held", |board| board.config.message.is_some());
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str(), json["basis"].as_str()), (3, Some("held"), Some("running")), "{text}");
}

#[test]
fn a_first_start_is_all_new_and_makes_nothing() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().config(KEYS).prepared();
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str()), (3, Some("restart")), "{text}");
    assert!(text.contains("+  GREETING") && text.contains("nothing good is kept"), "{text}");
    assert!(!lictor.setup().path("state").exists() && !lictor.setup().path("runs").exists());
}

#[test]
fn sources_that_do_not_answer_are_69_and_a_wrong_configuration_is_78() {
    let consul = Consul::absent();
    let lictor = Setup::on_consul(consul.address()).checked().prepared();
    let output = finish(lictor.setup().configured("plan"));
    assert_eq!(output.status.code(), Some(69), "{}", said(&output));
    assert!(said(&output).contains("consul billing/ has not answered"), "{}", said(&output));

    let wrong = Setup::on_consul(consul.address()).config("guard {\n  empty = 7\n}\n");
    let output = finish(wrong.configured("plan"));
    assert_eq!((output.status.code(), said(&output).contains("1.hcl:2")), (Some(78), true), "{}", said(&output));
}

#[test]
fn root_asks_for_a_service_whose_user_owns_the_state_directory() {
    if !rustix::process::geteuid().is_root() {
        println!("needs root, to be somebody else");
        return;
    }
    let consul = Consul::start();
    let lictor = up(&consul);
    end(&lictor);
    let state = lictor.setup().path("state");
    let entries = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    for path in entries.chain([state.clone()]) {
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    consul.put("billing/GREETING", "good day");
    let before = kept(&lictor);
    let (text, json, code) = plan(&lictor);
    assert_eq!((code, json["action"].as_str(), json["basis"].as_str()), (3, Some("restart"), Some("kept")), "{text}");
    assert!(text.contains("hello -> good day"), "against what was good: {text}");
    assert_eq!(kept(&lictor), before);
    // To run on it would be to write what that user may have planted.
    lictor.start();
    lictor.until_good();
    assert!(lictor.log().contains("belongs to uid 65534"), "{}", lictor.log());
    assert_eq!(kept(&lictor), before, "nothing is kept there");
}

#[test]
fn what_is_kept_and_cannot_be_used_is_said() {
    let consul = Consul::start();
    let lictor = up(&consul);
    end(&lictor);
    fs::write(lictor.setup().path("state/good.json"), "[").unwrap();
    let (text, _, code) = plan(&lictor);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("good.json is not used") && text.contains("+  GREETING") && text.contains("0 to change"),
        "{text}"
    );
}
