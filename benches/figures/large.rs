//! Ten thousand keys in one folder: from a write to the new child's `main`, and what lictor takes for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::bare;
use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::footprint::resident;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

const KEYS: usize = 10_000;
/// Of each value, in bytes.
const LENGTH: usize = 100;
/// Consul takes no more in one transaction.
const AT_ONCE: usize = 64;

/// What one put took, in nanoseconds.
struct Times {
    /// From the put to the first line of the new child's `main` ...
    all: i64,
    /// ... and in there from the signal to the end of the old child.
    stop: i64,
}

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    let numbers: Vec<usize> = (0..KEYS).collect();
    numbers.chunks(AT_ONCE).for_each(|some| fill(&consul, some));
    let mut sidecar = Sidecar::new(&consul, &["large/".to_owned()], "");
    sidecar.start();
    let all: Vec<Times> = (0..effort.large_puts()).map(|number| one(&consul, &sidecar, number)).collect();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    let above = Sample::of_nanos(all.iter().map(|times| times.all - times.stop));
    let (whole, stop) = (all.iter().map(|times| times.all), all.iter().map(|times| times.stop));
    vec![
        Figure {
            what: "10,000 keys in one prefix: KV put → the new child's `main`, less the old child's stop: median",
            found: above.median(),
            bar: Bar::AtMost(60.0, Unit::Milliseconds),
            beside: format!(
                "p99 {:.2}; {:.2} in all, of which the stop takes {:.2}",
                above.p99(),
                Sample::of_nanos(whole).median(),
                Sample::of_nanos(stop).median()
            ),
        },
        Figure {
            what: "... RSS after these changes",
            found: resident(sidecar.pid()),
            bar: Bar::AtMost(40.0 * 1024.0, Unit::Kilobytes),
            beside: format!("{} changes", all.len()),
        },
    ]
}

fn fill(consul: &Consul, numbers: &[usize]) {
    let value = STANDARD.encode("v".repeat(LENGTH));
    let set = |number: &usize| json!({ "KV": { "Verb": "set", "Key": key(*number), "Value": value } });
    let body = serde_json::Value::Array(numbers.iter().map(set).collect()).to_string();
    assert_eq!(consul.ask("PUT", "/v1/txn", body.as_bytes()).code, 200);
}

fn key(number: usize) -> String {
    format!("large/KEY_{number}")
}

/// So that what came before (megabytes of written state) is over.
#[expect(clippy::disallowed_methods, reason = "the pace of a benchmark; nothing is awaited by it")]
fn idle() {
    std::thread::sleep(std::time::Duration::from_millis(400));
}

fn one(consul: &Consul, sidecar: &Sidecar, number: usize) -> Times {
    let board = sidecar.until("good", |board| {
        board.healthy && board.config.settled && board.process.as_ref().is_some_and(|process| process.pid.is_some())
    });
    let pid = board.process.unwrap().pid.unwrap();
    let (runs, terms) = (sidecar.times("runs").len(), sidecar.times("terms").len());
    std::thread::scope(|scope| {
        let end = scope.spawn(|| bare::end_of(pid));
        idle();
        let put = now();
        consul.put(&key(number), format!("{number:0>LENGTH$}"));
        let main = sidecar.next_time("runs", runs);
        let signal = sidecar.next_time("terms", terms);
        Times { all: main - put, stop: end.join().unwrap() - signal }
    })
}
