//! Whenever lictor itself ends and is started again, the host arrives at the newest good wish, with one service.

use lictor::machine::board::{ConfigState, Phase};
use rustix::process::Signal;

use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup};

const WAYS: [Signal; 2] = [Signal::TERM, Signal::KILL];

fn greeted(consul: &Consul) -> Setup {
    consul.put("billing/GREETING", "hello");
    Setup::on_consul(consul.address()).checked()
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
fn while_a_wish_is_taken_back() {
    for way in WAYS {
        let consul = Consul::start();
        let lictor = greeted(&consul).config("apply {\n  min_healthy = \"2s\"\n}\n").start();
        let good = lictor.until_good();
        consul.put("billing/EXIT_CODE", "1");
        lictor.until("on the way back", |board| board.config.state == ConfigState::Reverted);
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
