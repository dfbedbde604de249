use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, watch};

use super::{Surroundings, judge, probe};
use crate::check::Command;
use crate::check::net::Access;
use crate::check::round::Finding;
use crate::check::tests::access;
use crate::check::text::OfService;
use crate::environment::{Environment as Composed, Redactor, Variable, Visibility};
use crate::machine::event::Exit;
use crate::service::OwnChildren;
use crate::service::errand::{CannotRun, Finished};

const SECOND: Duration = Duration::from_secs(1);

fn composed() -> Composed {
    let password = Variable::new("hunter2\nhunter3".into(), "test".into(), Visibility::Secret);
    Composed::new([("PASSWORD".to_owned(), password)].into())
}

fn judged(exit: Option<Exit>, output: &[u8]) -> Finding {
    judge(Ok(Finished { exit, output: output.to_vec() }), SECOND, &Redactor::of(&composed()))
}

#[test]
fn the_code_is_the_answer() {
    assert_eq!(judged(Some(Exit::Code(0)), b"all is well\n"), Finding::Good);
    assert_eq!(judged(Some(Exit::Code(1)), b"80% full\n\n  \n"), Finding::Warning("80% full".to_owned()));
    assert_eq!(judged(Some(Exit::Code(2)), b"a\nb\n"), Finding::Bad("b".to_owned()));
    assert_eq!(judged(Some(Exit::Code(2)), b" \n"), Finding::Bad("exited with 2".to_owned()));
    assert_eq!(judged(Some(Exit::Signal(11)), b"trace"), Finding::Bad("was killed by signal 11".to_owned()));
    assert_eq!(judged(None, b"waiting\n"), Finding::Bad("no answer within 1s".to_owned()));
}

#[test]
fn no_value_is_in_the_reason() {
    assert_eq!(judged(Some(Exit::Code(2)), b"login with hunter2\nhunter3 failed"), bad("login with [PASSWORD] failed"));
    assert_eq!(judged(Some(Exit::Code(1)), b"no hunter3\x07"), Finding::Warning("no [PASSWORD]".to_owned()));
}

#[test]
fn an_output_that_lost_its_beginning_may_begin_within_a_value() {
    let mut output = b"unter3 ".to_vec();
    output.resize(4096, b'x');
    let Finding::Bad(reason) = judged(Some(Exit::Code(2)), &output) else { panic!("must fail") };
    assert!(reason.starts_with("[PASSWORD] xxx"), "{reason}");
}

#[test]
fn a_program_that_is_not_there() {
    let end = CannotRun { program: "/opt/x".to_owned(), source: std::io::ErrorKind::NotFound.into() };
    let found = judge(Err(end), SECOND, &Redactor::of(&composed()));
    assert_eq!(found, bad("cannot run /opt/x: no such file or directory"));
}

fn bad(reason: &str) -> Finding {
    Finding::Bad(reason.to_owned())
}

async fn shell(script: &str, timeout: Duration) -> Finding {
    let around = Surroundings {
        composed: Arc::new(composed()),
        directory: Some(PathBuf::from("/")),
        user: None,
        own_children: OwnChildren::default(),
        ready: OnceCell::new(),
    };
    let whole = |_: &Composed| vec![(OsString::from("PASSWORD"), OsString::from("hunter2\nhunter3"))];
    let service = OfService::new(watch::Sender::default().subscribe(), Arc::new(whole));
    let access = Access { service, ..access() };
    let command = Command { program: PathBuf::from("/bin/sh"), arguments: vec!["-c".to_owned(), script.to_owned()] };
    probe(&command, timeout, &around, &access).await
}

#[tokio::test]
async fn a_real_program_runs_with_the_environment_of_the_service() {
    let long = Duration::from_mins(1);
    assert_eq!(shell("test \"$(pwd)\" = /", long).await, Finding::Good);
    assert_eq!(shell("echo \"with $PASSWORD\" >&2; exit 3", long).await, bad("with [PASSWORD]"));
    assert_eq!(shell("echo hm; exit 1", long).await, Finding::Warning("hm".to_owned()));
    assert_eq!(shell("kill -9 $$", long).await, bad("was killed by signal 9"));
}

#[tokio::test]
async fn a_real_program_that_hangs_is_cut_off() {
    let timeout = Duration::from_millis(50);
    assert_eq!(shell("exec sleep 600", timeout).await, bad("no answer within 50ms"));
}
