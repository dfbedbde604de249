use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};

use super::{Options, run};
use crate::admin::OperatorRequest;
use crate::cli::served::{Heard, Served};
use crate::http::{self, Handler, Peer, Reply};
use crate::machine::board::sample::{check, version};
use crate::machine::board::{CheckState, ConfigState};
use crate::machine::deployment::{Deployment, Verdict};
use crate::machine::event::Verb;
use crate::machine::order::Effect;

const SOON: Duration = Duration::from_secs(20);

fn options(served: &Served, version: Option<&str>, timeout: Duration) -> Options {
    Options { target: served.target(), version: version.map(str::to_owned), timeout, deployment: None }
}

async fn said(options: &Options) -> (u8, String) {
    let mut out = Vec::new();
    let code = run(options, &mut out).await;
    (code, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn yes_is_said_with_what_was_found() {
    let served = Served::new().await;
    served.change(|board| board.checks = vec![check("Database", CheckState::Passing)]);
    let found = "Database: Healthy\nversion: 1.214\n";
    let with = said(&options(&served, Some("1.214"), Duration::ZERO)).await;
    assert_eq!(with, (0, format!("{found}yes: running 1.214, healthy, config settled\n")));
    let without = said(&options(&served, None, SOON)).await;
    assert_eq!(without, (0, format!("{found}yes: healthy, config settled\n")));
}

#[tokio::test]
async fn no_is_said_with_the_reason_last() {
    let served = Served::new().await;
    let no = said(&options(&served, Some("1.215"), Duration::from_millis(50))).await;
    assert_eq!(no, (1, "version: 1.214\nno: running 1.214, not 1.215\n".to_owned()));

    served.change(|board| {
        board.checks =
            (0..50).map(|number| check(&format!("{number}{}", "x".repeat(3000)), CheckState::Failing)).collect();
        board.config.state = ConfigState::Rejected;
        board.config.message = Some(format!("Rejected: {}", "y\n".repeat(3000)));
    });
    let (code, text) = said(&options(&served, None, SOON)).await;
    assert_eq!(code, 1);
    assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("no: Rejected: y y")), "{text}");
    assert!(text.len() < 2048, "all of it is kept: {} bytes", text.len());
    assert!(text.starts_with("(43 more lines: "), "{text}");
}

#[tokio::test]
async fn the_name_of_another_service_is_a_no() {
    let served = Served::new().await;
    let mut options = options(&served, Some("1.214"), SOON);
    options.target.name = Some("billing".to_owned());
    assert_eq!(said(&options).await.0, 0);
    served.change(|board| board.service = "mail".to_owned());
    let (code, text) = said(&options).await;
    assert_eq!((code, text.lines().last()), (1, Some("no: this is the lictor of mail, not of billing")));
}

#[tokio::test]
async fn it_waits_for_the_yes() {
    let served = Served::new().await;
    served.change(|board| board.build.running = version("1.213"));
    let options = options(&served, Some("1.214"), SOON);
    let deployed = async {
        served.receivers(5).await;
        served.change(|board| board.build.running = version("1.214"));
    };
    let ((code, _), ()) = tokio::join!(said(&options), deployed);
    assert_eq!(code, 0);
}

#[tokio::test]
async fn it_waits_for_the_lictor_and_survives_its_restart() {
    let mut served = Served::absent();
    served.change(|board| board.healthy = false);
    let options = options(&served, Some("1.214"), SOON);
    let heard = Heard::default();
    let lives = async {
        heard.hears("waiting for a lictor to answer: no lictor runs here").await;
        served.begin().await;
        served.receivers(5).await;
        served.end().await;
        served.change(|board| board.healthy = true);
        served.begin().await;
    };
    let mut out = heard.clone();
    let (code, ()) = tokio::join!(run(&options, &mut out), lives);
    assert_eq!(code, 0, "{}", heard.text());
}

#[tokio::test]
async fn without_a_lictor_it_is_69_at_the_end() {
    let served = Served::absent();
    let (code, text) = said(&options(&served, Some("1.214"), Duration::from_millis(50))).await;
    assert_eq!(code, 69);
    assert!(text.lines().last().is_some_and(|line| line.starts_with("no: no lictor runs here")), "{text}");
}

