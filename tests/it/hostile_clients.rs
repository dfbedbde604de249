//! What clients may do to the status port and the admin socket: the service goes on, and others are answered.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::harness::lictor::pid;
use crate::harness::{Lictor, Setup, eventually};

fn up() -> Lictor {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    lictor
}

fn port(lictor: &Lictor) -> SocketAddr {
    (lictor.setup().host(), 8127).into()
}

/// Says this and returns all that comes back until the connection ends.
fn says(stream: &mut (impl Read + Write), words: &[u8]) -> String {
    // The other end may hang up in the middle of this, which is its right.
    let _ = stream.write_all(words);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn over_tcp(lictor: &Lictor, words: &[u8]) -> String {
    let mut stream = TcpStream::connect(port(lictor)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    says(&mut stream, words)
}

/// What no client should send, and what it gets; an empty answer is the end of the connection.
fn nonsense() -> Vec<(Vec<u8>, &'static [&'static str])> {
    let text = |text: &str| text.as_bytes().to_vec();
    let head =
        |line: &str, more: &str| format!("{line}\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n").into_bytes();
    let get = |target: &str| head(&format!("GET {target} HTTP/1.1"), "");
    let bad: &[&str] = &["HTTP/1.1 400"];
    let end: &[&str] = &["HTTP/1.1 400", ""];
    vec![
        (text("\r\n\r\n\0\0\0\0\r\n\r\n"), end),
        (text("GET /status\r\n\r\n"), end),
        (vec![0xff; 1000], end),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03TLS, you see\r\n\r\n".to_vec(), end),
        (text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), end),
        (get("/status?version=%ff%fe"), bad),
        (get("/status?version="), bad),
        (get("/status?version=1&wait="), bad),
        (get("/status?version=1&wait=-1s"), bad),
        (get("/status?version=1&wait=99999999999999999999999s"), bad),
        (get("/status?version=1&wait=18446744073709551615years18446744073709551615years"), bad),
        (get("/status?version=1&wait=NaN"), bad),
        (get("/status?version=1&version=2"), bad),
        (get("/status?settled=maybe"), bad),
        (get("/board?index=18446744073709551616&wait=1s"), bad),
        (get("/board?index=-1"), bad),
        (get("/board?index=1e3"), bad),
        (get(&format!("/status?{}", "a=1&".repeat(40))), &["HTTP/1.1 200"]),
        (get(&format!("/status?{}", (0..40).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&"))), bad),
        (get("//status"), &["HTTP/1.1 404"]),
        (get("/status/../env"), &["HTTP/1.1 404"]),
        (get("/%73tatus"), &["HTTP/1.1 404"]),
        // The status port is asked by its address; the admin socket has no name that could be wrong.
        (get("http://elsewhere/status"), &["HTTP/1.1 421", "HTTP/1.1 200"]),
        (get(&format!("/{}", "a".repeat(8000))), &["HTTP/1.1 404"]),
        (get(&format!("/{}", "a".repeat(70_000))), &["HTTP/1.1 414", "HTTP/1.1 431", "HTTP/1.1 400", ""]),
        (head("GET /status HTTP/1.1", &"X: y\r\n".repeat(5000)), &["HTTP/1.1 431", ""]),
        (head("GET /status HTTP/1.1", &format!("X: {}\r\n", "y".repeat(17_000))), &["HTTP/1.1 431", ""]),
        (head("GET /status HTTP/1.1", "Content-Length: -1\r\n"), end),
        (head("GET /status HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n"), end),
        (
            head("GET /status HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
            &["HTTP/1.1 200", ""],
        ),
        (head("GET /status HTTP/1.1", "Expect: 200-maybe\r\n"), &["HTTP/1.1 200", "HTTP/1.1 417"]),
        (head("GET /status HTTP/1.1", "Upgrade: websocket\r\n"), &["HTTP/1.1 200"]),
        (head("CONNECT elsewhere:80 HTTP/1.1", ""), &["HTTP/1.1 421", "HTTP/1.1 404", "HTTP/1.1 405"]),
        (head("OPTIONS * HTTP/1.1", ""), &["HTTP/1.1 404", "HTTP/1.1 405"]),
        (head("BREW /status HTTP/1.1", ""), &["HTTP/1.1 405"]),
        (head("DELETE /env HTTP/1.1", "Content-Length: 9999999999\r\n"), &["HTTP/1.1 405"]),
    ]
}

#[test]
fn nonsense_is_refused_and_nothing_worse() {
    let lictor = up();
    let before = lictor.board();
    for (words, expected) in nonsense() {
        let shown = String::from_utf8_lossy(&words[..words.len().min(120)]).into_owned();
        let mut local = UnixStream::connect(lictor.setup().path("admin.sock")).unwrap();
        local.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        for answer in [over_tcp(&lictor, &words), says(&mut local, &words)] {
            let fits = expected
                .iter()
                .any(|start| if start.is_empty() { answer.is_empty() } else { answer.starts_with(start) });
            assert!(fits, "{shown:?}: {answer:?}");
        }
    }
    assert_eq!(pid(&lictor.board()), pid(&before));
    assert_eq!(lictor.status().0, 200);
    assert!(!lictor.log().contains("bug of lictor"), "{}", lictor.log());
}

#[test]
fn a_thousand_requests_in_one_breath_are_answered_one_by_one() {
    let lictor = up();
    let mut words = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(999).into_bytes();
    words.extend_from_slice(b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut reader = TcpStream::connect(port(&lictor)).unwrap();
    let mut writer = reader.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&words));
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    writing.join().unwrap().unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1000);
}

#[test]
fn connections_that_say_nothing_lock_nobody_out_for_long() {
    let lictor = up();
    let (address, open) = (port(&lictor), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..600 {
            scope.spawn(|| {
                let Ok(mut stream) = TcpStream::connect(address) else { return };
                open.fetch_add(1, Ordering::SeqCst);
                // Until it is cut off.
                says(&mut stream, b"GET /status HTTP/1.1\r\nX: ");
            });
        }
        eventually("every place is taken", || (open.load(Ordering::SeqCst) >= 256).then_some(()));
        // Everybody else gets one long before their time is over.
        let asked = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let said = says(&mut stream, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        assert!(asked.elapsed() < HEAD_TIME / 2, "took {:?}", asked.elapsed());
        // Whoever is left hangs up.
        lictor.signal(Signal::KILL);
    });
}

#[test]
fn bodies_that_are_announced_and_never_come_keep_nobody_waiting() {
    let lictor = up();
    let silent: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(port(&lictor)).unwrap();
            stream.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for _ in 0..5 {
        let asked = Instant::now();
        assert_eq!(lictor.get("/health").code, 200);
        assert!(asked.elapsed() < HEAD_TIME / 2, "took {:?}", asked.elapsed());
    }
    drop(silent);
}

/// What a client has for the head of its request where nobody waits, and Consul's HTTP check for all of it.
const HEAD_TIME: Duration = Duration::from_secs(10);

#[test]
fn connections_that_say_nothing_do_not_stop_the_operator_or_a_change() {
    let lictor = up();
    // As many as fit, in the kernel's queue too.
    let silent: Vec<_> = (0..350).map(|_| TcpStream::connect(port(&lictor)).unwrap()).collect();
    assert_eq!(lictor.admin("/status").unwrap().code, 200);
    let before = lictor.board();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_ne!(pid(&lictor.board()), pid(&before));
    drop(silent);
}

#[test]
fn clients_that_wait_and_never_read_are_borne() {
    let lictor = up();
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(port(&lictor)).unwrap();
            stream
                .write_all(b"GET /board?index=18446744073709551615&wait=10m HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .unwrap();
            for _ in 0..50 {
                stream.write_all(b"GET /board HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            }
            stream
        })
        .collect();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_eq!(lictor.status().0, 200);
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0), "those who wait do not hold it up");
    drop(waiting);
}

#[test]
fn who_watches_on_the_admin_socket_locks_no_operator_out() {
    let lictor = up();
    let path = lictor.setup().path("admin.sock");
    let watching: Vec<_> = (0..60)
        .map(|number| {
            let mut stream = UnixStream::connect(&path).unwrap();
            let what = if number % 2 == 0 { "/board?index=18446744073709551615" } else { "/history?after=1000000" };
            let question = format!("GET {what}&wait=10m HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(question.as_bytes()).unwrap();
            stream
        })
        .collect();
    let held = lictor.cli("hold", &["night", "shift"]);
    assert_eq!(held.status.code(), Some(0), "{held:?}");
    assert_eq!(lictor.cli("status", &[]).status.code(), Some(0));
    drop(watching);
}

#[test]
fn a_flood_on_the_admin_socket_is_borne() {
    let lictor = up();
    let path = lictor.setup().path("admin.sock");
    let silent: Vec<_> = (0..100).filter_map(|_| UnixStream::connect(&path).ok()).collect();
    assert!(silent.len() >= 16);
    assert_eq!(lictor.status().0, 200, "the status port has places of its own");
    drop(silent);
    eventually("the operator is served again", || {
        lictor.admin("/status").ok().map(|answer| assert_eq!(answer.code, 200))
    });
}
