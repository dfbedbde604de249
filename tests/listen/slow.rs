//! Clients that are in the middle of something while a service is replaced.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use crate::go;

/// Clients that wait.
#[derive(Debug)]
pub struct Slow {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Slow {
    /// So many clients of a kind come as far as it says.
    pub fn begin(kind: &str, address: &str, count: usize) -> Self {
        Self::some_of(kind, address, count, count)
    }

    /// So many clients of a kind try, and `enough` of them come as far as it says.
    pub fn some_of(kind: &str, address: &str, count: usize, enough: usize) -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let program = BUILT.get_or_init(|| go::build("tests/listen/slow", "slow"));
        let mut command = Command::new(program);
        command.args(["-kind", kind, "-address", address, "-count", &count.to_string()]);
        command.args(["-enough", &enough.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "there\n", "{kind}");
        Self { child, said }
    }

    /// They go on; how often each outcome came about.
    pub fn end(mut self) -> BTreeMap<String, usize> {
        // It may be over already.
        let _ = writeln!(self.child.stdin.take().unwrap());
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
