use std::time::Duration;

use tokio::time::Instant;

use super::{Harness, LONG, get};
use crate::drain::Drained;
use crate::machine::board::ConfigState;
use crate::machine::board::sample::version;

#[tokio::test]
async fn a_wait_ends_with_the_board_that_says_yes() {
    let harness = Harness::new().await;
    harness.change(|board| board.build.running = version("1.213"));
    let mut connection = harness.connect().await;
    connection.send(&get("/status?version=1.214&wait=10m")).await;
    harness.receivers(3).await;
    harness.change(|board| board.healthy = false);
    harness.change(|board| board.build.running = version("1.214"));
    tokio::task::yield_now().await;
    harness.change(|board| board.healthy = true);
    assert_eq!(connection.response().await.status, 200);
}

#[tokio::test]
async fn a_wait_ends_with_the_board_that_is_surely_no() {
    let harness = Harness::new().await;
    harness.change(|board| (board.config.state, board.config.settled) = (ConfigState::Trial, false));
    let mut connection = harness.connect().await;
    connection.send(&get("/status?version=1.214&wait=10m")).await;
    harness.receivers(3).await;
    harness.change(|board| board.config.state = ConfigState::Reverted);
    let no = connection.response().await;
    assert_eq!((no.status, no.header("lictor-verdict")), (409, Some("no")));
}

#[tokio::test]
async fn a_build_that_is_another_one_for_five_seconds_is_surely_no() {
    let harness = Harness::new().await;
    let begun = Instant::now();
    let no = harness.get("/status?version=1.215&wait=10m").await;
    let waited = begun.elapsed();
    assert_eq!((no.status, no.header("lictor-verdict")), (409, Some("no")));
    assert!(waited >= Duration::from_secs(5) && waited < LONG, "{waited:?}");
}

#[tokio::test]
async fn a_wait_ends_with_its_time() {
    let harness = Harness::new().await;
    harness.change(|board| board.healthy = false);
    for target in ["/status?version=1.214&wait=150ms", "/status?wait=150ms", "/board?index=999&wait=150ms"] {
        let begun = Instant::now();
        let answer = harness.get(target).await;
        let expected = if target.starts_with("/board") { 200 } else { 503 };
        assert_eq!(answer.status, expected, "{target}");
        assert!(begun.elapsed() >= Duration::from_millis(150), "{target}");
    }
}

#[tokio::test]
async fn the_board_blocks_until_its_index_grows() {
    let harness = Harness::new().await;
    assert_eq!(harness.get("/board?index=6&wait=10m").await.header("x-lictor-index"), Some("7"));
    let mut connection = harness.connect().await;
    connection.send(&get("/board?index=7&wait=10m")).await;
    harness.receivers(3).await;
    harness.change(|board| board.restarts = 1);
    let next = connection.response().await;
    assert_eq!((next.header("x-lictor-index"), &next.json()["restarts"]), (Some("8"), &serde_json::json!(1)));
}

#[tokio::test]
async fn the_end_answers_every_wait_and_closes_what_is_idle() {
    let harness = Harness::new().await;
    harness.change(|board| board.healthy = false);
    let mut waiting = Vec::new();
    for target in ["/status?version=1.214&wait=10m", "/board?index=8&wait=10m"] {
        let mut connection = harness.connect().await;
        connection.send(&get(target)).await;
        waiting.push(connection);
    }
    let mut idle = harness.connect().await;
    idle.send(&get("/live")).await;
    assert_eq!(idle.response().await.status, 200);
    harness.receivers(6).await;
    let address = harness.address;

    let answers = async {
        let mut codes = Vec::new();
        for connection in &mut waiting {
            codes.push(connection.response().await.status);
            assert_eq!(connection.until_closed().await, "");
        }
        assert_eq!(idle.until_closed().await, "");
        codes
    };
    let begun = Instant::now();
    let (drained, codes) = tokio::join!(harness.drain(), answers);
    assert_eq!((drained, codes), (Drained::Clean, vec![503, 200]));
    assert!(begun.elapsed() < Duration::from_secs(2), "nothing waited for the deadline");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_lictor_that_stops_its_service_keeps_nobody_waiting() {
    let harness = Harness::new().await;
    harness.change(|board| board.healthy = false);
    let mut connection = harness.connect().await;
    connection.send(&get("/status?version=1.214&wait=10m")).await;
    harness.receivers(3).await;
    harness.change(|board| board.stopping = true);
    assert_eq!(connection.response().await.status, 503);
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_place() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    connection.send(&get("/board?index=7&wait=10m")).await;
    harness.receivers(3).await;
    drop(connection);
    harness.receivers(1).await;
}

#[tokio::test]
async fn so_does_one_that_has_sent_more_requests_behind_the_one_that_waits() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    connection.send(&(get("/board?index=7&wait=10m") + &get("/live"))).await;
    harness.receivers(3).await;
    drop(connection);
    harness.receivers(1).await;
}
