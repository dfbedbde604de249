use std::error::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{Spec, Subject, complete};
use super::{LONGEST_BODY, Unanswered, ask, first_line, from_body};
use crate::environment::{Environment, Redactor, Variable, Visibility};
use crate::listen::{Address, Found, Marks, Share, Sockets};
use crate::machine::{RunId, Version};
use crate::service::OwnChildren;

fn subject(http: Option<String>, command: &[&str]) -> Subject {
    Subject {
        pid: std::process::id(),
        reach: None,
        program: "/opt/billing/billing".into(),
        spec: Spec { http, command: command.iter().map(|word| (*word).to_owned()).collect(), ..Spec::default() },
        environment: Vec::new(),
        redactor: std::sync::Arc::default(),
        directory: None,
        user: None,
        own: OwnChildren::default(),
    }
}

/// Asks a service that gives these answers, one a connection, in their order; gives how many were left over too.
async fn asked(answers: &[&str]) -> (Result<Option<String>, Unanswered>, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let subject = subject(Some(format!("http://user:hunter2@{address}/version")), &[]);
    let mut left = answers.len();
    let serve = async {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(connection.read_u8().await.expect("a whole request"));
            }
            left -= 1;
            // Whoever has read enough closes early.
            let _ = connection.write_all(answer.as_bytes()).await;
        }
        std::future::pending::<()>().await;
    };
    let told = tokio::select! {
        told = ask(&subject) => told,
        () = serve => unreachable!("it never ends"),
    };
    (told, left)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_text_and_a_json_answer() {
    for body in ["1.214", "\n 1.214 \nmore\n", r#"{"version": "1.214"}"#, r#""1.214""#] {
        let (told, _) = asked(&[&answer("200 OK", body)]).await;
        assert_eq!(told.expect("an answer").as_deref(), Some("1.214"), "{body}");
    }
}

#[tokio::test]
async fn of_two_runs_at_one_address_each_tells_its_own_version() {
    let listen = crate::listen::Spec { name: "http".to_owned(), address: Address::Tcp("127.0.0.1:0".parse().unwrap()) };
    let mut sockets = Sockets::open(&[listen], Marks::Heeded, Found::nothing()).unwrap();
    let mut serve = tokio::task::JoinSet::new();
    let mut url = String::new();
    for run in [1, 2] {
        let given = sockets.give(RunId(run)).unwrap().remove(0).socket;
        let listener = TcpListener::from_std(given.into()).unwrap();
        url = format!("http://{}/version", listener.local_addr().unwrap());
        serve.spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let _ = connection.write_all(answer("200 OK", &format!("1.{run}")).as_bytes()).await;
                let _ = connection.read(&mut [0; 1024]).await;
            }
        });
    }
    for steered in [1, 2] {
        sockets.steer(RunId(steered), Share::OF_ALL).unwrap();
        for run in [1, 2] {
            let asks = Subject { reach: sockets.reach(RunId(run)), ..subject(Some(url.clone()), &[]) };
            assert_eq!(ask(&asks).await.unwrap(), Some(format!("1.{run}")), "steered to {steered}");
        }
    }
}

#[tokio::test]
async fn a_service_that_is_still_starting_is_asked_again() {
    let (told, left) = asked(&["", &answer("503 Service Unavailable", ""), &answer("200 OK", "1.214")]).await;
    assert_eq!((told.expect("an answer").as_deref(), left), (Some("1.214"), 0));
}

