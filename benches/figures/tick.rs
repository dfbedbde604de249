//! How many datagrams a tick of StatsD takes.

use std::fmt::Write as _;
use std::net::UdpSocket;
use std::time::Duration;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;

/// With the twenty and more of the service and of lictor itself, enough for forty gauges.
const CHECKS: usize = 20;
const GAUGES: usize = 40;
/// Between two ticks it is quiet for much longer than this.
const PAUSE: Duration = Duration::from_millis(500);
/// Of pauses; a tick comes every ten seconds.
const PATIENCE: usize = 80;

pub fn figures(_: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut checks = String::new();
    for number in 0..CHECKS {
        let _ =
            write!(checks, "check \"Database number {number}\" {{\n  tcp {{\n    address = \"HOST:8080\"\n  }}\n}}\n");
    }
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], &checks);
    let telegraf = UdpSocket::bind((sidecar.host, 8125)).unwrap();
    telegraf.set_read_timeout(Some(PAUSE)).unwrap();
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    let (datagrams, gauges) = (0..PATIENCE).map(|_| tick(&telegraf)).find(|(_, gauges)| *gauges >= GAUGES).unwrap();
    vec![Figure {
        what: "a tick of 40 gauges",
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        found: datagrams as f64,
        bar: Bar::AtMost(3.0, Unit::Pieces),
        beside: format!("datagrams for {gauges} gauges and all counters"),
    }]
}

/// What comes until it is quiet: datagrams, and gauges in them.
fn tick(telegraf: &UdpSocket) -> (usize, usize) {
    let (mut datagrams, mut gauges) = (0, 0);
    let mut buffer = vec![0; 65_536];
    while let Ok(size) = telegraf.recv(&mut buffer) {
        datagrams += 1;
        gauges += String::from_utf8_lossy(&buffer[..size]).lines().filter(|line| line.contains("|g")).count();
    }
    (datagrams, gauges)
}
