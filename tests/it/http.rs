//! The status port: what CodeDeploy, Consul and an operator are told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;

use lictor::machine::board::ConfigState;

use crate::harness::client::Request;
use crate::harness::program::{NEW, OLD};
use crate::harness::{Lictor, Setup};

fn up() -> Lictor {
    // Without the watch, or what falls sick later would be taken back.
    let setup = Setup::on_directory().checked().config("apply {\n  watch = \"0s\"\n}\n").config(
        "check \"Disk\" {\n  command {\n    command = [\"/bin/sh\", \"-c\", \"exit 2\"]\n  }\n  role = \"info\"\n  interval = \"200ms\"\n  \
         good = \"Good\"\n  bad = \"Bad\"\n}\n",
    );
    // What falls sick later than its trial stays so.
    let setup = setup.config("apply {\n  watch = \"0s\"\n}\n");
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until("every check has been probed", |board| {
        crate::harness::lictor::is_good(board) && board.checks.iter().all(|check| check.word != "Unknown")
    });
    lictor
}

#[test]
fn status_is_one_flat_object_in_the_order_of_the_file() {
    let lictor = up();
    let answer = lictor.get("/status");
    assert_eq!(answer.code, 200, "an info check does not change the code");
    assert_eq!(answer.text().trim(), format!(r#"{{"Web":"Healthy","Disk":"Bad","version":"{OLD}"}}"#));
    assert!(answer.headers["content-type"].starts_with("application/json"));
}

#[test]
fn the_question_of_the_validate_hook_is_answered_by_the_code() {
    let lictor = up();
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 200);
    assert_eq!(lictor.get(&format!("/status?version={NEW}")).code, 409);
    assert_eq!(lictor.get("/status?service=svc").code, 200);
    assert_eq!(lictor.get("/status?service=other").code, 409);
    assert_eq!(lictor.get(&format!("/status?version={OLD}&wait=30s&service=svc")).code, 200);

    let good = lictor.board();
    lictor.setup().write("EXIT_CODE", "1");
    lictor.until_reverted_to(good.config.fingerprint);
    assert_eq!(lictor.get("/status").code, 200, "a config problem never takes a host out of service");
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 409);
    assert_eq!(lictor.get(&format!("/status?version={OLD}&wait=10m")).code, 409, "surely no: it does not wait");
}

#[test]
fn a_question_that_waits_is_answered_when_the_trial_is_over() {
    let setup = Setup::on_directory().checked().config("apply {\n  min_healthy = \"2s\"\n  deadline = \"20s\"\n}\n");
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until("on its first trial", |board| board.healthy && board.config.state != ConfigState::Good);
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 503, "not settled yet");
    assert_eq!(lictor.get(&format!("/status?version={OLD}&wait=30s")).code, 200);
    assert_eq!(lictor.board().config.state, ConfigState::Good);
}

#[test]
fn a_question_for_the_next_build_waits_for_it() {
    let lictor = up();
    let address = (lictor.setup().host(), 8127).into();
    let (send, receive) = mpsc::channel();
    let asked = std::thread::spawn(move || {
        let answer = Request::get(&format!("/status?version={NEW}&wait=30s")).tcp(address);
        send.send(answer.unwrap().code).unwrap();
    });
    lictor.install(NEW);
    lictor.until("the new file is seen", |board| board.build.installed.version.as_deref() == Some(NEW));
    assert!(receive.try_recv().is_err(), "what is on disk may still come to run");
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    asked.join().unwrap();
    assert_eq!(receive.recv().unwrap(), 200);
}

#[test]
fn health_says_what_consul_wants_to_hear() {
    let lictor = up();
    let answer = lictor.get("/health");
    assert_eq!(answer.code, 200);
    assert!(answer.headers["content-type"].starts_with("text/plain"));
    assert!(answer.text().contains("Web") && answer.text().contains("Disk"), "{}", answer.text());
    assert_eq!(lictor.get("/health?warn").code, 429, "the info check fails");
    assert_eq!((lictor.get("/live").code, lictor.get("/ready").code), (200, 200));

    // A first wish to be sick cannot be taken back by a service that falls sick later.
    lictor.until_applied(|| lictor.setup().write("SICK_AFTER", "2s"));
    lictor.until("sick", |board| !board.ready);
    assert_eq!(lictor.get("/health").code, 503);
    assert_eq!(lictor.get("/ready").code, 503);
    assert_eq!(lictor.get("/live").code, 200, "no liveness check fails");
    assert_eq!(lictor.get("/status").code, 503);
}

#[test]
fn only_reading_is_served_over_tcp() {
    let lictor = up();
    let address = (lictor.setup().host(), 8127).into();
    let with = |method, path| Request { method, path, headers: &[], body: b"" }.tcp(address).unwrap();
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(with(method, "/status").code, 405, "{method}");
    }
    let head = with("HEAD", "/status");
    assert_eq!((head.code, head.body.len()), (200, 0));
    let unknown = with("GET", "/nothing");
    assert_eq!(unknown.code, 404);
    assert!(unknown.json()["error"].is_string());
    let long = format!("/status?version={}", "x".repeat(20_000));
    assert!(matches!(with("GET", &long).code, 400 | 414 | 431), "heads are at most 16 KB");
}

#[test]
fn a_name_that_leads_here_is_refused_unless_somebody_has_configured_it() {
    let setup = Setup::on_directory().checked().config("status {\n  hosts = [\"billing.internal\"]\n}\n");
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    let address: SocketAddr = (lictor.setup().host(), 8127).into();
    let own = address.to_string();
    for (host, code) in [
        (own.as_str(), "200"),
        ("localhost:8127", "200"),
        ("billing.internal:8127", "200"),
        ("evil.example", "421"),
        ("evil.example:8127", "421"),
    ] {
        for path in ["/env", "/status"] {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{host} {path}: {answer}");
        }
    }
}

#[test]
fn the_board_blocks_until_it_changes() {
    let lictor = up();
    let before = lictor.board();
    let same = lictor.get(&format!("/board?index={}&wait=10ms", u64::MAX));
    assert_eq!(same.code, 200, "the time is over: the answer of then");
    lictor.setup().write("COLOUR", "red");
    let after = lictor.get(&format!("/board?index={}&wait=30s", before.index)).json();
    assert!(after["index"].as_u64().unwrap() > before.index, "{after}");
}

#[test]
fn the_board_says_how_long_probes_take() {
    let lictor = up();
    let board = lictor.until("five probes", |board| board.checks[0].probes >= 5);
    let check = &board.checks[0];
    let (half, most) = (check.latency_p50_ms.unwrap(), check.latency_p99_ms.unwrap());
    assert!(check.latency_ms.unwrap() > 0.0 && 0.0 < half && half <= most, "{half} {most}");
}
