//! What runs, read through `/proc`: replaced, deleted, behind a wrapper.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};

use futures_util::FutureExt as _;
use lictor::gobuild;
use lictor::machine::{Build, Version};
use lictor::version::{self, ProcessChoice, Program, Spec, Subject};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::workshop::Workshop;

const SET: &str = "-ldflags=-X main.version=1.214";

/// A process group that is gone at the end of the test.
struct Service(Child);

impl Service {
    fn start(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("a program that can be run"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process number");
        kill_process_group(group, Signal::KILL).expect("our own group");
        self.0.wait().expect("our own child");
    }
}

fn subject(service: &Service, program: &Path, process: ProcessChoice) -> Subject {
    Subject {
        reach: None,
        pid: service.0.id(),
        program: program.to_owned(),
        spec: Spec { process, ..Spec::default() },
        environment: Vec::new(),
        redactor: std::sync::Arc::default(),
        directory: None,
        user: None,
        own: lictor::service::OwnChildren::default(),
    }
}

fn installed(command: &Path) -> (Build, Version) {
    Program { command: command.to_owned(), directory: None, path: None, spec: Spec::default() }.read()
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a writable directory");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("our own file");
}

#[tokio::test]
async fn what_runs_is_told_from_what_lies_on_the_disk() {
    let shop = Workshop::new();
    let program = shop.build("billing", &[SET]);
    let service = Service::start(&program);
    let subject = subject(&service, &program, ProcessChoice::Main);
    let (build, told) = version::identify(&subject).await;
    assert_eq!((told.version.as_deref(), told.source.as_deref()), (Some("1.214"), Some("ldflags")));
    assert_eq!(build, gobuild::identity(&program));
    assert_eq!(installed(&program), (build.clone(), told.clone()));

    // Deployed but not restarted.
    std::fs::rename(shop.build("new", &["-ldflags=-X main.version=1.215"]), &program).expect("the same directory");
    let (new_build, new) = installed(&program);
    assert_eq!(new.version.as_deref(), Some("1.215"));
    assert_ne!(new_build, build);
    assert_eq!(version::identify(&subject).await, (build.clone(), told.clone()));

    std::fs::remove_file(&program).expect("our own file");
    assert_eq!(version::identify(&subject).await, (build, told));
    assert_eq!(installed(&program), Default::default());
}

#[tokio::test]
async fn behind_a_wrapper_the_newest_go_program_of_the_group_speaks() {
    let shop = Workshop::new();
    let program = shop.build("billing", &[SET]);
    let wrapper = shop.place("wrapper");
    script(&wrapper, &format!("#!/bin/sh\n{} &\nwait\n", program.display()));
    let service = Service::start(&wrapper);
    let (build, told) = version::read(&subject(&service, &wrapper, ProcessChoice::Group)).await;
    assert_eq!(told.version.as_deref(), Some("1.214"));
    // What was executed is what compares with the file on disk.
    assert_eq!(build, gobuild::identity(&wrapper));
}

#[tokio::test]
async fn a_wrapper_that_becomes_the_program_is_waited_for() {
    let shop = Workshop::new();
    let program = shop.build("billing", &[SET]);
    let (wrapper, gate) = (shop.place("wrapper"), shop.place("gate"));
    run_mkfifo(&gate);
    script(&wrapper, &format!("#!/bin/sh\nread -r _ < {}\nexec {}\n", gate.display(), program.display()));
    let service = Service::start(&wrapper);
    let subject = subject(&service, &wrapper, ProcessChoice::Main);
    let mut reading = pin!(version::read(&subject));
    // The first look is on its way while there is nothing but the shell.
    assert!(reading.as_mut().now_or_never().is_none());
    std::fs::write(&gate, "go\n").expect("a reader at the other end");
    assert_eq!(reading.await.1.version.as_deref(), Some("1.214"));
}

fn run_mkfifo(path: &Path) {
    crate::workshop::run(Command::new("mkfifo").arg(path));
}
