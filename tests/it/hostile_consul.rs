//! What may stand on Consul's port: the service keeps what it has, the board says what is wrong, and the first true
//! answer is followed.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use lictor::machine::board::ConfigState;
use rustix::process::Signal;

use crate::harness::liar::{Liar, Lie, truth};
use crate::harness::lictor::pid;
use crate::harness::{Lictor, Setup, eventually};

fn up(liar: &Liar) -> Lictor {
    let lictor = Setup::on_consul(liar.address())
        .checked()
        .config("consul {\n  retry {\n    backoff = \"50ms\"\n    max_backoff = \"100ms\"\n  }\n}\n")
        .start();
    lictor.until_good();
    lictor
}

/// The lie is told to be one, costs the service nothing, and ends with the truth.
fn survives(name: &str, lie: Lie) {
    let liar = Liar::start();
    let lictor = up(&liar);
    let before = lictor.board();
    liar.lie(lie);
    let board = lictor.until(&format!("{name} is seen to be wrong"), |board| board.sources[0].freshness.errors > 1);
    let error = board.sources[0].freshness.error.clone().unwrap_or_default();
    assert!(error.len() < 600 && !error.contains(char::is_control), "{name}: {error:?}");
    assert_eq!((pid(&board), board.healthy, board.restarts), (pid(&before), true, before.restarts), "{name}: {error}");
    assert_eq!(lictor.status().0, 200, "{name}");
    let board = lictor.until_applied(|| liar.say("good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"), "{name}");
    assert_eq!(board.restarts, before.restarts + 1, "{name}");
}

fn all_survived(lies: &[(&str, Lie)]) {
    for (name, lie) in lies {
        survives(name, *lie);
    }
}

/// An answer with this body.
fn body(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat())
}

