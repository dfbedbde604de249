//! Databases that are none, say too much, or nothing: none of it harms lictor, and no connection outlives its probe.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{access, spec, surroundings};
use crate::check::kinds::{Kept, Probes};
use crate::check::round::Finding;
use crate::check::round::Prober;
use crate::check::{Kind, Place, Spec, Sql, Tcp, Text};
use crate::machine::policy::Role;

fn place(url: String) -> Place {
    Place { url: Text::Written(url.into()), user: None, password: None, tls: None, ca: None, server_name: None }
}

fn sql(url: String) -> Sql {
    Sql { place: place(url), query: "SELECT 1".to_owned(), expect: None }
}

async fn probe(kind: Kind, timeout: Duration) -> Finding {
    let specs = [Spec { kind, timeout, ..spec("database", Role::Readiness) }].into();
    let probes = Probes { specs, access: access(), surroundings: surroundings(), kept: Kept::default() };
    probes.probe(0).await
}

/// A server that says this, whatever it is told; its task ends with what it has heard once the other end has closed.
async fn saying(answer: &[u8]) -> (String, JoinSet<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = answer.to_vec();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(&answer).await;
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    (address, server)
}

/// What is found where this is said, by a client that closes its connection.
async fn found(answer: &[u8], kind: impl FnOnce(&str) -> Kind) -> Finding {
    let (address, mut server) = saying(answer).await;
    let found = probe(kind(&address), Duration::from_millis(500)).await;
    let closed = tokio::time::timeout(Duration::from_mins(1), server.join_next()).await;
    assert!(closed.is_ok(), "the connection outlived its probe");
    match found {
        Finding::Bad(why) => Finding::Bad(why.replace(&address, "ADDRESS")),
        other => other,
    }
}

fn bad(reason: &str) -> Finding {
    Finding::Bad(reason.to_owned())
}

#[tokio::test]
async fn who_says_nothing_is_left() {
    let nothing = bad("no answer within 500ms");
    for tls in ["disable", "require"] {
        let url = |at: &str| Kind::Postgres(sql(format!("postgres://app:hunter2@{at}/x?sslmode={tls}")));
        assert_eq!(found(b"", url).await, nothing);
    }
    assert_eq!(found(b"", |at| Kind::Mysql(sql(format!("app:hunter2@tcp({at})/x")))).await, nothing);
    for scheme in ["redis", "rediss"] {
        let place = |at: &str| place(format!("{scheme}://:hunter2@{at}"));
        assert_eq!(found(b"", |at| Kind::Redis(place(at))).await, nothing);
    }
    let hears = |at: &str| Kind::Tcp(Tcp { expect: Some("x".to_owned()), ..Tcp::at(at) });
    assert_eq!(found(b"", hears).await, nothing);
}

#[tokio::test]
async fn what_is_no_postgresql_is_not_taken_for_one() {
    let with =
        |mode: &'static str| move |at: &str| Kind::Postgres(sql(format!("postgres://a:hunter2@{at}/?sslmode={mode}")));
    let web = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    assert_eq!(found(web, with("disable")).await, bad("its answer is not a message of PostgreSQL's"));
    assert_eq!(found(web, with("prefer")).await, bad("the server at ADDRESS is not PostgreSQL"));
    assert_eq!(found(b"N", with("require")).await, bad("ADDRESS has no TLS, and `tls` asks for it"));
    let huge = b"R\0\0\0\x08\0\0\0\0D\x7f\xff\xff\xff";
    assert_eq!(found(huge, with("disable")).await, bad("its answer is not a message of PostgreSQL's"));
    // It asks for a work that would take hours.
    let scram = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x2c\0\0\0\x0br=x,s=AAAA,i=4294967295                 ";
    let Finding::Bad(why) = found(scram, with("disable")).await else { panic!("must fail") };
    assert!(!why.contains("no answer"), "{why}");
}

#[tokio::test]
async fn what_a_server_says_is_told_without_the_password() {
    let error = |text: &str| {
        let fields = format!("SFATAL\0VFATAL\0C28P01\0M{text}\0\0");
        let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        [&b"E"[..], &length, fields.as_bytes()].concat()
    };
    let url = |at: &str| Kind::Postgres(sql(format!("postgres://app:hunter2@{at}/?sslmode=disable")));
    let told = found(&error("not hunter2,\nbut \u{1b}[1mother"), url).await;
    assert_eq!(told, bad("not [password], but  [1mother"));
    let Finding::Bad(long) = found(&error(&"x".repeat(9999)), url).await else { panic!("must fail") };
    assert_eq!(long.chars().count(), 200);
}

#[tokio::test]
async fn what_is_no_redis_or_mysql_is_not_taken_for_one() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"$99999999999\r\n",
        b"*99999999\r\n",
        b"+OK\r\n+OK\r\n",
        b"\xff\xff\xff\0",
    ] {
        let redis = |at: &str| Kind::Redis(place(format!("redis://:hunter2@{at}")));
        let mysql = |at: &str| Kind::Mysql(sql(format!("mysql://app:hunter2@{at}/")));
        for found in [found(answer, redis).await, found(answer, mysql).await] {
            let Finding::Bad(why) = found else { panic!("must fail") };
            assert!(!why.is_empty() && !why.contains("hunter2") && why.chars().count() <= 200, "{why}");
        }
    }
}

#[tokio::test]
async fn without_a_user_nobody_is_asked() {
    let reason = bad("it names no user: write one in the URL, or `user`");
    let timeout = Duration::from_secs(5);
    assert_eq!(probe(Kind::Postgres(sql("postgres://127.0.0.1:1/x".to_owned())), timeout).await, reason);
    assert_eq!(probe(Kind::Mysql(sql("mysql://127.0.0.1:1/x".to_owned())), timeout).await, reason);
}
