//! `/status` beside nginx answering the same bytes, each on one core of its own.

use std::process::Command;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::nginx::Nginx;
use crate::sidecar::Sidecar;
use crate::statistics::median;

/// Of one round with wrk.
struct Round {
    per_second: f64,
    p99_us: f64,
}

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    pin(sidecar.pid());
    let ours = format!("{}:8127", sidecar.host);
    let body = Request::get("/status").tcp(ours.parse().unwrap()).unwrap().text();
    let nginx = Nginx::answering(&body);

    let (mut us, mut them) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds() {
        us.push(wrk(&ours));
        them.push(wrk(&nginx.address));
    }
    let middle = |rounds: &[Round], of: fn(&Round) -> f64| median(rounds.iter().map(of).collect());
    let (our_rate, their_rate) = (middle(&us, |round| round.per_second), middle(&them, |round| round.per_second));
    let (our_tail, their_tail) = (middle(&us, |round| round.p99_us), middle(&them, |round| round.p99_us));
    vec![
        Figure {
            what: "`/status` against nginx `return 200` of the same bytes: requests a second",
            found: our_rate / their_rate,
            bar: Bar::AtLeast(1.0, Unit::Times),
            beside: format!("{our_rate:.0} against {their_rate:.0}"),
        },
        Figure {
            what: "... p99",
            found: our_tail / their_tail,
            bar: Bar::AtMost(1.5, Unit::Times),
            beside: format!("{our_tail:.0} against {their_tail:.0} µs"),
        },
    ]
}

fn pin(pid: u32) {
    let run = Command::new("taskset").args(["-a", "-c", "-p", "0", &pid.to_string()]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// Two seconds of 32 connections, from the second core.
fn wrk(address: &str) -> Round {
    let url = format!("http://{address}/status");
    let run = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "-c32", "-d2s", "--latency", &url])
        .output()
        .expect("wrk is there: `make bench` installs it");
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    let after = |word: &str| -> &str {
        let line = text.lines().find(|line| line.trim_start().starts_with(word));
        line.unwrap_or_else(|| panic!("wrk said: {text}")).split_whitespace().nth(1).unwrap()
    };
    Round { per_second: after("Requests/sec:").parse().unwrap(), p99_us: micros(after("99%")) }
}

/// wrk writes `812.00us`, `1.20ms` or `2.00s`.
fn micros(text: &str) -> f64 {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap());
    let scale = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        other => panic!("wrk's unit {other}"),
    };
    number.parse::<f64>().unwrap() * scale
}
