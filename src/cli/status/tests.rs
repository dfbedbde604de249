use std::sync::Arc;
use std::time::Duration;

use super::{Options, render, run};
use crate::cli::follow::Follow;
use crate::cli::paint::{Form, Paint};
use crate::cli::served::{Heard, Served};
use crate::environment::Freshness;
use crate::machine::board::sample::{board, check, version};
use crate::machine::board::{
    BesidePicture, BesideRole, Board, CandidatePicture, CheckState, ConfigState, ExitPicture, Phase, ProcessPicture,
    StepName,
};
use crate::machine::build::Build;
use crate::machine::event::{Exit, Need, SourceReport};
use crate::machine::hold::Hold;
use crate::machine::numbers::RunId;
use crate::machine::policy::{OnChange, Role};
use crate::machine::reload::{ConfigReload, Pending};
use crate::machine::{Moment, Version};

/// Two hours and five minutes after the service was up.
const LATER: Moment = Moment(3_000 + 7_500_000);

fn source(name: &str, keys: Option<usize>, freshness: Freshness) -> SourceReport {
    SourceReport { name: Arc::from(name), keys, need: Need::default(), freshness }
}

fn ago(board: &Board, ago: Duration) -> u64 {
    board.epoch_unix_ms + LATER.0 - u64::try_from(ago.as_millis()).unwrap()
}

#[test]
fn all_is_well() {
    let mut board = board();
    board.build.running.revision = Some("0123456789abcdef0123".to_owned());
    board.build.running.go = Some("go1.26.8".to_owned());
    board.checks = vec![check("Database", CheckState::Passing), check("Web", CheckState::Passing)];
    board.checks[0].latency_ms = Some(3.24);
    let contact_unix_ms = Some(ago(&board, Duration::from_secs(3)));
    board.sources = vec![source("consul billing/", Some(12), Freshness { contact_unix_ms, ..Freshness::default() })];
    let expected = "\
billing  up, healthy  for 2h 5m
  process  pid 4711, started 2h 5m ago, 0 restarts
  version  1.214 (ldflags), commit 0123456789ab, go1.26.8
  config   good
  runs on  3f9a0c12be77, generation 1, 12 variables, for 2h 5m
checks
  Database  Healthy  readiness  for 2h 5m  3.2ms
  Web       Healthy  readiness  for 2h 5m  -
sources
  consul billing/  12 keys  heard 3s ago
";
    assert_eq!(render(&board, LATER, Paint::PLAIN), expected);
}

