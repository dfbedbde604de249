//! lictor is killed two hundred times, at random points of the road. After each time it arrives where it should, what it
//! keeps on disk can be read, and neither quarantine nor holds are forgotten.
//!
//! `LICTOR_SEED=n` throws the same dice again; when a test fails, its output names the seed.

use std::fs;
use std::time::Duration;

use fastrand::Rng;
use lictor::environment::Fingerprint;
use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::client::Request;
use crate::harness::lictor::{is_good, pid};
use crate::harness::{Consul, Lictor, Setup, eventually};

/// So many hosts are killed side by side, each so often.
const HOSTS: u64 = 4;
const KILLS: usize = 50;

/// The longest time between two kills, in microseconds: about as long as a change takes from end to end.
const LONGEST: u64 = 150_000;

const KEYS: usize = 5;

const QUICK: &str = "wait {\n  min = \"5ms\"\n  max = \"50ms\"\n}\napply {\n  min_healthy = \"60ms\"\n}\n\
                     crash {\n  backoff = \"10ms\"\n  max_backoff = \"100ms\"\n}\n";

/// A lictor, what its folder of Consul holds, and what has become of its kills.
struct Host<'a> {
    consul: &'a Consul,
    folder: String,
    lictor: Lictor,
    dice: Rng,
    kills: usize,
    greeting: usize,
    /// The service and its environment, the last time that all was well.
    good: Option<(u32, Fingerprint)>,
}

#[test]
fn after_each_kill_it_arrives_and_nothing_that_was_kept_is_forgotten() {
    let seed = std::env::var("LICTOR_SEED").map_or(5, |seed| seed.parse().unwrap());
    println!("LICTOR_SEED={seed}");
    let consul = Consul::start();
    let kills: usize = std::thread::scope(|scope| {
        let hosts: Vec<_> = (0..HOSTS)
            .map(|host| {
                scope.spawn({
                    let consul = &consul;
                    move || Host::new(consul, seed, host).live()
                })
            })
            .collect();
        hosts.into_iter().map(|host| host.join().unwrap()).sum()
    });
    assert!(kills >= 200, "only {kills} kills");
}

impl<'a> Host<'a> {
    fn new(consul: &'a Consul, seed: u64, number: u64) -> Self {
        let folder = format!("host{number}/");
        let lictor = Setup::on_folder(consul.address(), &folder).checked().config(QUICK).prepared();
        let dice = Rng::with_seed(seed ^ number.rotate_right(8));
        Self { consul, folder, lictor, dice, kills: 0, greeting: 0, good: None }
    }

    /// One episode after the other, until it has been killed often enough; says how often.
    fn live(mut self) -> usize {
        self.fill();
        self.lictor.start();
        self.arrives_at_the_greeting();
        while self.kills < KILLS {
            match self.dice.u8(0..4) {
                0 => self.a_change_is_applied(),
                1 => self.a_bad_change_stays_in_quarantine(),
                2 => self.a_hold_stands(),
                _ => self.a_wipe_is_held_until_it_is_whole(),
            }
        }
        self.kills
    }

    fn a_change_is_applied(&mut self) {
        self.greet();
        self.is_killed_often();
        self.arrives_at_the_greeting();
    }

    fn a_bad_change_stays_in_quarantine(&mut self) {
        let (_, good) = self.good.unwrap();
        self.put("EXIT_CODE", "1");
        self.is_killed_often();
        let reverted = self.lictor.until_reverted_to(Some(good));
        assert!(reverted.config.quarantine.iter().any(|held| Some(held.environment) == reverted.config.wish));
        let tried = self.tries();
        self.is_killed();
        self.lictor.until_reverted_to(Some(good));
        assert_eq!(self.tries(), tried, "what is in quarantine is not started");
        self.consul.delete(&self.key("EXIT_CODE"));
        self.is_killed_often();
        self.arrives_at_the_greeting();
    }

