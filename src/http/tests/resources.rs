use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Harness, get};
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::Board;
use crate::machine::board::sample::check;
use crate::machine::board::{CheckState, Phase};
use crate::machine::policy::Role;
use crate::secret::Secret;

#[tokio::test]
async fn status_is_the_object_and_its_code_is_the_health() {
    let harness = Harness::new().await;
    harness.change(|board| {
        board.checks = vec![check("Database", CheckState::Passing), check("Web", CheckState::Passing)];
        board.checks[0].word = "Good".to_owned();
    });
    let good = harness.get("/status").await;
    assert_eq!((good.status, good.body.as_str()), (200, r#"{"Database":"Good","Web":"Healthy","version":"1.214"}"#));
    assert_eq!(good.header("content-type"), Some("application/json"));

    harness.change(|board| {
        board.healthy = false;
        board.checks[1].word = "Unhealthy".to_owned();
        board.config.message = Some("Reverted: DB_URL".to_owned());
    });
    let bad = harness.get("/status").await;
    let object = r#"{"Database":"Good","Web":"Unhealthy","Config":"Reverted: DB_URL","version":"1.214"}"#;
    assert_eq!((bad.status, bad.body.as_str()), (503, object));
}

#[tokio::test]
async fn one_connection_sees_every_change_and_answers_in_order() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    for version in ["1.214", "1.215"] {
        harness.change(|board| board.build.running.version = Some(version.to_owned()));
        for _ in 0..2 {
            connection.send(&get("/status")).await;
            assert_eq!(connection.response().await.body, format!(r#"{{"version":"{version}"}}"#));
        }
    }
    connection.send(&(get("/live") + &get("/nothing") + &get("/status"))).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(connection.response().await.status);
    }
    assert_eq!(codes, [200, 404, 200]);
}

#[tokio::test]
async fn metrics_are_about_the_newest_board_and_in_the_format_of_prometheus() {
    let harness = Harness::new().await;
    let page = harness.get("/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!((page.status, page.body.as_str()), (200, "lictor_up 1\n"));
    harness.change(|board| board.ready = false);
    assert_eq!(harness.get("/metrics").await.body, "lictor_up 0\n");

    let mut connection = harness.connect().await;
    let accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5";
    connection.send(&format!("GET /metrics HTTP/1.1\r\nHost: lictor\r\nAccept: {accept}\r\n\r\n")).await;
    let page = connection.response().await;
    assert_eq!(page.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert_eq!(page.body, "lictor_up 0\n# EOF\n");
}

#[tokio::test]
async fn methods_paths_and_parameters() {
    let harness = Harness::new().await;
    let mut connection = harness.connect().await;
    for path in ["/status", "/health", "/live", "/ready", "/board", "/env", "/metrics", "/status?version=1.214"] {
        let whole = harness.get(path).await;
        assert_eq!(whole.status, 200, "{path}");
        connection.send(&get(path).replace("GET", "HEAD")).await;
        let head = connection.head().await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
        assert!(head.contains(&format!("content-length: {}\r\n", whole.body.len())), "{path}: {head}");

        for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            connection.send(&get(path).replace("GET", method)).await;
            let refused = connection.response().await;
            assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
            assert!(refused.json()["error"].is_string());
        }
    }
    for path in ["/", "/status/", "/Status", "//status", "/metrics/", "/v1/status", "/%73tatus"] {
        let missing = harness.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert!(missing.json()["error"].is_string());
    }
    for target in ["/status?version=", "/status?wait=5", "/board?index=x", "/health?warn=x", "/status?version=%ff"] {
        let refused = harness.get(target).await;
        assert_eq!(refused.status, 400, "{target}");
        assert!(refused.json()["error"].is_string());
    }
    assert_eq!(harness.get("/status?color=blue").await.status, 200);
}

#[tokio::test]
async fn the_question_of_a_deployment() {
    let harness = Harness::new().await;
    let yes = harness.get("/status?version=1.214&service=billing").await;
    assert_eq!((yes.status, yes.header("lictor-verdict")), (200, Some("yes")));
    assert_eq!(yes.body, r#"{"version":"1.214"}"#);

    let other = harness.get("/status?version=1.215").await;
    assert_eq!((other.status, other.header("lictor-verdict")), (409, Some("not-yet")));
    assert_eq!(other.header("lictor-reason"), Some("running 1.214, not 1.215"));
    assert_eq!(other.body, r#"{"version":"1.214","reason":"running 1.214, not 1.215"}"#);

    let stranger = harness.get("/status?service=mail&wait=10m").await;
    assert_eq!((stranger.status, stranger.header("lictor-verdict")), (409, Some("no")));

    harness.change(|board| board.config.settled = false);
    assert_eq!(harness.get("/status?version=1.214").await.status, 503);
    assert_eq!(harness.get("/status?settled").await.status, 503);
    assert_eq!(harness.get("/status?service=billing").await.status, 200);
}

/// Three checks of three roles and something to say about the config.
fn troubled(board: &mut Board) {
    board.checks = vec![
        check("Database", CheckState::Passing),
        check("Threads", CheckState::Passing),
        check("Disk", CheckState::Failing),
    ];
    board.checks[0].latency_ms = Some(3.24);
    board.checks[1].role = Role::Liveness;
    board.checks[1].latency_ms = Some(32.4);
    board.checks[2].role = Role::Info;
    board.checks[2].why = Some("91 %\nfull".to_owned());
    board.config.message = Some("Held: wipe of consul billing/".to_owned());
}

#[tokio::test]
async fn health_is_readiness_with_the_config_last() {
    let harness = Harness::new().await;
    assert_eq!(harness.get("/health").await.body, "service: up\n");
    assert_eq!(harness.get("/health?warn").await.status, 200);

    harness.change(troubled);
    let told = harness.get("/health").await;
    assert_eq!(told.status, 200);
    assert_eq!(told.header("content-type"), Some("text/plain; charset=utf-8"));
    let lines = "Database: Healthy (3.2ms)\nThreads: Healthy (32ms)\nDisk: Unhealthy (91 % full)\n";
    assert_eq!(told.body, format!("{lines}Config: Held: wipe of consul billing/\n"));
    assert_eq!(harness.get("/health?warn").await.status, 429);
    harness.change(|board| board.config.message = None);
    assert_eq!(harness.get("/health?warn").await.status, 429, "a failing info check is a warning by itself");

    harness.change(|board| (board.ready, board.phase) = (false, Phase::BackingOff));
    for target in ["/health", "/health?warn"] {
        let down = harness.get(target).await;
        assert_eq!((down.status, down.body), (503, format!("{lines}service: down\n")), "{target}");
    }
}

#[tokio::test]
async fn a_long_health_keeps_its_end() {
    let harness = Harness::new().await;
    harness.change(|board| {
        board.checks = (0..400).map(|number| check(&format!("check {number} ä"), CheckState::Failing)).collect();
        board.checks[399].why = Some("ä".repeat(10_000));
        board.config.message = Some("ä".repeat(10_000));
    });
    let body = harness.get("/health").await.body;
    assert!(body.len() < 4096 && body.len() > 3500, "{}", body.len());
    assert!(body.starts_with("check "), "only whole lines: {body}");
    assert!(body.lines().last().is_some_and(|line| line.starts_with("Config: ä") && line.ends_with("...")), "{body}");
}

#[tokio::test]
async fn the_roles_on_their_own() {
    let harness = Harness::new().await;
    harness.change(troubled);
    harness.change(|board| board.ready = false);
    let (ready, live) = (harness.get("/ready").await, harness.get("/live").await);
    assert_eq!((ready.status, ready.body.as_str()), (503, "Database: Healthy (3.2ms)\n"));
    assert_eq!((live.status, live.body.as_str()), (200, "Threads: Healthy (32ms)\n"));
    harness.change(|board| (board.ready, board.live) = (true, false));
    assert_eq!((harness.get("/ready").await.status, harness.get("/live").await.status), (200, 503));
}

#[tokio::test]
async fn the_board_comes_back_as_it_was() {
    let harness = Harness::new().await;
    harness.change(troubled);
    let whole = harness.get("/board").await;
    assert_eq!(whole.header("x-lictor-index"), Some("8"));
    let read: Board = serde_json::from_str(&whole.body).unwrap();
    assert_eq!(&read, harness.boards.borrow().as_ref());
}

#[tokio::test]
async fn env_shows_only_public_values() {
    let harness = Harness::new().await;
    assert_eq!(harness.get("/env").await.body, r#"{"fingerprint":null,"variables":[]}"#);
    let variable = |value: &str, visibility| Variable::new(Secret::from(value), "consul billing/".into(), visibility);
    let variables = BTreeMap::from([
        ("LOG_LEVEL".to_owned(), variable("debug", Visibility::Public)),
        ("PASSWORD".to_owned(), variable("hunter2", Visibility::Secret)),
    ]);
    let environment = Arc::new(Environment::new(variables));
    let fingerprint = environment.fingerprint().to_string();
    harness.change(|board| board.environment = Some(environment));
    let shown = harness.get("/env").await;
    assert!(!shown.body.contains("hunter2"));
    let shown = shown.json();
    assert_eq!(shown["fingerprint"], fingerprint.as_str());
    assert_eq!(shown["variables"][0]["value"], "debug");
    assert_eq!(shown["variables"][1]["name"], "PASSWORD");
    assert_eq!(shown["variables"][1]["origin"], "consul billing/");
    assert!(shown["variables"][1].get("value").is_none() && shown["variables"][1]["fingerprint"].is_string());
}
