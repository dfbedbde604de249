//! What is sent, and how every kind of trouble is named.

use std::path::PathBuf;

use super::*;
use crate::consul::Class;
use crate::consul::fake_consul::{FakeConsul, Fault};
use crate::consul::watch::Query;

const SOON: Duration = Duration::from_millis(200);
/// Nothing here takes this long.
const LONG: Duration = Duration::from_secs(20);

async fn fake() -> FakeConsul {
    let fake = FakeConsul::start().await;
    fake.put("app/a", "1");
    fake
}

fn client(fake: &FakeConsul) -> Client {
    Client::new(&Connection::at(fake.address())).unwrap()
}

/// The error of one read of `app/`, with room for so much.
async fn trouble(fake: &FakeConsul, limit: usize) -> Error {
    trouble_within(LONG, fake, limit).await
}

async fn trouble_within(time: Duration, fake: &FakeConsul, limit: usize) -> Error {
    let client = client(fake);
    let endpoint = client.endpoint("/v1/kv/app/", "kv app/");
    client.get(&endpoint, "recurse", time, limit).await.unwrap_err()
}

#[tokio::test]
async fn a_request_carries_what_was_configured_and_nothing_in_its_query_that_is_secret() {
    let fake = fake().await;
    let mut connection = Connection::at(format!("http://{}", fake.address()));
    connection.token = Some("the-token".into());
    connection.auth = Some(("user".to_owned(), Some("pass".into())));
    connection.namespace = Some("a&b".to_owned());
    connection.partition = Some("part".to_owned());
    let client = Client::new(&connection).unwrap();
    let folder = client.folder("app", Some("dc 2"));
    client.list(&folder, &Query::PLAIN).await.unwrap();

    let seen = fake.state().requests.remove(0);
    assert_eq!(seen.path, "/v1/kv/app/");
    assert_eq!(seen.query, "recurse&dc=dc%202&ns=a%26b&partition=part");
    assert_eq!(seen.token.as_deref(), Some("the-token"));
    assert_eq!(seen.authorization.as_deref(), Some("Basic dXNlcjpwYXNz"));
    assert!(!format!("{client:?} {connection:?}").contains("the-token"), "{client:?}");
}

#[tokio::test]
async fn no_answer_in_time() {
    for fault in [Fault::Hang, Fault::Drip(Duration::from_millis(50))] {
        let fake = fake().await;
        fake.next([fault]);
        let error = trouble_within(SOON, &fake, 1 << 20).await;
        assert_eq!(error.class(), Class::Timeout, "{error:?}");
        assert!(error.sentence().contains(&fake.address()), "{error}");
    }
}

#[tokio::test]
async fn a_lost_connection_says_where_and_why() {
    let fake = fake().await;
    for fault in [Fault::Close, Fault::Cut] {
        fake.next([fault]);
        let error = trouble(&fake, 1 << 20).await;
        assert_eq!(error.class(), Class::Unreachable, "{error:?}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let client = Client::new(&Connection::at(address.clone())).unwrap();
    let error = client.list(&client.folder("app/", None), &Query::PLAIN).await.unwrap_err();
    assert_eq!(
        error.sentence(),
        format!(
            "consul at {address} (kv app/) cannot be reached; check that its agent runs and that address and tls are \
             right: Connection refused (os error 111)"
        )
    );
}

#[tokio::test]
async fn what_is_too_large_is_not_read_announced_or_not() {
    let fake = fake().await;
    let announced = trouble(&fake, 50).await;
    assert!(matches!(announced, Error::TooLarge { .. }), "{announced:?}");
    fake.next([Fault::Chunked]);
    let counted = trouble(&fake, 50).await;
    assert!(matches!(counted, Error::TooLarge { .. }), "{counted:?}");
    fake.next([Fault::Status(500, "rpc error: the-end")]);
    let error = trouble(&fake, 50).await;
    assert_eq!(error.class(), Class::NoLeader);
    assert!(error.to_string().contains("500 (rpc error: the-end)"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let fake = fake().await;
    fake.next([Fault::Status(307, "")]);
    assert_eq!(trouble(&fake, 1 << 20).await.class(), Class::Invalid);
    assert_eq!(fake.state().requests.len(), 1);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let sentence = |change: &dyn Fn(&mut Connection)| {
        let mut connection = Connection::at("https://127.0.0.1:1");
        change(&mut connection);
        Client::new(&connection).unwrap_err().sentence()
    };
    let tls = |tls: Tls| sentence(&|connection| connection.tls = Some(tls.clone()));
    let missing = || Some(PathBuf::from("/does/not/exist.pem"));
    for (sentence, word) in [
        (tls(Tls { ca_cert_bytes: Some("no PEM".into()), ..Tls::default() }), "ca_cert_bytes"),
        (tls(Tls { ca_cert: missing(), ..Tls::default() }), "ca_cert /does/not/exist.pem"),
        (tls(Tls { ca_path: missing(), ..Tls::default() }), "ca_path /does/not/exist.pem"),
        (tls(Tls { cert: missing(), ..Tls::default() }), "cert /does/not/exist.pem"),
        (tls(Tls { cert: Some("/dev/null".into()), ..Tls::default() }), "cert /dev/null"),
        (tls(Tls { key: missing(), ..Tls::default() }), "key"),
        (tls(Tls { server_name: Some("10.0.0.1".to_owned()), ..Tls::default() }), "server_name"),
        (sentence(&|connection| connection.address = "ftp://x".to_owned()), "address"),
        (sentence(&|connection| connection.token = Some("hun\nter2".into())), "token"),
    ] {
        assert!(sentence.contains(word) && !sentence.contains("ter2"), "{word}: {sentence}");
    }
}

#[test]
fn what_a_server_said_is_one_short_line_without_our_token() {
    for (body, token, kept) in [
        ("  Permission denied\r\nmore", None, "Permission denied"),
        ("a\u{1b}[31mb", None, "a[31mb"),
        ("token the-token is wrong", Some("the-token"), ""),
        ("token the-token is wrong", Some("another"), "token the-token is wrong"),
        ("", Some(""), ""),
    ] {
        assert_eq!(ServerText::of(body.as_bytes(), token.map(str::as_bytes)).as_str(), kept);
    }
    assert_eq!(ServerText::of("x".repeat(5000).as_bytes(), None).as_str().len(), 160);
}