fn raw(stream: &mut TcpStream, words: &[u8]) -> io::Result<()> {
    stream.write_all(words)?;
    // The client hangs up; a connection that is reset would hide what was said.
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

/// The same words until nobody listens any more.
fn for_ever(stream: &mut TcpStream, first: &[u8], again: &[u8]) -> io::Result<()> {
    stream.write_all(first)?;
    loop {
        stream.write_all(again)?;
    }
}

#[test]
fn what_is_no_http_loses_nothing() {
    let lies: [(&str, Lie); 6] = [
        ("silence", |_| Ok(())),
        ("noise", |stream| raw(stream, &[0xff; 5000])),
        ("another protocol", |stream| raw(stream, b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("no status", |stream| raw(stream, b"HTTP/1.1 abc\r\n\r\n")),
        ("half a head", |stream| raw(stream, b"HTTP/1.1 200 OK\r\nX-Consul-")),
        ("two lengths", |stream| raw(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]]")),
    ];
    all_survived(&lies);
}

#[test]
fn what_is_no_list_of_keys_loses_nothing() {
    let lies: [(&str, Lie); 8] = [
        ("an object", |stream| body(stream, b"{}")),
        ("nothing", |stream| body(stream, b"")),
        ("a page", |stream| body(stream, b"<html>please log in</html>")),
        ("a number for a key", |stream| body(stream, br#"[{"Key":5}]"#)),
        ("a number for a value", |stream| body(stream, br#"[{"Key":"billing/A","Value":5}]"#)),
        ("another folder", |stream| body(stream, br#"[{"Key":"else/A","Value":"eA=="}]"#)),
        ("a deep hole", |stream| body(stream, "[{\"Key\":\"billing/A\",\"X\":".repeat(50_000).as_bytes())),
        ("too many keys", |stream| {
            let keys: Vec<String> =
                (0..100_001).map(|key| format!(r#"{{"Key":"billing/{key}","Value":"eA=="}}"#)).collect();
            body(stream, format!("[{}]", keys.join(",")).as_bytes())
        }),
    ];
    all_survived(&lies);
}

#[test]
fn other_answers_of_http_lose_nothing() {
    let lies: [(&str, Lie); 8] = [
        ("an empty 404 without an index", |stream| raw(stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")),
        ("an empty list without an index", |stream| raw(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")),
        ("moved", |stream| {
            raw(stream, b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        }),
        ("no content", |stream| raw(stream, b"HTTP/1.1 204 No Content\r\nX-Consul-Index: 9\r\n\r\n")),
        ("a 404 of somebody else", |stream| {
            raw(stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found")
        }),
        ("a status of no kind", |stream| raw(stream, b"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\n[]")),
        ("an error that says much", |stream| {
            let text = "\u{1b}[31m\r\n".repeat(100_000);
            raw(stream, format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{text}", text.len()).as_bytes())
        }),
        ("a switch of protocols", |stream| {
            raw(stream, b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n[]")
        }),
    ];
    all_survived(&lies);
}

#[test]
fn answers_without_end_lose_nothing() {
    let lies: [(&str, Lie); 5] = [
        ("fields without end", |stream| for_ever(stream, b"HTTP/1.1 200 OK\r\n", &b"X-More: y\r\n".repeat(100))),
        ("a field without end", |stream| for_ever(stream, b"HTTP/1.1 200 OK\r\nX: ", &[b'y'; 4096])),
        ("a body without end", |stream| {
            for_ever(stream, b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\n\r\n[", &b" ".repeat(65_536))
        }),
        ("a large promise", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: 99999999999999\r\n\r\n[")
        }),
        ("chunks without end", |stream| {
            let head = b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nTransfer-Encoding: chunked\r\n\r\n";
            for_ever(stream, head, &[b"8000\r\n".as_slice(), &b" ".repeat(0x8000), b"\r\n"].concat())
        }),
    ];
    all_survived(&lies);
}

#[test]
fn chunks_that_do_not_fit_lose_nothing() {
    fn chunked(stream: &mut TcpStream, chunk: &[u8]) -> io::Result<()> {
        let head = b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
        raw(stream, &[head, chunk].concat())
    }
    let lies: [(&str, Lie); 5] = [
        ("a size in words", |stream| chunked(stream, b"two\r\n[]\r\n0\r\n\r\n")),
        ("a size beyond numbers", |stream| chunked(stream, b"ffffffffffffffffff\r\n[]\r\n0\r\n\r\n")),
        ("a negative size", |stream| chunked(stream, b"-2\r\n[]\r\n0\r\n\r\n")),
        ("a size that is too small", |stream| chunked(stream, b"1\r\n[]\r\n0\r\n\r\n")),
        ("no last chunk", |stream| chunked(stream, b"2\r\n[]\r\n")),
    ];
    all_survived(&lies);
}

/// An index that is no guide: what is true is read all the same.
fn index_is_survived(index: &'static str, lie: Lie) {
    let liar = Liar::start();
    let lictor = up(&liar);
    let before = lictor.board();
    let asked = liar.requests();
    liar.lie(lie);
    eventually("it has been asked some more", || (liar.requests() > asked + 3).then_some(()));
    let board = lictor.board();
    assert_eq!((pid(&board), board.healthy), (pid(&before), true), "{index}");
    lictor.until_applied(|| liar.say("good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"), "{index}");
}

#[test]
fn an_index_that_is_no_guide_loses_no_change() {
    fn with(stream: &mut TcpStream, index: &str) -> io::Result<()> {
        let truth = String::from_utf8(truth(3, "hello")).unwrap();
        stream.write_all(truth.replace("X-Consul-Index: 3", index).as_bytes())
    }
    index_is_survived("the largest", |stream| with(stream, "X-Consul-Index: 18446744073709551615"));
    index_is_survived("too large", |stream| with(stream, "X-Consul-Index: 18446744073709551616"));
    index_is_survived("negative", |stream| with(stream, "X-Consul-Index: -1"));
    index_is_survived("zero", |stream| with(stream, "X-Consul-Index: 0"));
    index_is_survived("no number", |stream| with(stream, "X-Consul-Index: \u{7f}"));
    index_is_survived("missing", |stream| with(stream, "X-Other: 1"));
}

#[test]
fn a_storm_of_first_words_takes_nothing_from_the_service() {
    let liar = Liar::start();
    let lictor = up(&liar);
    let before = lictor.board();
    liar.lie(|stream| for_ever(stream, b"", &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)));
    eventually("it has been asked", || (liar.lies() > 0).then_some(()));
    // The storm keeps lictor busy, so its own probes may come too late; others are answered in between.
    for _ in 0..10 {
        assert!(matches!(lictor.status().0, 200 | 503));
    }
    assert_eq!(pid(&lictor.board()), pid(&before));
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
}

#[test]
fn a_consul_that_says_nothing_holds_up_no_end() {
    let liar = Liar::start();
    let lictor = up(&liar);
    liar.lie(|stream| stream.read_to_end(&mut Vec::new()).map(|_| ()));
    eventually("it has been asked", || (liar.lies() > 0).then_some(()));
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
}

#[test]
fn a_value_of_many_megabytes_is_rejected() {
    let liar = Liar::start();
    let lictor = up(&liar);
    let before = lictor.board();
    liar.lie(|stream| {
        let value = "eHh4".repeat(4 << 20);
        body(stream, format!(r#"[{{"Key":"billing/GREETING","Value":"{value}"}}]"#).as_bytes())
    });
    let board = lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
    assert_eq!((pid(&board), board.healthy), (pid(&before), true));
    lictor.until_applied(|| liar.say("good day"));
}

#[test]
fn ten_thousand_keys_reach_the_service() {
    let liar = Liar::start();
    let lictor = up(&liar);
    lictor.until_applied(|| {
        liar.lie(|stream| {
            // What was there stays: a list without it would be asked about again.
            let known = r#"{"Key":"billing/GREETING","Value":"eA=="}"#.to_owned();
            let key = |number| format!(r#"{{"Key":"billing/KEY_{number}","Value":"eA=="}}"#);
            let keys: Vec<_> = std::iter::once(known).chain((1..10_000).map(key)).collect();
            body(stream, format!("[{}]", keys.join(",")).as_bytes())
        });
    });
    assert_eq!(lictor.value("KEY_9999").as_deref(), Some("x"));
    assert_eq!(lictor.get("/env").code, 200);
}

#[test]
fn a_key_that_never_rests_wears_nobody_out() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TURN: AtomicU64 = AtomicU64::new(100);
    let liar = Liar::start();
    let lictor = up(&liar);
    let restarts = lictor.board().restarts;
    liar.lie(|stream| {
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&truth(turn, &format!("good day {turn}")))
    });
    eventually("it has changed often", || (liar.lies() > 300).then_some(()));
    assert!(matches!(lictor.status().0, 200 | 503));
    assert!(lictor.board().restarts - restarts < 50, "many edits are one change");
    lictor.until_applied(|| liar.say("rest"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("rest"));
}