    fn a_hold_stands(&mut self) {
        let before = self.good;
        self.verb("hold");
        self.is_killed_often();
        self.greet();
        self.is_killed_often();
        let held = |board: &Board| board.config.state == ConfigState::Held && board.healthy && board.hold.is_some();
        let board = self.lictor.until("held by an operator", held);
        assert_eq!(Some((pid(&board), board.config.fingerprint.unwrap())), before, "nothing was touched");
        self.verb("unhold");
        self.is_killed_often();
        self.arrives_at_the_greeting();
    }

    fn a_wipe_is_held_until_it_is_whole(&mut self) {
        let before = self.good;
        self.consul.ask("DELETE", &format!("/v1/kv/{}?recurse", self.folder), b"");
        self.is_killed_often();
        let held = |board: &Board| board.config.state == ConfigState::Held && board.healthy;
        self.lictor.until("held by the guard", held);
        for number in 0..KEYS {
            self.put(&format!("KEY_{number}"), "x");
            if self.dice.bool() {
                self.is_killed();
            }
        }
        // But for the greeting it is whole.
        self.is_killed();
        self.lictor.until("still held by the guard", held);
        self.put("GREETING", &self.greeting.to_string());
        self.is_killed();
        self.arrives_at_the_greeting();
        assert_eq!(self.good, before, "nothing was touched");
    }

    /// All is well, on what was wanted last, with one service.
    fn arrives_at_the_greeting(&mut self) {
        let wanted = self.greeting.to_string();
        let board = self.lictor.until(&format!("healthy on {wanted}"), |board| {
            is_good(board) && self.lictor.value("GREETING").as_deref() == Some(&wanted)
        });
        let running = self.lictor.service_processes();
        assert_eq!(running.len(), 1, "one service, not {running:?}\n{}", self.lictor.log());
        self.good = Some((pid(&board), board.config.fingerprint.unwrap()));
    }

    fn is_killed_often(&mut self) {
        for _ in 0..self.dice.usize(1..4) {
            self.is_killed();
        }
    }

    fn is_killed(&mut self) {
        pause(Duration::from_micros(self.dice.u64(0..LONGEST)));
        self.lictor.signal(Signal::KILL);
        self.lictor.ended();
        self.kills += 1;
        self.can_be_read();
        self.lictor.start();
    }

    /// Every file in the state directory that has its final name is whole.
    fn can_be_read(&self) {
        let state = self.lictor.setup().path("state");
        for name in ["good.json", "quarantine.json", "hold.json", "process.json"] {
            let Ok(contents) = fs::read(state.join(name)) else { continue };
            let read = serde_json::from_slice::<Value>(&contents);
            assert!(read.is_ok(), "{name} after {} kills: {}", self.kills, String::from_utf8_lossy(&contents));
        }
        let history = fs::read_to_string(state.join("history.jsonl")).unwrap_or_default();
        let whole = history.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        assert!(whole.into_iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{history}");
        assert!(!self.lictor.log().contains("is not used"), "{}", self.lictor.log());
    }

    /// How often the service was started on what is bad.
    fn tries(&self) -> usize {
        self.lictor.runs().iter().filter(|run| run["env"]["EXIT_CODE"] == "1").count()
    }

    fn fill(&self) {
        (0..KEYS).for_each(|number| self.put(&format!("KEY_{number}"), "x"));
        self.put("GREETING", &self.greeting.to_string());
    }

    fn greet(&mut self) {
        self.greeting += 1;
        self.put("GREETING", &self.greeting.to_string());
    }

    fn put(&self, key: &str, value: &str) {
        self.consul.put(&self.key(key), value);
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    fn verb(&self, verb: &str) {
        let path = format!("/verb/{verb}");
        let request = Request { method: "POST", path: &path, headers: &[], body: b"{}" };
        let socket = self.lictor.setup().path("admin.sock");
        let answer = eventually("lictor takes the verb", || request.unix(&socket).ok());
        assert_eq!(answer.code, 200, "{verb}: {}", answer.text());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a kill at a random time is what this is about; nothing relies on its length"
)]
fn pause(length: Duration) {
    std::thread::sleep(length);
}
