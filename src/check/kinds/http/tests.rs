use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::probe;
use crate::check::Http;
use crate::check::round::Finding;
use crate::check::tests::access;

/// Asks a server that gives this answer to the first request; returns what was found and what the server was sent.
async fn against(answer: &'static [u8], path: &str) -> (Finding, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let url = format!("http://user:hunter2@{address}{path}");
    let found = ask(&url).await;
    (found, server.join_next().await.unwrap().unwrap())
}

async fn ask(url: &str) -> Finding {
    let (http, access) = (Http::get(url), access());
    tokio::time::timeout(Duration::from_mins(1), probe(&http, &access)).await.expect("it must not hang")
}

fn bad(reason: &str) -> Finding {
    Finding::Bad(reason.to_owned())
}

#[tokio::test]
async fn two_hundreds_are_good() {
    let (found, head) = against(b"HTTP/1.1 204 No Content\r\n\r\n", "/healthz?x=y").await;
    assert_eq!(found, Finding::Good);
    assert!(head.starts_with("GET /healthz?x=y HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("user-agent: lictor/{}\r\n", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(head.contains("authorization: Basic "), "{head}");
    let (found, _) = against(b"HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\nok", "/").await;
    assert_eq!(found, Finding::Good);
}

#[tokio::test]
async fn anything_else_is_bad() {
    let (found, _) = against(b"HTTP/1.1 503 Sorry\r\ncontent-length: 0\r\n\r\n", "/").await;
    assert_eq!(found, bad("503 Service Unavailable"));
    let (found, _) = against(b"HTTP/1.1 599 Odd\r\ncontent-length: 0\r\n\r\n", "/").await;
    assert_eq!(found, bad("599"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_tells_only_the_path() {
    let moved = b"HTTP/1.1 302 x\r\nlocation: http://u:hunter2@other.invalid/login?token=hunter2#hunter2\r\n\r\n";
    assert_eq!(against(moved, "/").await.0, bad("302 Found to /login"));
    let relative = b"HTTP/1.1 301 x\r\nlocation: next?token=hunter2\r\n\r\n";
    assert_eq!(against(relative, "/a/b").await.0, bad("301 Moved Permanently to /a/next"));
    assert_eq!(against(b"HTTP/1.1 304 x\r\n\r\n", "/").await.0, bad("304 Not Modified"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_bad() {
    let (found, _) = against(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "/").await;
    assert_eq!(found, bad("200 OK, but its body was cut short"));
    for answer in [&b""[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 2"] {
        let Finding::Bad(reason) = against(answer, "/secret?token=hunter2").await.0 else { panic!("must fail") };
        assert!(!reason.is_empty() && !reason.contains("hunter2") && !reason.contains("127.0.0.1"), "{reason}");
    }
}

#[tokio::test]
async fn the_rest_of_a_long_body_is_not_waited_for() {
    let long: &'static [u8] =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".as_slice(), &[b'x'; 5000]].concat().leak();
    assert_eq!(against(long, "/").await.0, Finding::Good);
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let found = ask(&format!("http://user:hunter2@{address}/?token=hunter2")).await;
    assert_eq!(found, bad(&format!("cannot connect to {address}: connection refused")));
}

#[tokio::test]
async fn tls_to_a_plain_server_is_bad() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let Finding::Bad(reason) = ask(&url).await else { panic!("must fail") };
    assert!(!reason.contains("127.0.0.1"), "{reason}");
}

#[tokio::test]
async fn not_a_url() {
    for url in ["http://", "http://user:hunter2@/x", "ftp://h/hunter2"] {
        let Finding::Bad(reason) = ask(url).await else { panic!("must fail") };
        assert!(!reason.is_empty() && !reason.contains("hunter2"), "{reason}");
    }
}
