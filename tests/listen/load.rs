//! An open load: it does not wait for answers before it sends on.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::go;

/// A load that is on.
#[derive(Debug)]
pub struct Load {
    child: Child,
    said: BufReader<ChildStdout>,
}

/// What became of one kind of request.
#[derive(Debug)]
pub struct Outcome {
    pub sent: u64,
    pub failed: u64,
    pub worst_ms: f64,
    pub whole: Value,
}

impl Load {
    /// Begins it, with these flags.
    pub fn begin(flags: &[&str]) -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let program = BUILT.get_or_init(|| go::build("tests/listen/load", "load"));
        let mut command = Command::new(program);
        let mut child = command.args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "loading\n");
        Self { child, said }
    }

    /// Ends it; says what became of `new`, `get` and `post`.
    pub fn end(mut self) -> [Outcome; 3] {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        ["new", "get", "post"].map(|kind| {
            let whole = told[kind].clone();
            let number = |name: &str| whole[name].as_u64().unwrap();
            Outcome {
                sent: number("sent"),
                failed: number("failed"),
                worst_ms: whole["worst_ms"].as_f64().unwrap(),
                whole,
            }
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
