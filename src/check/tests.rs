#[cfg(all(feature = "mysql", feature = "postgres", feature = "redis"))]
mod databases;
mod side_by_side;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::task::JoinSet;

use super::kinds::Surroundings;
use super::net::Access;
use super::net::file::Files;
use super::text::OfService;
use super::tls::Roots;
use super::{Checks, Command, Context, Http, Kind, Spec, Tcp, Text};
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::event::ProbeResult;
use crate::machine::order::Pace;
use crate::machine::policy::{CheckRule, Role};
use crate::machine::{Event, RunId};
use crate::resolve::Resolver;
use crate::service::OwnChildren;

/// A check of nothing in particular, every second.
pub(super) fn spec(name: &str, role: Role) -> Spec {
    let words = ("Healthy".to_owned(), "Unhealthy".to_owned());
    Spec {
        rule: CheckRule { name: name.to_owned(), role, rise: 1, fall: 3, good: words.0, bad: words.1 },
        kind: Kind::Tcp(Tcp::at("127.0.0.1:1")),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
    }
}

/// What probes need, of a service without variables.
pub(super) fn access() -> Access {
    Access {
        resolver: Resolver::default(),
        files: Files::new(None),
        roots: Roots::default(),
        service: OfService::new(watch::Sender::default().subscribe(), Arc::new(|_| Vec::new())),
        reach: None,
        resolving: Arc::default(),
    }
}

/// What commands are run in, of a service without variables.
pub(super) fn surroundings() -> Surroundings {
    Surroundings {
        composed: Arc::default(),
        directory: None,
        user: None,
        own_children: OwnChildren::default(),
        ready: OnceCell::new(),
    }
}

fn tcp(address: String) -> Spec {
    Spec { kind: Kind::Tcp(Tcp::at(address)), ..spec("tcp", Role::Readiness) }
}

fn http(url: String) -> Spec {
    Spec { kind: Kind::Http(Box::new(Http::get(url))), ..spec("web", Role::Readiness) }
}

fn checks(specs: Vec<Spec>) -> (Checks, mpsc::Receiver<Event>, Arc<Environment>) {
    let (inbox, events) = mpsc::channel(16);
    let context = Context {
        min_healthy: Duration::from_secs(10),
        user: None,
        directory: None,
        own_children: OwnChildren::default(),
        environment: Arc::new(|composed| {
            let variables = composed.variables().iter();
            variables.map(|(name, variable)| (name.into(), variable.value.expose_os().to_owned())).collect()
        }),
    };
    (Checks::new(specs, context, inbox), events, Arc::new(Environment::new([].into())))
}

async fn next(events: &mut mpsc::Receiver<Event>) -> (RunId, usize, ProbeResult) {
    let event = tokio::time::timeout(Duration::from_mins(1), events.recv()).await.expect("there must be a finding");
    match event {
        Some(Event::Probed { run, check, outcome, .. }) => (run, check, outcome),
        other => panic!("not a finding: {other:?}"),
    }
}

/// A server that counts its connections and answers each with these bytes, or never.
async fn server(answer: Option<&'static [u8]>) -> (String, mpsc::UnboundedReceiver<()>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (accepted, count) = mpsc::unbounded_channel();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = accepted.send(());
            if let Some(answer) = answer {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer).await;
            } else {
                held.push(stream);
            }
        }
    });
    (address, count, task)
}

