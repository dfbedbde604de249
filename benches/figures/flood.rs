//! `lictor status` while slow clients hold every connection of the status port.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

/// More than twice the connections that the port serves at one time.
const CLIENTS: usize = 600;
const QUESTIONS: usize = 50;
/// Each client sends one byte of its head in this time, so that none is ever done.
const DRIP: Duration = Duration::from_millis(500);

pub fn figures(_: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    let quiet = questions(&sidecar);
    let (flooding, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (health, flooded) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let connect = |_| TcpStream::connect((sidecar.host, 8127)).expect("the port is open");
            let clients: Vec<TcpStream> = (0..CLIENTS).map(connect).collect();
            flooding.store(true, Ordering::Relaxed);
            drip(&clients, &over);
        });
        // From before the first of them to after the last.
        let mut health = vec![ask_health(&sidecar)];
        while !flooding.load(Ordering::Relaxed) {
            health.push(ask_health(&sidecar));
        }
        let found = (Sample::of_nanos(health), questions(&sidecar));
        over.store(true, Ordering::Relaxed);
        found
    });
    vec![
        Figure {
            what: "`lictor status` with 600 slow clients on the status port: the slowest of 50",
            found: flooded.max(),
            bar: Bar::AtMost(50.0, Unit::Milliseconds),
            beside: format!("median {:.2}; without them {:.2}", flooded.median(), quiet.median()),
        },
        Figure {
            what: "... `/health` as they come: the slowest",
            found: health.max(),
            bar: Bar::AtMost(10_000.0, Unit::Milliseconds),
            beside: "Consul's HTTP check has as long; so has a client for its head".to_owned(),
        },
    ]
}

/// How many nanoseconds a new client waits for its answer.
fn ask_health(sidecar: &Sidecar) -> i64 {
    let before = now();
    let answer = Request::get("/health").tcp((sidecar.host, 8127).into()).expect("an answer within a minute");
    let after = now();
    assert_eq!(answer.code, 200);
    after - before
}

#[expect(clippy::disallowed_methods, reason = "slow clients are slow")]
fn drip(clients: &[TcpStream], over: &AtomicBool) {
    let head = b"GET /status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    let bytes = head.iter().copied().chain(std::iter::repeat(b'x'));
    for byte in bytes {
        if over.load(Ordering::Relaxed) {
            return;
        }
        for mut client in clients {
            // One that has been cut off has done its part.
            let _ = client.write_all(&[byte]);
        }
        std::thread::sleep(DRIP);
    }
}

fn questions(sidecar: &Sidecar) -> Sample {
    let ask = |_| {
        let before = now();
        let run = Command::new(crate::lictor())
            .arg("status")
            .arg("--socket")
            .arg(sidecar.path("admin.sock"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let after = now();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        after - before
    };
    Sample::of_nanos((0..QUESTIONS).map(ask))
}