fn deployment() -> Deployment {
    Deployment { id: "d-1".to_owned(), group: "prod".to_owned(), event: "ValidateService".to_owned() }
}

#[tokio::test]
async fn what_a_deployment_is_answered_is_kept() {
    let mut served = Served::new().await;
    for (wanted, code, verdict, reason) in [
        ("1.214", 0, Verdict::Yes, "yes: running 1.214, healthy, config settled"),
        ("1.215", 1, Verdict::No, "no: running 1.214, not 1.215"),
    ] {
        let options =
            Options { deployment: Some(deployment()), ..options(&served, Some(wanted), Duration::from_millis(50)) };
        let kept = async {
            let OperatorRequest { verb, answer, .. } = served.requests.recv().await.unwrap();
            answer.send(Ok(Effect::Done)).unwrap();
            verb
        };
        let (said, verb) = tokio::join!(said(&options), kept);
        assert_eq!(said, (code, format!("version: 1.214\n{reason}\n")));
        assert_eq!(verb, Verb::Validated { deployment: deployment(), verdict, reason: reason.to_owned() });
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_an_answer() {
    let mut served = Served::new().await;
    served.requests.close();
    let options = Options { deployment: Some(deployment()), ..options(&served, Some("1.214"), SOON) };
    let expected = "version: 1.214\nnot kept in lictor's history: lictor is stopping\n\
                    yes: running 1.214, healthy, config settled\n";
    assert_eq!(said(&options).await, (0, expected.to_owned()));
}

#[tokio::test]
async fn what_is_installed_but_not_restarted_is_said() {
    let served = Served::new().await;
    served.change(|board| {
        board.build.outdated = true;
        board.build.installed = version("1.215");
    });
    let why = "1.215 is installed but not restarted";
    let no = said(&options(&served, Some("1.215"), Duration::from_millis(50))).await;
    assert_eq!(no, (1, format!("version: 1.214\nno: running 1.214, not 1.215; {why}\n")));
    let any = said(&options(&served, None, Duration::from_millis(50))).await;
    assert_eq!(any, (1, format!("version: 1.214\nno: {why}\n")));
    let older = said(&options(&served, Some("1.214"), SOON)).await;
    let expected = format!("version: 1.214\nmind: {why}\nyes: running 1.214, healthy, config settled\n");
    assert_eq!(older, (0, expected));
}

#[test]
fn a_deployment_is_known_by_its_id() {
    let variables =
        [("DEPLOYMENT_ID", "d-1"), ("DEPLOYMENT_GROUP_NAME", "prod"), ("LIFECYCLE_EVENT", "ValidateService")];
    let of = |known: &[(&str, &str)]| {
        let value = |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        super::of_environment(value)
    };
    assert_eq!(of(&variables), Some(deployment()));
    assert_eq!(of(&variables[1..]), None);
    assert_eq!(of(&variables[..1]).map(|deployment| deployment.to_string()), Some("d-1".to_owned()));
    assert_eq!(deployment().to_string(), "d-1 of prod (ValidateService)");
}

#[tokio::test]
async fn where_too_many_wait_it_asks_without_a_wait() {
    let mut served = Served::absent();
    served.waits(0);
    served.begin().await;
    served.change(|board| board.healthy = false);
    let options = options(&served, Some("1.214"), SOON);
    let heard = Heard::default();
    let recovers = async {
        heard.hears("not yet: ").await;
        served.change(|board| board.healthy = true);
    };
    let mut out = heard.clone();
    let (code, ()) = tokio::join!(run(&options, &mut out), recovers);
    assert_eq!(code, 0, "{}", heard.text());
}

/// A lictor that has no time at all.
#[derive(Clone)]
struct Busy;

impl Handler for Busy {
    fn handle(&self, _peer: &Peer, _request: Request<Incoming>) -> Reply {
        Reply::now(http::error(StatusCode::TOO_MANY_REQUESTS, "too many requests wait already"))
    }
}

#[tokio::test]
async fn a_lictor_that_stays_busy_is_no_bug() {
    let mut served = Served::absent();
    served.begin_with(Busy).await;
    let (code, text) = said(&options(&served, Some("1.214"), Duration::from_millis(700))).await;
    assert_eq!(code, 69, "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("no: lictor is busy at ")), "{text}");
}
