//! Whenever lictor itself ends and is started again, the host arrives at the newest good wish, with one service.

use lictor::machine::Board;
use lictor::machine::board::{ConfigState, Phase, StepName};
use rustix::process::Signal;

use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup};

const WAYS: [Signal; 2] = [Signal::TERM, Signal::KILL];

fn greeted(consul: &Consul) -> Setup {
    consul.put("billing/GREETING", "hello");
    Setup::on_consul(consul.address()).checked()
}

fn at_step(board: &Board, step: StepName) -> bool {
    board.candidate.as_ref().is_some_and(|candidate| candidate.step == step)
}

/// Healthy on this greeting, and no second service beside it.
fn arrives_at(lictor: &Lictor, greeting: &str) {
    let board = lictor.until(&format!("healthy on {greeting}"), |board| {
        is_good(board) && lictor.value("GREETING").as_deref() == Some(greeting)
    });
    let running = lictor.service_processes();
    assert_eq!(running.len(), 1, "one service, not {running:?}\n{board:#?}\n{}", lictor.log());
    assert_eq!(board.process.unwrap().pid, Some(running[0].pid));
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn while_it_waits_for_its_sources() {
    for way in WAYS {
        let mut consul = Consul::absent();
        let lictor = Setup::on_consul(consul.address()).checked().start();
        lictor.until("waiting", |board| board.config.state == ConfigState::Waiting && board.process.is_none());
        lictor.restart(way);
        consul.launch();
        consul.put("billing/GREETING", "hello");
        arrives_at(&lictor, "hello");
    }
}

#[test]
fn while_the_service_starts() {
    for way in WAYS {
        let consul = Consul::start();
        consul.put("billing/SLOW_START", "1h");
        let lictor = greeted(&consul).config("apply {\n  deadline = \"1h\"\n}\n").start();
        lictor.until("starting", |board| {
            board.phase == Phase::Starting && board.process.as_ref().is_some_and(|it| it.pid.is_some())
        });
        lictor.restart(way);
        lictor.until("starting again", |board| board.phase == Phase::Starting);
        consul.delete("billing/SLOW_START");
        arrives_at(&lictor, "hello");
    }
}

#[test]
fn while_the_service_is_up() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).start();
        lictor.until_good();
        lictor.restart(way);
        arrives_at(&lictor, "hello");
        lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_a_wish_is_on_trial() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).config("apply {\n  min_healthy = \"2s\"\n  deadline = \"10s\"\n}\n").start();
        lictor.until_good();
        consul.put("billing/GREETING", "good day");
        lictor.until("on trial", |board| board.config.state == ConfigState::Trial);
        lictor.restart(way);
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_a_change_settles() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).config("wait {\n  min = \"3s\"\n  max = \"6s\"\n}\n").start();
        lictor.until_good();
        consul.put("billing/GREETING", "good day");
        lictor.until("settling", |board| at_step(board, StepName::Settling));
        lictor.restart(way);
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_the_old_process_is_stopped() {
    for way in WAYS {
        let consul = Consul::start();
        consul.put("billing/SLOW_STOP", "1500ms");
        let lictor = greeted(&consul).config("exec {\n  kill_timeout = \"10s\"\n}\n").start();
        lictor.until_good();
        consul.put("billing/GREETING", "good day");
        lictor.until("stopping", |board| board.phase == Phase::Stopping && at_step(board, StepName::Switched));
        lictor.restart(way);
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_the_old_process_ignores_term() {
    for way in WAYS {
        let consul = Consul::start();
        consul.put("billing/IGNORE_TERM", "1");
        let lictor = greeted(&consul).start();
        lictor.until_good();
        consul.put("billing/GREETING", "good day");
        lictor.until("stopping", |board| board.phase == Phase::Stopping && at_step(board, StepName::Switched));
        lictor.restart(way);
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_it_stops_itself() {
    let consul = Consul::start();
    consul.put("billing/IGNORE_TERM", "1");
    let lictor = greeted(&consul).config("exec {\n  kill_timeout = \"1h\"\n}\n").start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.until("the stop has begun", |board| board.stopping && board.phase == Phase::Stopping);
    lictor.restart(Signal::KILL);
    arrives_at(&lictor, "hello");
}

#[test]
fn while_an_operator_holds() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).start();
        lictor.until_good();
        assert!(lictor.cli("hold", &["night"]).status.success());
        consul.put("billing/GREETING", "good day");
        let held = |board: &Board| board.config.state == ConfigState::Held && board.healthy;
        lictor.until("held", held);
        lictor.restart(way);
        lictor.until("held again", held);
        assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
        assert!(lictor.cli("unhold", &[]).status.success());
        arrives_at(&lictor, "good day");
    }
}

#[test]
fn while_the_guard_holds() {
    const KEYS: [&str; 4] = ["billing/A", "billing/B", "billing/C", "billing/D"];
    for way in WAYS {
        let consul = Consul::start();
        for key in KEYS {
            consul.put(key, "x");
        }
        let lictor = greeted(&consul).start();
        lictor.until_good();
        for key in KEYS {
            consul.delete(key);
        }
        let held = |board: &Board| board.config.state == ConfigState::Held && board.healthy;
        lictor.until("held", held);
        lictor.restart(way);
        lictor.until("held again", held);
        assert_eq!(lictor.value("A").as_deref(), Some("x"));
        consul.put("billing/GREETING", "good day");
        for key in KEYS {
            consul.put(key, "x");
        }
        arrives_at(&lictor, "good day");
        assert_eq!(lictor.value("A").as_deref(), Some("x"));
    }
}

#[test]
fn while_a_wish_is_taken_back() {
    for way in WAYS {
        let consul = Consul::start();
        // What is gone back to takes a second to get healthy.
        consul.put("billing/SLOW_START", "1s");
        let lictor = greeted(&consul).config("apply {\n  deadline = \"10s\"\n}\n").start();
        let good = lictor.until_good();
        consul.put("billing/EXIT_CODE", "1");
        lictor.until("on the way back", |board| at_step(board, StepName::Reverting));
        lictor.restart(way);
        let board = lictor.until_reverted_to(good.config.fingerprint);
        assert!(!board.config.quarantine.is_empty(), "{:#?}", board.config);
        assert_eq!(lictor.status().0, 200);
        consul.delete("billing/EXIT_CODE");
        arrives_at(&lictor, "hello");
    }
}

#[test]
fn when_a_wish_has_been_taken_back() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).start();
        let good = lictor.until_good();
        consul.put("billing/EXIT_CODE", "1");
        lictor.until_reverted_to(good.config.fingerprint);
        lictor.restart(way);
        lictor.until_reverted_to(good.config.fingerprint);
        assert_eq!(lictor.status().0, 200);
        consul.delete("billing/EXIT_CODE");
        arrives_at(&lictor, "hello");
    }
}

#[test]
fn while_it_backs_off() {
    for way in WAYS {
        let consul = Consul::start();
        consul.put("billing/EXIT_CODE", "1");
        let lictor = greeted(&consul).config("crash {\n  backoff = \"1h\"\n  max_backoff = \"1h\"\n}\n").start();
        lictor.until("backing off", |board| board.phase == Phase::BackingOff);
        lictor.restart(way);
        lictor.until("backing off again", |board| board.phase == Phase::BackingOff);
        consul.delete("billing/EXIT_CODE");
        arrives_at(&lictor, "hello");
    }
}

#[test]
fn without_consul_it_comes_back_on_the_last_good_environment() {
    for way in WAYS {
        let mut consul = Consul::with_data();
        let lictor = greeted(&consul).start();
        lictor.until_good();
        consul.kill();
        lictor.restart(way);
        lictor.until("healthy without Consul", |board| board.healthy && board.phase == Phase::Up);
        assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
        assert_eq!(lictor.status().0, 200);
        consul.launch();
        lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
        arrives_at(&lictor, "good day");
    }
}
