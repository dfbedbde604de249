use std::time::Duration;

use super::{Announced, Seen, Sign, Terms};
use crate::machine::Board;
use crate::machine::board::sample::board;
use crate::notify::reload::Progress;

const TERMS: Terms = Terms {
    watchdog: Some(Duration::from_secs(30)),
    period: Duration::from_secs(1),
    deadline: Duration::from_secs(90),
};

/// A manager's ear.
struct Ear {
    told: Announced,
    terms: Terms,
    reloads: Progress,
}

impl Ear {
    fn new() -> Self {
        Self { told: Announced::default(), terms: TERMS, reloads: Progress::default() }
    }

    /// One that has heard that the service is up.
    fn of_ready() -> Self {
        let mut ear = Self::new();
        assert_eq!(
            ear.hears(0, Sign::News, &board()),
            ["READY=1\nSTATUS=billing 1.214 up, healthy; config 3f9a0c12be77 good\n"]
        );
        ear
    }

    /// What it hears at this second.
    fn hears(&mut self, second: u64, sign: Sign, board: &Board) -> Vec<String> {
        let after = Duration::from_secs(second);
        let seen = Seen { after, monotonic_usec: 42, sign, board, reloads: self.reloads };
        let (told, messages) = self.told.news(&self.terms, &seen);
        self.told = told;
        messages
    }

    /// The seconds at which it hears this line, if a pulse comes each second.
    fn seconds_of(&mut self, line: &str, seconds: std::ops::Range<u64>, board: &Board) -> Vec<u64> {
        let heard = seconds.filter(|&second| {
            self.hears(second, Sign::Pulse, board).iter().any(|message| message.lines().any(|heard| heard == line))
        });
        heard.collect()
    }
}

fn sick() -> Board {
    Board { healthy: false, ..board() }
}

const MORE_TIME: &str = "EXTEND_TIMEOUT_USEC=30000000";

#[test]
fn ready_is_told_once_when_the_service_is_first_healthy() {
    let mut ear = Ear::new();
    assert_eq!(ear.seconds_of("READY=1", 0..5, &sick()), [0; 0]);
    assert_eq!(ear.seconds_of("READY=1", 5..20, &board()), [5]);
    assert_eq!(ear.seconds_of("READY=1", 20..30, &sick()), [0; 0]);
    assert_eq!(ear.seconds_of("READY=1", 30..200, &board()), [0; 0]);
}

#[test]
fn at_the_deadline_the_start_is_over_with_the_reason() {
    let mut ear = Ear::new();
    assert_eq!(ear.seconds_of("READY=1", 0..100, &sick()), [90]);
    let mut told = Ear::new();
    let messages = told.hears(90, Sign::News, &sick());
    assert_eq!(messages, ["READY=1\nSTATUS=billing 1.214 up, not healthy; config 3f9a0c12be77 good\n"]);
}

#[test]
fn more_time_is_asked_for_until_ready_and_again_while_stopping() {
    let mut ear = Ear::new();
    assert_eq!(ear.seconds_of(MORE_TIME, 0..12, &sick()), [0, 5, 10]);
    assert_eq!(ear.seconds_of(MORE_TIME, 12..40, &board()), [0; 0]);
    let stopping = Board { stopping: true, ..board() };
    assert_eq!(
        ear.hears(40, Sign::News, &stopping),
        [format!("STOPPING=1\n{MORE_TIME}\nSTATUS=billing 1.214 up, healthy\n")]
    );
    assert_eq!(ear.seconds_of(MORE_TIME, 41..52, &stopping), [45, 50]);
}

#[test]
fn the_watchdog_is_pinged_within_half_its_interval() {
    let mut ear = Ear::of_ready();
    assert_eq!(ear.seconds_of("WATCHDOG=1", 1..46, &board()), [1, 15, 29, 43]);
    ear.terms.watchdog = Some(Duration::from_secs(2));
    assert_eq!(ear.seconds_of("WATCHDOG=1", 46..49, &board()), [46, 47, 48]);
    ear.terms.watchdog = None;
    assert_eq!(ear.seconds_of("WATCHDOG=1", 49..200, &board()), [0; 0]);
}

#[test]
fn without_a_pulse_nothing_is_claimed() {
    let mut ear = Ear::new();
    ear.hears(0, Sign::News, &sick());
    assert_eq!(ear.hears(80, Sign::News, &sick()), [""; 0], "neither a ping nor more time");
    let mut ear = Ear::of_ready();
    assert_eq!(ear.hears(80, Sign::News, &board()), [""; 0]);
}

#[test]
fn the_status_is_told_only_when_it_has_changed() {
    let mut ear = Ear::of_ready();
    assert_eq!(ear.hears(1, Sign::News, &board()), [""; 0]);
    let mut reverted = board();
    reverted.config.message = Some("Reverted: it was bad".to_owned());
    let line = "STATUS=billing 1.214 up, healthy; Reverted: it was bad\n";
    assert_eq!(ear.hears(2, Sign::News, &reverted), [line]);
    assert_eq!(ear.hears(3, Sign::News, &reverted), [""; 0]);
}

#[test]
fn a_reload_begins_and_ends_however_short() {
    let mut ear = Ear::of_ready();
    let begin = "RELOADING=1\nMONOTONIC_USEC=42\n";
    ear.reloads = Progress { begun: 1, ended: 0 };
    assert_eq!(ear.hears(1, Sign::News, &board()), [begin]);
    assert_eq!(ear.hears(2, Sign::News, &board()), [""; 0]);
    ear.reloads = Progress { begun: 2, ended: 1 };
    assert_eq!(ear.hears(3, Sign::News, &board()), [begin], "one more has begun before the end");
    ear.reloads = Progress { begun: 2, ended: 2 };
    assert_eq!(ear.hears(4, Sign::News, &board()), ["READY=1\n"]);
    ear.reloads = Progress { begun: 3, ended: 3 };
    assert_eq!(ear.hears(5, Sign::News, &board()), [begin, "READY=1\n"], "over before it was seen");
}

#[test]
fn a_reload_before_the_start_is_over_is_no_readiness() {
    let mut ear = Ear::new();
    ear.hears(0, Sign::News, &sick());
    ear.reloads = Progress { begun: 1, ended: 1 };
    assert_eq!(ear.hears(1, Sign::News, &sick()), [""; 0]);
    ear.reloads = Progress { begun: 2, ended: 1 };
    assert_eq!(ear.hears(2, Sign::News, &sick()), [""; 0]);
    assert_eq!(ear.hears(3, Sign::News, &board()).len(), 1, "ready, and nothing of the reload");
    ear.reloads = Progress { begun: 2, ended: 2 };
    assert_eq!(ear.hears(4, Sign::News, &board()), [""; 0]);
}

#[test]
fn what_ends_before_it_was_ready_never_was() {
    let mut ear = Ear::new();
    let stopping = Board { stopping: true, ..board() };
    let messages = ear.hears(1, Sign::News, &stopping);
    assert!(messages[0].starts_with("STOPPING=1\n") && !messages[0].contains("READY"), "{messages:?}");
    assert_eq!(ear.hears(100, Sign::News, &stopping), [""; 0]);
}
