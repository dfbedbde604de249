use std::time::Duration;

use tokio::time::Instant;

use super::{Harness, get, until};
use crate::drain::Drained;
use crate::http::{Limits, waits};
use crate::machine::board::sample;

#[tokio::test]
async fn a_head_up_to_16_kb_and_no_further() {
    let harness = Harness::new().await;
    let with_filler = |size: usize| {
        let frame = get("/live").replace("\r\n\r\n", "\r\nX-Filler: \r\n\r\n");
        frame.replace("X-Filler: ", &format!("X-Filler: {}", "x".repeat(size - frame.len())))
    };
    let mut connection = harness.connect().await;
    connection.send(&with_filler(16 * 1024 - 1)).await;
    assert_eq!(connection.response().await.status, 200);
    for size in [16 * 1024 + 1, 20_000, 60_000] {
        let mut connection = harness.connect().await;
        connection.send(&with_filler(size)).await;
        assert!(connection.until_closed().await.starts_with("HTTP/1.1 431 "), "{size}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let harness = Harness::new().await;
    for noise in ["\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET /live HTTP/1.1\r\nContent-Length: -1\r\n\r\n"] {
        let mut connection = harness.connect().await;
        connection.send(noise).await;
        let answer = connection.until_closed().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{noise:?}: {answer:?}");
    }
    assert_eq!(harness.get("/live").await.status, 200);
}

#[tokio::test]
async fn a_slow_head_is_closed() {
    let limits = Limits { head_time: Duration::from_millis(200), ..Limits::STATUS };
    let harness = Harness::with(sample::board(), limits).await;
    let (mut silent, mut slow, mut idle) = (harness.connect().await, harness.connect().await, harness.connect().await);
    let begun = Instant::now();
    slow.send("GET /live HTTP/1.1\r\nHos").await;
    idle.send(&get("/live")).await;
    assert_eq!(idle.response().await.status, 200);
    for connection in [&mut silent, &mut slow, &mut idle] {
        connection.until_closed().await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn one_connection_too_many_waits_for_a_place() {
    let limits = Limits { connections: 2, ..Limits::STATUS };
    let harness = Harness::with(sample::board(), limits).await;
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut connection = harness.connect().await;
        connection.send(&get("/live")).await;
        assert_eq!(connection.response().await.status, 200);
        served.push(connection);
    }
    let mut waiting = harness.connect().await;
    waiting.send(&get("/live")).await;
    let early = tokio::time::timeout(Duration::from_millis(100), waiting.more()).await;
    assert!(early.is_err(), "there was no place yet");
    drop(served.pop());
    assert_eq!(waiting.response().await.status, 200);
}

#[tokio::test]
async fn who_is_slow_over_a_request_makes_room_and_who_waits_for_an_answer_does_not() {
    let limits = Limits { connections: 2, ..Limits::STATUS };
    let harness = Harness::with(sample::board(), limits).await;
    harness.change(|board| board.healthy = false);
    let (mut slow, mut waiting) = (harness.connect().await, harness.connect().await);
    waiting.send(&get("/status?wait=10m")).await;
    harness.receivers(4).await;
    slow.send("GET /live HTTP/1.1\r\nHos").await;
    for _ in 0..2 {
        assert_eq!(harness.get("/status").await.status, 503);
    }
    assert_eq!(slow.until_closed().await, "");
    harness.change(|board| board.healthy = true);
    assert_eq!(waiting.response().await.status, 200);
}

#[tokio::test]
async fn bodies_are_ignored_but_bounded() {
    let harness = Harness::new().await;
    let request = |headers: &str, body: &str| get("/live").replace("\r\n\r\n", &format!("\r\n{headers}\r\n\r\n{body}"));
    let mut connection = harness.connect().await;
    for size in [1, 16 * 1024] {
        connection.send(&request(&format!("Content-Length: {size}"), &"x".repeat(size))).await;
        let answer = connection.response().await;
        assert_eq!((answer.status, answer.header("connection")), (200, None), "{size}");
    }
    for headers in ["Content-Length: 16385", "Content-Length: 99999999999", "Transfer-Encoding: chunked"] {
        let mut connection = harness.connect().await;
        connection.send(&request(headers, "")).await;
        let answer = connection.response().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{headers}");
        assert_eq!(connection.until_closed().await, "");
    }
}

#[tokio::test]
async fn an_old_client_gets_its_answer_and_the_end() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    connection.send("GET /status HTTP/1.0\r\n\r\n").await;
    let answer = connection.until_closed().await;
    assert!(answer.ends_with("\r\n\r\n{\"version\":\"1.214\"}"), "{answer}");
}

#[tokio::test]
async fn what_does_not_end_is_cut_off_at_the_deadline() {
    let limits = Limits { drain_time: Duration::from_millis(100), ..Limits::STATUS };
    let harness = Harness::with(sample::board(), limits).await;
    let mut stuck = harness.connect().await;
    stuck.send("GET /live HTTP/1.1\r\nHos").await;
    harness.receivers(2).await;
    let drained = tokio::join!(harness.drain(), stuck.until_closed()).0;
    assert_eq!(drained, Drained::Clean);
}

#[tokio::test]
async fn who_was_accepted_as_the_drain_begins_gets_an_answer() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    harness.receivers(2).await;
    let asked_late = async {
        // The first of these turns lets the server see the drain.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        connection.send(&get("/live")).await;
        connection.response().await.status
    };
    assert_eq!(tokio::join!(harness.drain(), asked_late), (Drained::Clean, 200));
}

#[tokio::test]
async fn finished_connections_leave_nothing_behind() {
    let harness = Harness::new().await;
    for _ in 0..300 {
        assert_eq!(harness.get("/live").await.status, 200);
    }
    until(|| harness.boards.receiver_count() == 1).await;
}

#[tokio::test]
async fn however_many_wait_there_is_room_for_who_does_not() {
    let harness = Harness::new().await;
    harness.change(|board| board.healthy = false);
    let places = waits(Limits::STATUS);
    let mut waiting = Vec::new();
    for _ in 0..places {
        let mut connection = harness.connect().await;
        connection.send(&get("/status?wait=10m")).await;
        waiting.push(connection);
    }
    // One for each connection and one for each wait, beside the server's own.
    harness.receivers(1 + 2 * places).await;
    for (target, code) in
        [("/status?version=1.214", 503), ("/status?service=mail&wait=10m", 409), ("/board?index=0", 200)]
    {
        assert_eq!(harness.get(target).await.status, code, "{target} has its answer at once, and needs no place");
    }
    for target in ["/status?wait=10m", "/board?index=999"] {
        let refused = harness.get(target).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{target}");
    }
    assert_eq!(harness.get("/status").await.status, 503, "what is so is said all the same");
    harness.change(|board| board.healthy = true);
    for mut connection in waiting {
        assert_eq!(connection.response().await.status, 200);
    }
    assert_eq!(harness.get("/status?wait=10m").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_announced_and_does_not_come_is_not_waited_for() {
    let limits = Limits { connections: 4, ..Limits::STATUS };
    let harness = Harness::with(sample::board(), limits).await;
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..12 {
        let mut connection = harness.connect().await;
        connection.send(&get("/live").replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n")).await;
        silent.push(connection);
    }
    assert_eq!(harness.get("/health").await.status, 200);
    for connection in &mut silent {
        let answer = connection.response().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert_eq!(connection.until_closed().await, "");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
