//! `run --once`: the command runs once on the environment, and lictor ends as it did.

use std::fs;

use crate::harness::lictor::{finish, said};
use crate::harness::{Consul, Setup, eventually};

fn shell(setup: &Setup, script: &str) -> std::process::Output {
    let mut command = setup.configured("run");
    command.args(["--once", "--", "/bin/sh", "-c", script]);
    finish(command)
}

#[test]
fn it_ends_with_the_code_of_the_command() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    for code in [0, 7] {
        let output = shell(&setup, &format!("exit {code}"));
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    }
    let output = shell(&setup, "kill -KILL $$");
    assert_eq!(output.status.code(), Some(128 + 9), "{}", said(&output));
}

#[test]
fn the_command_sees_the_environment_and_our_output() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let setup = Setup::on_consul(consul.address());
    let output = shell(&setup, "echo \"$GREETING\"");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "hello\n");
}

#[test]
fn it_may_run_beside_a_running_lictor() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    let before = lictor.until_good();
    // Not what is just being written beside them.
    let kept = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "json");
    let state = || fs::read_dir(lictor.setup().path("state")).unwrap().map(Result::unwrap).filter(kept).count();
    let written = |name: &str| lictor.setup().path("state").join(name).exists();
    eventually("what is good is written down", || (written("good.json") && written("process.json")).then_some(()));
    let files = state();
    let output = shell(lictor.setup(), "echo \"$GREETING\"");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"hello\n"[..]), "{}", said(&output));
    assert_eq!(lictor.board().process, before.process);
    assert_eq!(state(), files);
}

#[test]
fn it_opens_no_port() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    let mark = setup.path("open");
    // Every listening socket of lictor, as its own child sees it.
    let script = format!("ls -l /proc/$PPID/fd > '{}'; cat /proc/net/tcp /proc/net/unix", mark.display());
    let output = shell(&setup, &script);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let open = fs::read_to_string(mark).unwrap();
    let sockets = String::from_utf8(output.stdout).unwrap();
    let listening = sockets.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // In the table of TCP the state 0A is LISTEN, and the inode is the tenth field.
        (fields.get(3) == Some(&"0A")).then(|| fields.get(9).copied().unwrap_or_default().to_owned())
    });
    for inode in listening {
        assert!(!open.contains(&format!("socket:[{inode}]")), "lictor listens:\n{open}");
    }
    assert!(!sockets.contains("admin.sock"), "the admin socket is there");
}