#[tokio::test]
async fn a_wrong_answer_is_not_asked_for_again() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    let good = answer("200 OK", "1.214");
    let (told, left) = asked(&[moved, &good]).await;
    assert!(matches!(told, Err(Unanswered::Status(status)) if status == 302), "{told:?}");
    assert_eq!(left, 1);

    let (told, left) = asked(&[&answer("200 OK", &"9".repeat(LONGEST_BODY + 1)), &good]).await;
    assert!(matches!(told, Err(Unanswered::TooLong)), "{told:?}");
    assert_eq!(left, 1);

    let (told, left) = asked(&[&answer("200 OK", r#"{"release": "1.214"}"#), &good]).await;
    assert!(matches!(told, Err(Unanswered::NoVersion(_))), "{told:?}");
    assert_eq!(left, 1);
}

#[tokio::test]
async fn no_message_shows_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let asks = subject(None, &[]);
    let refused = super::ask_once(&format!("http://user:hunter2@{address}/"), &asks).await.expect_err("nobody listens");
    let malformed = ask(&subject(Some("http://user:hunter2@:99999/".to_owned()), &[])).await.expect_err("not a URL");
    for unanswered in [refused, malformed] {
        let mut said = format!("{unanswered:?} {unanswered}");
        let mut cause = unanswered.source();
        while let Some(error) = cause {
            said = format!("{said}: {error}");
            cause = error.source();
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_said() {
    let told = ask(&subject(None, &["/nonexistent/billing", "-version"])).await;
    assert!(matches!(told, Err(Unanswered::Command(_))), "{told:?}");
}

#[tokio::test]
async fn who_has_told_is_not_asked_and_who_cannot_be_asked_has_its_commit() {
    let asks = subject(None, &["/nonexistent/billing"]);
    let known = Version { version: Some("1.214".to_owned()), source: Some("ldflags".to_owned()), ..Version::default() };
    assert_eq!(complete(known.clone(), &asks).await, known);

    let stamped = Version { revision: Some("2a4ced04da0e94e0a7df".to_owned()), ..Version::default() };
    for subject in [asks, subject(None, &[])] {
        let told = complete(stamped.clone(), &subject).await;
        assert_eq!((told.version.as_deref(), told.source.as_deref()), (Some("2a4ced04da0e"), Some("vcs")));
    }
}

#[test]
fn a_version_is_the_first_line_with_something_in_it() {
    assert_eq!(first_line(b"\n  \nbilling version 1.214\nbuilt today\n").as_deref(), Some("billing version 1.214"));
    assert_eq!(first_line("9".repeat(201).as_bytes()), None);
    assert_eq!(first_line(b"\x1b[31m1.214"), None);
    assert_eq!(first_line(b""), None);
}

#[test]
fn a_number_keeps_its_zeros_or_is_refused() {
    assert_eq!(from_body(b"1.10").as_deref(), Some("1.10"));
    assert_eq!(from_body(br#"{"version": 7}"#).as_deref(), Some("7"));
    assert_eq!(from_body(br#"{"version": 1.10}"#), None);
    assert_eq!(from_body(br#"{"version": null}"#), None);
}

#[tokio::test]
async fn the_value_of_a_variable_is_no_version() {
    let variable = |value: &str| Variable::new(value.into(), "o".into(), Visibility::Secret);
    let environment = Environment::new([("PASSWORD".to_owned(), variable("hunter2"))].into());
    let subject =
        Subject { redactor: Redactor::of(&environment).into(), ..subject(None, &["/bin/echo", "1.2-hunter2"]) };
    let error = ask(&subject).await.expect_err("not to be shown");
    let sentence = error.to_string();
    assert!(sentence.contains("1.2-[PASSWORD]") && !sentence.contains("hunter2"), "{sentence}");
}

#[tokio::test]
async fn what_is_on_every_host_does_not_hide_a_version() {
    let variable = |value: &str| Variable::new(value.into(), "o".into(), Visibility::Secret);
    let values = [("DEBUG", "1"), ("YEAR", "2026"), ("RELEASE", "2026.11.214"), ("ENV", "prod")];
    let environment = values.map(|(name, value)| (name.to_owned(), variable(value)));
    let environment = Environment::new(environment.into());
    let redactor = super::super::secrets(&environment, &[]);
    let asks = subject(None, &["/bin/echo", "2026.11.214-prod"]);
    let told = ask(&Subject { redactor: redactor.into(), ..asks }).await.expect("to be shown");
    assert_eq!(told.as_deref(), Some("2026.11.214-prod"));
}
