use std::sync::Arc;

use super::{Code, Form, Options, run};
use crate::cli::configuration::Configuration;
use crate::cli::follow::Follow;
use crate::cli::paint::Paint;
use crate::cli::served::{Heard, Served};
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::Moment;
use crate::machine::board::{CandidatePicture, ConfigState, StepName};
use crate::machine::policy::OnChange;

fn environment(variables: &[(&str, &str, Visibility)]) -> Arc<Environment> {
    let variables = variables.iter().map(|(name, value, visibility)| {
        let variable = Variable::new((*value).into(), "consul billing/".into(), *visibility);
        ((*name).to_owned(), variable)
    });
    Arc::new(Environment::new(variables.collect()))
}

async fn asked(served: &Served, form: Form, code: Code) -> (u8, String) {
    let mut out = Heard::default();
    let options =
        Options { target: served.target(), configuration: Configuration::default(), form, code, follow: Follow::Once };
    let code = run(&options, &mut out, &mut Heard::default()).await;
    (code, out.text())
}

const TEXT: Form = Form::Text(Paint::PLAIN);

async fn changed(state: ConfigState, message: Option<&str>) -> Served {
    use Visibility::{Public, Secret};
    let served = Served::new().await;
    let message = message.map(str::to_owned);
    served.change(|board| {
        let running = environment(&[("A", "hunter2", Secret), ("B", "open", Public), ("OLD", "x", Secret)]);
        let wish = environment(&[("A", "hunter23", Secret), ("B", "wide", Public), ("NEW", "", Secret)]);
        board.config.wish = Some(wish.fingerprint());
        (board.environment, board.wish) = (Some(running), Some(wish));
        (board.config.state, board.config.message) = (state, message);
    });
    served
}

#[tokio::test]
async fn changes_are_shown_without_secrets() {
    let served = changed(ConfigState::Held, Some("Held: night shift")).await;
    let (code, text) = asked(&served, TEXT, Code::Plain).await;
    assert_eq!(code, 0, "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "billing  held  night shift");
    let marks: Vec<_> = lines[1..5].iter().map(|line| line[..8].trim()).collect();
    assert_eq!(marks, ["~  A", "~  B", "+  NEW", "-  OLD"], "{text}");
    assert!(lines[1].contains("(7 bytes) -> ") && lines[1].ends_with("(8 bytes)"), "{text}");
    assert!(lines[2].ends_with("open -> wide"), "{text}");
    assert_eq!(lines[5], "1 to add, 2 to change, 1 to remove");
    let (_, json) = asked(&served, Form::Json, Code::Plain).await;
    assert!(json.contains("\"action\":\"held\"") && json.ends_with("}\n"), "{json}");
    assert!(!text.contains("hunter") && !json.contains("hunter"), "{text}{json}");
}

#[tokio::test]
async fn the_exit_code_tells_changes_only_if_asked_and_a_refusal_always() {
    let held = changed(ConfigState::Held, Some("Held: night")).await;
    assert_eq!(asked(&held, TEXT, Code::Changes).await.0, 3);
    for state in [ConfigState::Rejected, ConfigState::Reverted] {
        let refused = changed(state, Some("Rejected: x")).await;
        assert_eq!(asked(&refused, TEXT, Code::Changes).await.0, 1);
        assert_eq!(asked(&refused, TEXT, Code::Plain).await.0, 1);
    }
}

#[tokio::test]
async fn nothing_to_do_is_said() {
    let served = Served::new().await;
    served.change(|board| {
        (board.environment, board.wish) = (Some(environment(&[])), Some(environment(&[])));
    });
    let (code, text) = asked(&served, TEXT, Code::Changes).await;
    assert_eq!((code, text.as_str()), (0, "billing  nothing to do\nno changes\n"));
}

#[tokio::test]
async fn what_does_without_a_restart_is_said() {
    for (effect, word, code, how) in [
        (OnChange::Restart, "restart", 3, ", by a restart"),
        (OnChange::Reload, "reload", 3, ", by a reload"),
        (OnChange::Ignore, "nothing to do", 0, ", from the next start on"),
    ] {
        let served = changed(ConfigState::Pending, None).await;
        served.change(|board| {
            board.candidate = Some(CandidatePicture {
                fingerprint: board.config.wish.unwrap(),
                generation: None,
                step: StepName::Settling,
                since: Moment(1),
                deadline: None,
                keys: Vec::new(),
                effect,
            });
        });
        let (found, text) = asked(&served, TEXT, Code::Changes).await;
        assert_eq!((found, text.contains(word), text.contains(how)), (code, true, true), "{text}");
    }
}

#[tokio::test]
async fn every_violation_has_its_line_and_what_waits_for_a_restart_is_no_change() {
    let served = changed(ConfigState::Rejected, Some("Rejected: A is no url; B is required")).await;
    served.change(|board| board.config.violations = vec!["A is no url".to_owned(), "B is required".to_owned()]);
    let (_, text) = asked(&served, TEXT, Code::Plain).await;
    assert_eq!(text.lines().next(), Some("billing  rejected"), "not twice: {text}");
    assert!(text.contains("\n  !  A is no url\n  !  B is required\n"), "{text}");

    let served = Served::new().await;
    served.change(|board| {
        board.config.pending_restart = vec!["LEVEL".to_owned(), "NOTE".to_owned()];
        (board.environment, board.wish) = (Some(environment(&[])), Some(environment(&[])));
    });
    let (code, text) = asked(&served, TEXT, Code::Changes).await;
    assert_eq!((code, text.contains("pending restart  LEVEL, NOTE\nno changes")), (0, true), "{text}");
}

#[tokio::test]
async fn no_lictor_is_said() {
    let mut served = Served::new().await;
    served.end().await;
    assert_eq!(asked(&served, TEXT, Code::Plain).await.0, 69);
}
