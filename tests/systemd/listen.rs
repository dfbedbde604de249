//! Sockets that lictor holds, kept by systemd while lictor itself is started again.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::rig::{BASE, PATH, Rig, UNIT, USER, is_good};

/// A rig with a service whose socket is held, and with a program that puts load on it.
pub fn holding() -> Rig {
    let rig = Rig::bare(&[("load", &go_program("tests/listen/load"))]);
    fs::create_dir(rig.path("/srv/conf.d")).unwrap();
    fs::create_dir(rig.path("/srv/out")).unwrap();
    chown(rig.path("/srv/out"), Some(USER), Some(USER)).unwrap();
    let listen = "listen \"http\" {\n  address = \"127.0.0.1:8080\"\n}\n";
    rig.write("/etc/lictor/svc.hcl", &format!("{BASE}{listen}"));
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    rig
}

/// Builds the Go program of a folder, for a system without the host's libraries.
pub fn go_program(folder: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("systemd-{}", folder.replace('/', "-")));
    let built = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .args([program.as_os_str(), ".".as_ref()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .env("CGO_ENABLED", "0")
        .output()
        .unwrap();
    assert!(built.status.success(), "go build: {}", String::from_utf8_lossy(&built.stderr));
    program
}

/// A load from inside.
pub struct Load {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Load {
    /// So many new connections, GETs and POSTs over kept ones, a second.
    pub fn begin(rig: &Rig, url: &str, [new, get, post]: [&str; 3]) -> Self {
        let mut command = Command::new("timeout");
        command.arg("60").args(rig.entering()).args(["load", "-url", url]);
        command.args(["-new", new, "-get", get, "-post", post]).env_clear().env("PATH", PATH).current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "loading\n");
        Self { child, said }
    }

    /// What became of each kind.
    pub fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn nobody_is_refused_while_the_whole_unit_is_restarted() {
    let rig = holding();
    let before = rig.property("MainPID");
    assert_eq!(rig.property("NFileDescriptorStore"), "2");
    let load = Load::begin(&rig, "http://127.0.0.1:8080/healthz", ["100", "0", "0"]);
    rig.done(&format!("systemctl restart {UNIT}"));
    rig.until("StatusText", "good again", is_good);
    let new = load.end()["new"].clone();
    assert_ne!(rig.property("MainPID"), before);
    assert!(new["sent"].as_u64().unwrap() > 10, "{new}");
    // The service of these tests ends at once when it is told to, whatever it is about: one request may have been under way.
    assert!(new["failed"].as_u64().unwrap() <= 1, "{new}\n{}", rig.journal());
    assert_eq!(rig.property("NFileDescriptorStore"), "2", "the same ones, not two more");
}

#[test]
fn who_comes_while_a_killed_lictor_is_brought_back_waits() {
    let rig = holding();
    let lictor = rig.property("MainPID");
    rig.done(&format!("kill -KILL {lictor}"));
    rig.until("MainPID", "another lictor, or none yet", |pid| pid != lictor);
    let load = Load::begin(&rig, "http://127.0.0.1:8080/healthz", ["100", "0", "0"]);
    rig.until("NRestarts", "brought back", |count| count == "1");
    rig.until("StatusText", "good again", is_good);
    let new = load.end()["new"].clone();
    assert_eq!(new["failed"], 0, "{new}\n{}", rig.journal());
    assert_eq!(rig.property("NFileDescriptorStore"), "2");
}

#[test]
fn a_real_stop_leaves_no_socket_behind() {
    let rig = holding();
    rig.done(&format!("systemctl stop {UNIT}"));
    rig.until("NFileDescriptorStore", "let go", |count| count == "0");
    let sockets = rig.done("cat /proc/net/tcp");
    // 127.0.0.1:8080, to nobody, listening.
    assert!(!sockets.contains("0100007F:1F90 00000000:0000 0A"), "{sockets}");
}
