//! Recorded logs replay to the orders that were given when they were recorded (law 7, over time and releases).
//!
//! A log is a file of JSON lines in `logs/`. The first line is what the machine was made with (`Made`); every other
//! line is one event, when it happened, and the orders that came of it (`Logged`). There is no value in it. If the
//! machine decides otherwise, or an order has another form, a log differs. If that is meant, the logs are recorded
//! again, and the difference is reviewed before it is committed:
//!
//! ```text
//! cargo test --lib machine::laws::replay -- --ignored
//! ```
//!
//! A new log needs one more story in [`stories`]; a log of this form from anywhere else is put into `logs/` as it is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::event::Event;
use crate::machine::order::Order;
use crate::machine::policy::{Policy, StepSetting};
use crate::machine::stories::story::{Nature, Part, SECOND, Story, Weather};
use crate::machine::{Machine, Moment, Restored};

/// The arguments that the machine was made with; nothing was restored.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    seed: u64,
    policy: Policy,
}

/// One event, and what was ordered for it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::machine) struct Logged {
    pub(in crate::machine) at: Moment,
    pub(in crate::machine) event: Event,
    /// As JSON, because the written form is compared.
    pub(in crate::machine) orders: Value,
}

impl Logged {
    pub(in crate::machine) fn new(at: Moment, event: Event, orders: &[Order]) -> Self {
        Self { at, event, orders: serde_json::to_value(orders).unwrap() }
    }
}

/// The stories that are kept as logs, by name.
fn stories() -> Vec<(&'static str, Story)> {
    vec![("reverted", reverted()), ("crash-loop", crash_loop()), ("inconclusive", inconclusive())]
}

/// A change takes its turn, drains, fails its trial and is taken back; the next one is good.
fn reverted() -> Story {
    let mut story = Story::with(|policy| {
        (policy.check_command, policy.turn) = (StepSetting::Enabled, StepSetting::Enabled);
        policy.drain_max = Some(Duration::from_secs(30));
    });
    story.by_hand(Part::Turn);
    story.wish("a");
    story.passes(15 * SECOND);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(3 * SECOND);
    story.turn_granted();
    story.passes(15 * SECOND);
    story.wish("c");
    story.turn_granted();
    story.passes(15 * SECOND);
    story
}

/// A service that keeps crashing, a new build that heals it, and the end of lictor.
fn crash_loop() -> Story {
    let mut story = Story::new();
    story.nature("on 1", Nature::Dies);
    story.wish("a");
    story.passes(120 * SECOND);
    story.installed("2");
    story.passes(15 * SECOND);
    story.shutdown();
    story
}

/// A database that is down fails a good change, which is tried again when it is back.
fn inconclusive() -> Story {
    let mut story = Story::new();
    story.wish("a");
    story.passes(15 * SECOND);
    story.weather("Web", Weather::Failing);
    story.wish("b");
    story.passes(200 * SECOND);
    story.weather("Web", Weather::Passing);
    story.passes(60 * SECOND);
    story
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/machine/laws/logs")
}

#[test]
fn recorded_logs_replay_to_the_recorded_orders() {
    let mut count = 0;
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        replay(&path);
        count += 1;
    }
    assert!(count >= stories().len(), "only {count} logs");
}

fn replay(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let Made { seed, policy } = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut machine = Machine::new(policy, Restored::default(), seed, Moment(0), 0);
    for (number, line) in (2..).zip(lines) {
        let place = format!("{}:{number}", path.display());
        let Logged { at, event, orders } =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
        let now = serde_json::to_value(machine.handle(at, event)).unwrap();
        assert_eq!(now, orders, "{place}: other orders than recorded");
    }
}

#[test]
#[ignore = "records the logs anew"]
fn record() {
    for (name, story) in stories() {
        let made = Made { seed: Story::SEED, policy: story.first_policy() };
        let mut text = serde_json::to_string(&made).unwrap() + "\n";
        for told in story.log() {
            writeln!(text, "{}", serde_json::to_string(told).unwrap()).unwrap();
        }
        std::fs::write(folder().join(name).with_extension("jsonl"), text).unwrap();
    }
}