#[tokio::test]
async fn up_down_and_slow() {
    let (up, _, _up) = server(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let (slow, _, _slow) = server(None).await;
    let mut late = http(format!("http://{slow}/?token=hunter2"));
    late.timeout = Duration::from_millis(50);
    let specs = vec![http(format!("http://{up}/")), tcp(up), tcp("127.0.0.1:1".to_owned()), late];
    let (mut checks, mut events, environment) = checks(specs);
    checks.probe(RunId(3), Pace::Normal, &environment, None);
    let mut found = vec![None; 4];
    while found.contains(&None) {
        let (run, check, outcome) = next(&mut events).await;
        assert_eq!(run, RunId(3));
        found[check].get_or_insert(outcome);
    }
    let fail = |reason: &str| Some(ProbeResult::Fail(reason.to_owned()));
    let expected = [
        Some(ProbeResult::Pass),
        Some(ProbeResult::Pass),
        fail("cannot connect to 127.0.0.1:1: connection refused"),
        fail("no answer within 50ms"),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn two_runs_are_probed_side_by_side_until_the_probes_of_one_are_stopped() {
    let (mut checks, mut events, environment) = checks(vec![tcp("127.0.0.1:1".to_owned())]);
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    assert_eq!(next(&mut events).await.0, RunId(1));
    checks.probe(RunId(2), Pace::Normal, &environment, None);
    let mut runs = std::collections::BTreeSet::new();
    while runs.len() < 2 {
        runs.insert(next(&mut events).await.0);
    }
    checks.stop(RunId(1));
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(next(&mut events).await.0);
    }
    // A finding of the first run may have waited in the inbox, and says so; none comes after the next one of the other.
    assert!(!runs[2..].contains(&RunId(1)), "{runs:?}");
}

#[tokio::test]
async fn each_run_is_asked_with_its_own_environment() {
    let (old, mut of_old, _old) = server(None).await;
    let (new, mut of_new, _new) = server(None).await;
    let text = Text::OfService("CACHE".to_owned());
    let place = super::Place { url: text, user: None, password: None, tls: None, ca: None, server_name: None };
    let cache = Spec { kind: Kind::Redis(place), ..spec("cache", Role::Readiness) };
    let with = |address: &str| {
        let value = format!("redis://{address}").into();
        let variable = Variable::new(value, "test".into(), Visibility::Secret);
        Arc::new(Environment::new([("CACHE".to_owned(), variable)].into()))
    };
    let (mut checks, _events, _) = checks(vec![cache]);
    checks.probe(RunId(1), Pace::Normal, &with(&old), None);
    of_old.recv().await.unwrap();
    checks.probe(RunId(2), Pace::Normal, &with(&new), None);
    of_new.recv().await.unwrap();
    while of_new.try_recv().is_ok() {}
    checks.stop(RunId(2));
    checks.update(checks.specs.to_vec(), Duration::from_secs(20));
    checks.probe(RunId(1), Pace::Normal, &with(&old), None);
    of_old.recv().await.unwrap();
    assert!(of_new.try_recv().is_err(), "the first run never had the second one's");
}

#[tokio::test]
async fn nothing_cuts_off_what_is_on_its_way() {
    let (slow, mut accepted, _server) = server(None).await;
    let (mut checks, mut events, environment) = checks(vec![http(format!("http://{slow}/"))]);
    checks.probe(RunId(1), Pace::Trial, &environment, None);
    accepted.recv().await.unwrap();
    checks.stop(RunId(1));
    drop(checks);
    let last = tokio::time::timeout(Duration::from_mins(1), events.recv()).await.expect("all tasks must have ended");
    assert_eq!(last, None);
}

#[tokio::test]
async fn new_checks_count_from_the_next_order_on() {
    let (mut checks, mut events, environment) = checks(vec![tcp("127.0.0.1:1".to_owned())]);
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    assert_eq!(next(&mut events).await.1, 0);
    let (up, _, _server) = server(None).await;
    let healthy = Duration::from_secs(10);
    checks.update(vec![tcp("127.0.0.1:1".to_owned()), tcp(up)], healthy);
    assert_eq!(next(&mut events).await.1, 0);
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    while next(&mut events).await != (RunId(1), 1, ProbeResult::Pass) {}
}

#[tokio::test]
async fn a_startup_check_that_has_succeeded_is_not_asked_again_when_another_check_changes() {
    let (up, mut asked, _server) = server(None).await;
    let startup = || Spec { rule: spec("start", Role::Startup).rule, ..tcp(up.clone()) };
    let (mut checks, mut events, environment) = checks(vec![startup(), tcp("127.0.0.1:1".to_owned())]);
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    while next(&mut events).await.1 != 1 {}
    asked.recv().await.unwrap();
    checks.update(vec![startup(), tcp("127.0.0.1:2".to_owned())], Duration::from_secs(10));
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    // The other one is not held back either.
    for _ in 0..3 {
        assert_eq!(next(&mut events).await.1, 1);
    }
    assert!(asked.try_recv().is_err(), "it was asked once");
    checks.probe(RunId(2), Pace::Normal, &environment, None);
    while next(&mut events).await.0 != RunId(2) {}
    asked.recv().await.expect("a new run starts anew");
}

#[tokio::test]
async fn an_adopted_run_holds_no_check_back() {
    let down = Spec { rule: spec("start", Role::Startup).rule, ..tcp("127.0.0.1:1".to_owned()) };
    let (mut checks, mut events, environment) = checks(vec![down, tcp("127.0.0.1:2".to_owned())]);
    checks.adopt(RunId(1));
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    while next(&mut events).await.1 != 1 {}
    checks.stop(RunId(1));
    checks.probe(RunId(2), Pace::Normal, &environment, None);
    while next(&mut events).await.0 != RunId(2) {}
    for _ in 0..3 {
        assert_eq!(next(&mut events).await.1, 0, "a run of our own has to start first");
    }
}

#[tokio::test]
async fn an_update_that_changes_nothing_disturbs_nothing() {
    let specs = vec![tcp("127.0.0.1:1".to_owned())];
    let (mut checks, _events, environment) = checks(specs.clone());
    checks.probe(RunId(1), Pace::Normal, &environment, None);
    let before = Arc::clone(&checks.specs);
    checks.update(specs.clone(), Duration::from_secs(10));
    assert!(Arc::ptr_eq(&before, &checks.specs));
    checks.update(specs, Duration::from_secs(20));
    assert!(!Arc::ptr_eq(&before, &checks.specs), "another min_healthy is another clock");
}

#[tokio::test]
async fn nothing_kills_a_command_on_its_way() {
    let base = tempfile::tempdir().unwrap();
    let pid = base.path().join("pid");
    let script = "echo $$ >\"$PID.new\"; mv \"$PID.new\" \"$PID\"; exec sleep 600".to_owned();
    let command = Command { program: "/bin/sh".into(), arguments: vec!["-c".to_owned(), script] };
    let mut slow = Spec { kind: Kind::Command(command), ..spec("slow", Role::Readiness) };
    slow.timeout = Duration::from_mins(1);
    let (mut checks, _events, _) = checks(vec![slow]);
    let value = pid.display().to_string().into();
    let variable = Variable::new(value, "test".into(), Visibility::Secret);
    let environment = Environment::new([("PID".to_owned(), variable)].into());
    checks.probe(RunId(1), Pace::Normal, &Arc::new(environment), None);
    until(|| pid.exists()).await;
    let pid = std::fs::read_to_string(pid).unwrap();
    checks.stop(RunId(1));
    until(|| !std::path::Path::new("/proc").join(pid.trim()).exists()).await;
}

/// Waits for something that only the file system tells.
async fn until(is: impl Fn() -> bool) {
    let seen = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("it must come to be");
}
