//! A start whose sources have not all answered: from those that have, and what the silent ones gave last.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use lictor::machine::board::{ConfigState, Phase};
use rustix::process::Signal;

use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup, eventually};

/// A service that is up on Consul and, after it, a directory; lictor has ended since, and so has Consul.
fn stopped(consul: &mut Consul) -> Lictor {
    consul.put("billing/GREETING", "hello");
    consul.put("billing/COLOUR", "red");
    let setup = Setup::on_consul(consul.address()).checked();
    std::fs::create_dir(setup.path("conf.d")).unwrap();
    setup.write("FROM_FILE", "before");
    let retry = "consul {\n  retry {\n    max_backoff = \"500ms\"\n  }\n}\n";
    let directory = format!("{retry}directory {{\n  path = \"{}\"\n}}\n", setup.path("conf.d").display());
    let lictor = setup.config(&directory).start();
    lictor.until_good();
    consul.kill();
    lictor.signal(Signal::TERM);
    lictor.ended();
    lictor
}

#[test]
fn a_source_that_is_silent_contributes_what_it_gave_last() {
    let mut consul = Consul::with_data();
    let lictor = stopped(&mut consul);
    lictor.setup().write("FROM_FILE", "after");
    lictor.start();
    let board = lictor.until("healthy without Consul", |board| {
        board.healthy && board.phase == Phase::Up && board.config.state == ConfigState::Good
    });
    let value = |name: &str| lictor.value(name);
    assert_eq!((value("GREETING").as_deref(), value("FROM_FILE").as_deref()), (Some("hello"), Some("after")));
    let message = board.config.message.unwrap_or_default();
    assert!(message.starts_with("Stale since ") && message.contains("consul billing/"), "{message}");
    assert_eq!(lictor.runs().len(), 2, "it was started once with both, not twice");
    lictor.setup().write("FROM_FILE", "later");
    lictor.until("a change of what answers", |board| is_good(board) && value("FROM_FILE").as_deref() == Some("later"));

    consul.launch();
    let board = lictor.until("fresh", |board| board.config.message.is_none() && is_good(board));
    let runs = lictor.runs().len();
    assert_eq!((value("COLOUR").as_deref(), runs), (Some("red"), 3), "the same values restart nothing: {board:#?}");
    lictor.until_applied(|| consul.put("billing/COLOUR", "blue"));
    assert_eq!(value("COLOUR").as_deref(), Some("blue"));
}

#[test]
fn what_is_remembered_is_guarded_like_what_was_read() {
    let mut consul = Consul::with_data();
    let lictor = stopped(&mut consul);
    lictor.setup().write("FROM_FILE", "after");
    lictor.start();
    let before = lictor.until("healthy without Consul", |board| board.healthy && board.phase == Phase::Up);
    consul.launch();
    consul.ask("DELETE", "/v1/kv/billing/?recurse", b"");
    let board = lictor.until("held", |board| board.config.state == ConfigState::Held);
    assert_eq!(board.config.fingerprint, before.config.fingerprint);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
}

/// Started without Consul, with this in a file of its configuration, it starts nothing, and the log says why.
fn starts_nothing(lictor: &Lictor, file: &Path, config: &str, why: &str) {
    let (runs, told) = (lictor.runs().len(), lictor.log().matches(why).count());
    fs::write(file, config).unwrap();
    lictor.start_as(again(lictor));
    eventually("the reason is told", || (lictor.log().matches(why).count() > told).then_some(()));
    let board = lictor.until("asked in vain", |board| board.sources[0].freshness.errors >= 3);
    assert_eq!((board.config.state, board.process), (ConfigState::Waiting, None));
    assert_eq!((lictor.runs().len(), lictor.status().0), (runs, 503));
    lictor.signal(Signal::TERM);
    lictor.ended();
}

/// `lictor run` on the files as they are now: the harness would write its own.
fn again(lictor: &Lictor) -> Command {
    let mut command = lictor.setup().command("run");
    for number in 0..5 {
        command.arg("-c").arg(lictor.setup().path(&format!("{number}.hcl")));
    }
    command
}

/// With the grace over at once.
const NOW: &str = "state {\n  boot_grace = \"1ms\"\n}\nconsul {\n  retry {\n    backoff = \"10ms\"\n    max_backoff = \"50ms\"\n  }\n}\n";

#[test]
fn what_is_too_old_or_belongs_elsewhere_is_not_used() {
    let mut consul = Consul::with_data();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().config(NOW).config("").start();
    lictor.until_good();
    consul.kill();
    lictor.signal(Signal::TERM);
    lictor.ended();
    let file = lictor.setup().path("4.hcl");
    for (config, why) in [
        ("state {\n  max_age = \"1ms\"\n}\n", "are older than 1ms (state.max_age) and are not used"),
        ("name = \"other\"\n", "good.json is not used"),
        ("prefix {\n  path = \"more/\"\n}\n", "good.json is not used"),
        ("consul {\n  address = \"127.0.0.1:1\"\n}\n", "good.json is not used"),
    ] {
        starts_nothing(&lictor, &file, config, why);
    }
    // The same again is used.
    fs::write(&file, "").unwrap();
    lictor.start_as(again(&lictor));
    lictor.until("healthy without Consul", |board| board.healthy && board.phase == Phase::Up);
}

#[test]
fn a_directory_of_another_owner_is_told_and_not_used() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    // Who is not root has no directory to give away, but can name one of root's.
    let setup = if rustix::process::geteuid().is_root() {
        fs::create_dir(setup.path("state")).unwrap();
        chown(setup.path("state"), Some(65534), None).unwrap();
        setup
    } else {
        setup.config("state {\n  directory = \"/\"\n}\n")
    };
    let lictor = setup.start();
    let board = lictor.until_good();
    assert!(board.disk.is_some_and(|why| why.contains("belongs to uid")), "it is on the board");
    assert!(lictor.log().contains("belongs to uid"), "{}", lictor.log());
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
}
