//! A start whose sources have not all answered: from those that have, and what the silent ones gave last.

use lictor::machine::board::{ConfigState, Phase};
use rustix::process::Signal;

use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup};

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
