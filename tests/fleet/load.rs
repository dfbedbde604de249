//! Requests at a fixed pace, and what came of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

/// What came of the requests.
#[derive(Clone, Debug, Deserialize)]
#[allow(dead_code, reason = "shown when a test fails")]
pub struct Tally {
    /// How many there were.
    pub sent: u64,
    /// How many were not answered with 200.
    pub failed: u64,
    /// The slowest, in milliseconds.
    pub worst_ms: f64,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// The first few failures, with their time of day.
    pub first: Vec<String>,
}

/// A load that goes on until it is ended.
#[derive(Debug)]
pub struct Load(Option<Child>);

impl Load {
    /// So many requests a second, half of them on connections of their own.
    pub fn on(address: SocketAddr, rate: u32) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/load");
        assert!(program.exists(), "the load generator is not built: run `make peers`");
        let child = Command::new(program)
            .args(["-url", &format!("http://{address}/"), "-rate", &rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(Some(child))
    }

    /// Ends it, and says what came of it.
    pub fn end(mut self) -> Tally {
        let mut child = self.0.take().unwrap();
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