#[test]
fn trouble_is_told_where_it_is() {
    let mut board = board();
    board.healthy = false;
    board.phase_since = Moment(LATER.0 - 90_000);
    board.restarts = 1;
    board.build.installed = version("1.215");
    board.build.installed_build = Build("go:b".to_owned());
    board.config.state = ConfigState::Trial;
    board.config.message = Some("Stale since 12:00\u{1b}[2J".to_owned());
    board.config.wish = Some("77aa00bb11cc".parse().unwrap());
    board.config.pending_restart = vec!["LEVEL".to_owned(), "NOTE".to_owned()];
    board.candidate = Some(CandidatePicture {
        fingerprint: "77aa00bb11cc".parse().unwrap(),
        generation: None,
        step: StepName::Trial,
        since: Moment(LATER.0 - 5_000),
        deadline: Some(Moment(LATER.0 + 85_000)),
        keys: (0..7).map(|number| format!("KEY_{number}")).collect(),
        effect: OnChange::Restart,
    });
    board.checks = vec![check("Database", CheckState::Failing), check("Disk", CheckState::Failing)];
    board.checks[0].why = Some("connection refused".to_owned());
    board.checks[1].role = Role::Info;
    let failing = Freshness {
        contact_unix_ms: Some(ago(&board, Duration::from_mins(6))),
        failing_since_unix_ms: Some(ago(&board, Duration::from_mins(5))),
        error: Some("no leader".to_owned()),
        ..Freshness::default()
    };
    board.sources =
        vec![source("consul billing/", Some(1), failing), source("file /etc/x.env", None, Freshness::default())];
    let expected = "\
billing  up, not healthy  for 1m 30s
  process    pid 4711, started 2h 5m ago, 1 restart
  version    1.214 (ldflags)
  on disk    1.215 (ldflags)
  config     on trial
             Stale since 12:00 [2J
  runs on    3f9a0c12be77, generation 1, 12 variables, for 2h 5m
  newest     77aa00bb11cc
  pending    LEVEL, NOTE: from the next start on
  candidate  77aa00bb11cc proves itself, for 5s, 1m 25s left
  changes    KEY_0, KEY_1, KEY_2, KEY_3, KEY_4 and 2 more
checks
  Database  Unhealthy  readiness  for 2h 5m  -  connection refused
  Disk      Unhealthy  info       for 2h 5m  -
sources
  consul billing/  1 key          heard 6m 0s ago  failing for 5m 0s: no leader
  file /etc/x.env  no answer yet
";
    assert_eq!(render(&board, LATER, Paint::PLAIN), expected);
}

#[test]
fn a_service_that_is_down() {
    let mut board = board();
    board.phase = Phase::BackingOff;
    board.process = None;
    board.build.running = Version::default();
    board.build.running_build = None;
    board.healthy = false;
    let text = "killed by SIGSEGV".to_owned();
    board.last_exit =
        Some(ExitPicture { run: RunId(1), at: Moment(LATER.0 - 400), exit: Some(Exit::Signal(11)), text, crashes: 1 });
    board.next_start = Some(Moment(LATER.0 + 12_000));
    board.stopping = true;
    let expected = "\
billing  down  for 2h 5m  lictor is stopping
  last exit   killed by SIGSEGV, 400ms ago
  next start  in 12s
  version     unknown
  on disk     1.214 (ldflags)
  config      good
  runs on     3f9a0c12be77, generation 1, 12 variables, for 2h 5m
";
    assert_eq!(render(&board, LATER, Paint::PLAIN), expected);
}

#[test]
fn a_process_that_is_to_take_over() {
    let mut board = board();
    let process = ProcessPicture { run: RunId(2), pid: Some(4712), ..board.process.clone().unwrap() };
    let environment = "77aa00bb11cc".parse().unwrap();
    for (role, ready, expected) in [
        (BesideRole::New, false, "beside      pid 4712 warms up on 77aa00bb11cc"),
        (BesideRole::New, true, "beside      pid 4712 is ready on 77aa00bb11cc"),
        (BesideRole::Old, true, "beside      pid 4712 stays on 77aa00bb11cc until the new one has proved itself"),
        (BesideRole::Leaving, false, "beside      pid 4712 is being stopped"),
    ] {
        board.beside = Some(BesidePicture { process: process.clone(), role, environment, ready });
        let shown = render(&board, LATER, Paint::PLAIN);
        let line = shown.lines().find(|line| line.trim().starts_with("beside")).unwrap_or_default();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), expected.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn colours_say_no_more_than_words() {
    let mut board = board();
    board.checks = vec![check("Database", CheckState::Failing)];
    let coloured = render(&board, LATER, Paint::ANSI);
    assert!(coloured.contains("\u{1b}[31mUnhealthy\u{1b}[0m"), "{coloured}");
    let mut bare = coloured;
    for code in ["0", "1", "2", "31", "32", "33"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, render(&board, LATER, Paint::PLAIN));
}

fn options(served: &Served, form: Form, follow: Follow) -> Options {
    Options { target: served.target(), form, follow }
}

#[tokio::test]
async fn once_from_a_running_lictor() {
    let served = Served::new().await;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&options(&served, Form::Text(Paint::PLAIN), Follow::Once), &mut out, &mut err).await;
    assert_eq!((code, err.as_slice()), (0, &b""[..]));
    assert!(out.starts_with(b"billing  up, healthy  for "));

    served.change(|board| board.healthy = false);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&options(&served, Form::Json, Follow::Once), &mut out, &mut err).await;
    let board: Board = serde_json::from_slice(&out).unwrap();
    assert_eq!((code, board.index, out.last()), (1, 8, Some(&b'\n')));
}

