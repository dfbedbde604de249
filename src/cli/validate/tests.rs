use std::time::Duration;

use super::{Options, run};
use crate::cli::served::{Heard, Served};
use crate::http::sample::{check, version};
use crate::machine::board::{CheckState, ConfigState};

const SOON: Duration = Duration::from_secs(20);

fn options(served: &Served, version: Option<&str>, timeout: Duration) -> Options {
    Options { target: served.target(), version: version.map(str::to_owned), timeout }
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
