//! `make demo`: what it says one can try does what it says.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::client::Request;
use crate::harness::lictor::{finish, said};
use crate::harness::{address, eventually, processes};

/// The demo on a directory, in a copy of the tree that has an address of its own.
struct Demo {
    folder: TempDir,
    host: String,
    child: Child,
}

impl Demo {
    fn start() -> Self {
        let (root, host) = (Path::new(env!("CARGO_MANIFEST_DIR")), address::loopback().to_string());
        let folder = tempfile::Builder::new().prefix("lictor-demo-").tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["examples/demo/conf.d", "target/debug", "bin"] {
            fs::create_dir_all(place(name)).unwrap();
        }
        for name in ["demo", "lictor.hcl", "conf.d/GREETING", "conf.d/WORKERS"] {
            let (name, mode) = (format!("examples/demo/{name}"), fs::Permissions::from_mode(0o755));
            fs::write(place(&name), fs::read_to_string(root.join(&name)).unwrap().replace("127.0.0.1", &host)).unwrap();
            fs::set_permissions(place(&name), mode).unwrap();
        }
        symlink(root.join("examples/billing"), place("examples/billing")).unwrap();
        symlink(env!("CARGO_BIN_EXE_lictor"), place("target/debug/lictor")).unwrap();
        // lictor is built already.
        fs::write(place("bin/cargo"), "#!/bin/sh\n[ \"$1\" = build ]\n").unwrap();
        fs::set_permissions(place("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();

        let log = File::create(place("log")).unwrap();
        let mut command = Command::new("bash");
        command.arg("-c").arg(recipe()).current_dir(folder.path()).env("PATH", path(&folder.path().join("bin")));
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        Self { folder, host, child }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The commands that it shows, in their order.
    fn shown(&mut self) -> Vec<String> {
        let text = eventually("it has said what to try", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the demo ended: {}", self.log());
            Some(self.log()).filter(|log| log.contains("Ctrl-C ends it."))
        });
        let commands = text.lines().filter_map(|line| line.strip_prefix("       "));
        commands.map(str::to_owned).collect()
    }

    /// Runs one of them as it is shown, in another shell in the same folder.
    fn run(&self, words: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", words]).current_dir(self.folder.path()).env("no_proxy", "*").stdin(Stdio::null());
        finish(command)
    }

    /// Runs it again and again until it says this.
    fn until(&self, words: &str, said_word: &str) -> String {
        eventually(&format!("{words} says {said_word:?}"), || {
            Some(said(&self.run(words))).filter(|said| said.contains(said_word))
        })
    }

    fn is_settled(&self) {
        let board = || Request::get("/board").unix(&self.path("target/demo/lictor.sock")).ok();
        eventually("it is settled", || board().filter(|answer| answer.json()["config"]["state"] == "good").map(drop));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        eventually("nothing of the demo runs any more", || {
            let left = processes::naming(self.folder.path());
            for process in &left {
                processes::signal(process.pid, Signal::KILL);
            }
            left.is_empty().then_some(())
        });
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `make demo` runs, after what is set up for it.
fn recipe() -> String {
    dry_run(&["demo"]).lines().last().unwrap().to_owned()
}

fn dry_run(words: &[&str]) -> String {
    let mut make = Command::new("make");
    make.args(["--dry-run", "--no-print-directory"]).args(words).current_dir(env!("CARGO_MANIFEST_DIR"));
    make.env_remove("MAKEFLAGS").env_remove("CONSUL").stdin(Stdio::null());
    let output = finish(make);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    text
}

fn path(first: &Path) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).unwrap()
}

/// What is set up before the demo is what the demo itself needs.
#[test]
fn it_installs_nothing_that_it_does_not_use() {
    for consul in ["", "1"] {
        let commands = dry_run(&["demo", &format!("CONSUL={consul}")]);
        let parts: Vec<&str> = commands.lines().filter_map(|line| line.strip_prefix("tests/setup ")).collect();
        assert_eq!(parts, ["rust go cc curl"], "{commands}");
    }
}

#[test]
fn the_three_things_to_try_do_what_is_said_of_them() {
    let mut demo = Demo::start();
    let shown = demo.shown();
    let [before, edit, after, bad, served, status, good, validate, lictor_status] = &shown[..] else {
        panic!("other commands: {shown:#?}")
    };
    demo.is_settled();
    let first = said(&demo.run(before));
    assert!(!first.contains("Good evening"), "{first}");
    assert!(demo.run(edit).status.success());
    demo.until(after, "Good evening");
    demo.is_settled();

    assert!(demo.run(bad).status.success());
    demo.until(status, "Reverted: ");
    demo.until(served, "Good evening");
    let port = format!("{}:8127", demo.host).parse().unwrap();
    assert_eq!(Request::get("/status").tcp(port).unwrap().code, 200);
    assert!(demo.run(good).status.success());
    demo.is_settled();
    let now = said(&demo.run(status));
    assert!(!now.contains("Reverted"), "{now}");

    let yes = demo.run(validate);
    assert!(yes.status.success(), "{}", said(&yes));
    let told = demo.run(lictor_status);
    assert!(told.status.success() && said(&told).contains("up, healthy"), "{}", said(&told));

    // Ctrl-C reaches all of them.
    let group = rustix::process::Pid::from_raw(demo.child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process_group(group, Signal::INT).unwrap();
    let ended = eventually("Ctrl-C ends it", || demo.child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "{}", demo.log());
    let left = processes::naming(demo.folder.path());
    assert!(left.is_empty(), "left behind: {left:?}");
    for name in ["conf.d/GREETING", "conf.d/WORKERS"] {
        let name = format!("examples/demo/{name}");
        let original = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&name)).unwrap();
        assert_eq!(fs::read(demo.path(&name)).unwrap(), original, "{name} is not touched");
    }
}
