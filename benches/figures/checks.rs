//! Two hundred checks, each once a second: what they cost, and how late they are.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::footprint::processor_share;
use crate::harness::address::loopback;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

const CHECKS: usize = 200;

/// From one probe of a check to the next.
const INTERVAL: i64 = 1_000_000_000;

/// How long the checks take to find their places in the interval.
const SETTLING: Duration = Duration::from_secs(5);

/// A probe as the server has seen it: of which check, and when.
struct Seen {
    check: usize,
    at: i64,
}

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let (server, seen) = serve();
    let config: String = (0..CHECKS).map(|number| check(server, number)).collect();
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], &config);
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    pause(SETTLING);
    seen.try_iter().for_each(drop);
    let cpu = processor_share(sidecar.pid(), effort.idle());
    let late = lateness(&seen);
    sidecar.stop();
    // The listener looks up, finds nobody to tell, and ends.
    drop(seen);
    let _ = TcpStream::connect(server).and_then(|mut stream| stream.write_all(b"TCP /0 "));

    let beside = format!("median {:.2}, p99 {:.2}", late.median(), late.p99());
    let over = format!("over {:?}", effort.idle());
    vec![
        Figure {
            what: "200 checks, half of them by HTTP and half by TCP, each once a second: processor",
            found: cpu,
            bar: Bar::AtMost(3.0, Unit::Percent),
            beside: over,
        },
        Figure { what: "... the latest probe", found: late.max(), bar: Bar::AtMost(100.0, Unit::Milliseconds), beside },
    ]
}

/// By turns one that asks by HTTP and one that connects; both say which check they are.
fn check(server: SocketAddr, number: usize) -> String {
    let kind = match number % 2 {
        0 => format!("http {{\n    url = \"http://{server}/{number}\"\n  }}"),
        _ => format!("tcp {{\n    address = \"{server}\"\n    send = \"TCP /{number} \"\n  }}"),
    };
    format!("check \"C{number}\" {{\n  {kind}\n  interval = \"1s\"\n}}\n")
}

/// How much later than an interval after the one before each probe came.
fn lateness(seen: &Receiver<Seen>) -> Sample {
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    let mut late = Vec::new();
    for Seen { check, at } in seen.try_iter() {
        if let Some(before) = last.insert(check, at) {
            late.push(at - before - INTERVAL);
        }
    }
    assert_eq!(last.len(), CHECKS, "each check is probed");
    Sample::of_nanos(late)
}

/// A server that says ok, and tells who has asked.
fn serve() -> (SocketAddr, Receiver<Seen>) {
    let listener = TcpListener::bind((loopback(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    std::thread::spawn(move || listener.incoming().flatten().all(|stream| answer(stream, &sender)));
    (address, seen)
}

/// Whether there is anybody to tell.
fn answer(mut stream: TcpStream, seen: &Sender<Seen>) -> bool {
    let mut head = [0; 1024];
    let Ok(read) = stream.read(&mut head) else { return true };
    let at = now();
    let check = String::from_utf8_lossy(&head[..read]).split([' ', '/']).nth(2).and_then(|word| word.parse().ok());
    let Some(check) = check else { return true };
    // A probe that was cut off has done its part.
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    seen.send(Seen { check, at }).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "the pace of a benchmark; nothing is awaited by it")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
