//! A lictor set up for measuring: no quiet time, a child that stops at once and writes down when things happened.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use lictor::machine::Board;
use tempfile::TempDir;

use crate::harness::address::loopback;
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::harness::wait::eventually;
use crate::harness::{processes, program};

/// A folder with a configuration, and the lictor that runs on it.
pub struct Sidecar {
    pub folder: TempDir,
    pub host: Ipv4Addr,
    child: Option<Child>,
}

impl Sidecar {
    /// One that watches these folders of Consul, with `more` configuration, in which `HOST` is the service's address.
    pub fn new(consul: &Consul, prefixes: &[String], more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir().unwrap();
        let host = loopback();
        let path = |name: &str| folder.path().join(name).display().to_string();
        program::install(program::OLD, &folder.path().join("service"));
        // A verdict after 20 ms does not fall into the new child's start, where it would write its files.
        let mut config = format!(
            r#"name = "bench"
consul {{
  address = "{}"
}}
wait {{
  min = "0s"
}}
exec {{
  command = ["{}", "-addr", "{host}:8080"]
  env {{
    custom = ["DUMP={}", "TERM_DUMP={}"]
  }}
}}
apply {{
  min_healthy = "20ms"
}}
status {{
  address = "{host}:8127"
}}
admin {{
  socket = "{}"
}}
statsd {{
  address = "{host}:8125"
}}
state {{
  directory = "{}"
}}
log {{
  level = "warn"
}}
{}"#,
            consul.address(),
            path("service"),
            path("runs"),
            path("terms"),
            path("admin.sock"),
            path("state"),
            more.replace("HOST", &host.to_string()),
        );
        for prefix in prefixes {
            config += "prefix {\n  path = \"";
            config += prefix;
            config += "\"\n}\n";
        }
        fs::write(folder.path().join("lictor.hcl"), config).unwrap();
        Self { folder, host, child: None }
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(crate::lictor());
        command.args(["run", "-c"]).arg(self.path("lictor.hcl")).env_clear().stdin(Stdio::null());
        command.env("LICTOR_TEST", self.folder.path());
        command
    }

    /// Starts it.
    pub fn start(&mut self) {
        self.child = Some(self.command().spawn().unwrap());
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Ends it, and waits for its end.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            processes::signal(child.id(), rustix::process::Signal::TERM);
            child.wait().unwrap();
        }
    }

    /// Its board, if it can be asked already.
    pub fn board(&self) -> Option<Board> {
        let answer = Request::get("/board").unix(&self.path("admin.sock")).ok()?;
        Some(serde_json::from_slice(&answer.body).unwrap())
    }

    /// Waits for such a board.
    pub fn until(&self, what: &str, predicate: impl Fn(&Board) -> bool) -> Board {
        eventually(what, || self.board().filter(|board| predicate(board)))
    }

    /// The times that the service has written down, of starts (`runs`) or of signals (`terms`).
    pub fn times(&self, name: &str) -> Vec<i64> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().filter_map(time_in).collect()
    }

    /// Waits for the next time after `known` ones.
    pub fn next_time(&self, name: &str, known: usize) -> i64 {
        eventually(name, || self.times(name).get(known).copied())
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.stop();
        eventually("nothing of it runs any more", || {
            let left = processes::naming(self.folder.path());
            for process in &left {
                processes::signal(process.pid, rustix::process::Signal::KILL);
            }
            left.is_empty().then_some(())
        });
    }
}

/// A line of `terms` is a number, one of `runs` an object with a `time`.
pub fn time_in(line: &str) -> Option<i64> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value.as_i64().or_else(|| value.get("time")?.as_i64())
}
