//! Where the version comes from when the service's own file does not tell it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::program::{NEW, OLD};
use crate::harness::{Lictor, Setup};

fn service() -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup
}

/// A shell script is the main process, and the service its child.
fn wrapped(config: &str) -> Lictor {
    let setup = service();
    let (script, program, host) = (setup.path("wrapper"), setup.path("service"), setup.host());
    fs::write(&script, format!("#!/bin/sh\n{} \"$@\"\nexit $?\n", program.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.display();
    setup.config(&format!("exec {{\n  command = [\"{script}\", \"-addr\", \"{host}:8080\"]\n}}\n{config}")).start()
}

#[test]
fn a_command_tells_the_version_that_the_file_does_not() {
    let setup = service();
    let program = setup.path("service").display().to_string();
    let lictor = setup
        .config(&format!("version {{\n  symbol  = \"main.none\"\n  command = [\"{program}\", \"-version\"]\n}}\n"))
        .start();
    lictor.until_good();
    let board = lictor.until("it has been asked", |board| board.build.running.version.is_some());
    let running = &board.build.running;
    assert_eq!((running.version.as_deref(), running.source.as_deref()), (Some(OLD), Some("declared")));
    assert_eq!(lictor.status().1["version"], OLD);
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 200);
}

#[test]
fn behind_a_wrapper_the_version_is_that_of_the_go_program_that_it_runs() {
    let lictor = wrapped("version {\n  process = \"group\"\n}\n");
    lictor.until_good();
    let board = lictor.until("it is seen", |board| board.build.running.version.is_some());
    assert_eq!(board.build.running.version.as_deref(), Some(OLD));
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 200);

    lictor.install(NEW);
    assert!(lictor.cli("restart", &[]).status.success());
    lictor.until("the new one is seen", |board| board.build.running.version.as_deref() == Some(NEW));
    lictor.until_good();
    assert_eq!(lictor.get(&format!("/status?version={NEW}")).code, 200);
}

#[test]
fn a_wrapper_itself_has_no_version() {
    let lictor = wrapped("");
    lictor.until_good();
    assert_eq!(lictor.status().1["version"], "unknown");
    assert_ne!(lictor.get(&format!("/status?version={OLD}")).code, 200);
}

#[test]
fn a_version_is_asked_for_by_http_where_nothing_else_of_lictor_speaks_tls() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    // What is short or a number is on every host, and no secret.
    setup.write("DEBUG", "1");
    setup.write("RELEASE", OLD);
    let host = setup.host();
    let asks = format!("version {{\n  symbol = \"main.none\"\n  http = \"http://{host}:8080/version\"\n}}\n");
    let lictor = setup.config(&asks).start();
    let board = lictor.until("it has been asked", |board| board.build.running.version.is_some());
    let running = &board.build.running;
    assert_eq!((running.version.as_deref(), running.source.as_deref()), (Some(OLD), Some("declared")));
}
