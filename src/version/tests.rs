use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Look, ProcessChoice, Spec, Subject, look};
use crate::gobuild;
use crate::machine::{Build, Version};
use crate::service::OwnChildren;

/// A shell that waits for the end of its input.
struct Shell(Child);

impl Shell {
    fn start(script: &Path) -> Self {
        let mut command = Command::new("/bin/sh");
        command.arg(script).process_group(0).stdin(Stdio::piped());
        Self(command.spawn().expect("a shell"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("our own child");
    }
}

fn spec(process: ProcessChoice) -> Spec {
    Spec { process, ..Spec::default() }
}

#[test]
fn only_a_wrapper_is_looked_at_again() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let script = scratch.path().join("wrapper");
    std::fs::write(&script, "#!/bin/sh\nread -r _\n").expect("a writable directory");
    let shell = Shell::start(&script);
    let pid = shell.0.id();

    // The build is what was executed: the script, not its interpreter.
    let Look::Early(build, version) = look(pid, &script, &spec(ProcessChoice::Main)) else {
        panic!("the script may still become the program");
    };
    assert_eq!((build, version), (gobuild::identity(&script), Version::default()));

    let interpreter = Path::new("/bin/sh");
    let Look::Final(build, version) = look(pid, interpreter, &spec(ProcessChoice::Main)) else {
        panic!("a program that is not written in Go stays so");
    };
    assert_eq!((build, version), (gobuild::identity(interpreter), Version::default()));
    assert!(matches!(look(pid, interpreter, &spec(ProcessChoice::Group)), Look::Early(..)));
}

#[test]
fn a_process_that_is_gone_is_nothing() {
    let missing = Path::new("/nonexistent/billing");
    // Larger than any PID.
    let Look::Final(build, version) = look(u32::MAX, missing, &spec(ProcessChoice::Main)) else {
        panic!("there is nothing to wait for");
    };
    assert_eq!((build, version), (Build::default(), Version::default()));
}

#[test]
fn debug_shows_no_environment() {
    let subject = Subject {
        reach: None,
        pid: 1,
        program: "/opt/billing/billing".into(),
        spec: Spec::default(),
        environment: vec![("PASSWORD".into(), "hunter2".into())],
        redactor: std::sync::Arc::default(),
        directory: None,
        user: None,
        own: OwnChildren::default(),
    };
    assert!(!format!("{subject:?}").contains("hunter2"));
}