#[tokio::test]
async fn watching_shows_each_change_and_goes_on_with_the_next_lictor() {
    let mut served = Served::new().await;
    let options = options(&served, Form::Text(Paint::PLAIN), Follow::On);
    let (heard, told) = (Heard::default(), Heard::default());
    let (mut out, mut err) = (heard.clone(), told.clone());
    let watched = async {
        heard.hears("up, healthy").await;
        served.change(|board| board.phase = Phase::Stopping);
        heard.hears("stopping").await;
        served.end().await;
        told.hears("; waiting for it").await;
        served.change(|board| (board.index, board.phase, board.service) = (1, Phase::Up, "next".to_owned()));
        served.begin().await;
        heard.hears("next  up, healthy").await;
    };
    tokio::select! {
        ended = run(&options, &mut out, &mut err) => panic!("it ended with {ended}: {}", told.text()),
        () = watched => {}
    }
    assert_eq!(told.text().lines().count(), 1, "it is said once: {}", told.text());
}

#[tokio::test]
async fn json_passes_on_what_a_newer_lictor_answers() {
    let served = Served::new().await;
    let mut raw = serde_json::to_value(board()).unwrap();
    raw["phase"] = "levitating".into();
    raw["news"] = true.into();
    let text = raw.to_string();
    let options = options(&served, Form::Json, Follow::Once);
    let shown = super::text(&options, text.clone().into_bytes()).unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), text.clone() + "\n");
    let gist: super::Gist = serde_json::from_str(&text).unwrap();
    assert!(gist.healthy);
}

#[tokio::test]
async fn without_a_lictor_it_is_69() {
    let served = Served::absent();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&options(&served, Form::Json, Follow::Once), &mut out, &mut err).await;
    assert_eq!((code, out.as_slice()), (69, &b""[..]));
    assert!(String::from_utf8(err).unwrap().starts_with("lictor: no lictor runs here (looked in "));
}

#[test]
fn a_hold_and_what_waits_for_a_restart() {
    let mut board = board();
    let since_unix_ms = ago(&board, Duration::from_mins(65));
    board.hold = Some(Hold {
        reason: "waiting for the DBA".to_owned(),
        since_unix_ms,
        until_unix_ms: Some(ago(&board, Duration::ZERO) + 3_600_000),
        who: Some(1000),
    });
    board.reload = Some(ConfigReload {
        at: Moment(LATER.0 - 5_000),
        errors: vec!["a.hcl:1:1: unknown word `colour`".to_owned()],
        pending: Pending { service: vec!["exec.user".to_owned()], lictor: vec!["log".to_owned()] },
    });
    let text = render(&board, LATER, Paint::PLAIN);
    for line in [
        "  hold     waiting for the DBA, by uid 1000, for 1h 5m, 1h 0m left\n",
        "  reload   refused 5s ago; nothing was changed\n",
        "           a.hcl:1:1: unknown word `colour`\n",
        "  pending  exec.user: at the next start of the service\n",
        "  pending  log: at the next start of lictor\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn where_the_socket_may_not_be_used_the_status_port_answers() {
    let served = Served::absent();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(&served, Form::Text(Paint::PLAIN), Follow::Once);
    options.target.port = listener.local_addr().unwrap();
    let (_boards, latest) = tokio::sync::watch::channel(Arc::new(board()));
    let (_trigger, watcher) = crate::drain::channel();
    let resources = crate::http::Resources::new(latest, watcher.clone());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(crate::http::serve(listener, crate::http::Limits::STATUS, resources, watcher));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(&options, &mut out, &mut err).await, 0);
    let told = String::from_utf8(err).unwrap();
    assert!(
        out.starts_with(b"billing  up, healthy") && told.contains("verbs, history and plan are not served"),
        "{told}"
    );

    options.target.name = Some("mail".to_owned());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&options, &mut out, &mut err).await;
    assert_eq!((code, out.len()), (69, 0), "it is the lictor of another service: {}", String::from_utf8_lossy(&err));
}
