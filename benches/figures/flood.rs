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
    let clients: Vec<TcpStream> =
        (0..CLIENTS).map(|_| TcpStream::connect((sidecar.host, 8127)).expect("the port is open")).collect();
    let over = AtomicBool::new(false);
    let (flooded, health) = std::thread::scope(|scope| {
        scope.spawn(|| drip(&clients, &over));
        let found = (questions(&sidecar), health(&sidecar));
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
            what: "... `/health` is answered again",
            found: health,
            bar: Bar::AtMost(10_000.0, Unit::Milliseconds),
            beside: "the time that a client has for its head".to_owned(),
        },
    ]
}

/// How long a new client waits for its answer.
fn health(sidecar: &Sidecar) -> f64 {
    let before = now();
    let answer = Request::get("/health").tcp((sidecar.host, 8127).into()).expect("an answer within a minute");
    let after = now();
    assert_eq!(answer.code, 200);
    Sample::of_nanos([after - before]).max()
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
