//! A headless Chromium of its own, spoken to by DevTools' protocol over its pipes: JSON, a NUL after each message.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::wait::PATIENCE;

/// What Debian calls it, the smallest first.
const PROGRAMS: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// The browser; ended when dropped.
pub struct Chromium {
    process: Child,
    words: ChildStdin,
    heard: Receiver<Value>,
    /// What was heard while something else was waited for.
    events: VecDeque<Value>,
    calls: u64,
    _folder: TempDir,
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = PROGRAMS
        .iter()
        .find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.exists()));
    found.expect("there is no Chromium: run `tests/setup page`, or install Debian's package chromium-headless-shell")
}

impl Chromium {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("chromium-").tempdir().unwrap();
        let mut command = Command::new("sh");
        // It reads descriptor 3 and writes descriptor 4.
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"]).arg(program());
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--force-color-profile=srgb",
        ]);
        command.arg(format!("--user-data-dir={}", folder.path().display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let words = process.stdin.take().unwrap();
        let mut reader = BufReader::new(process.stdout.take().unwrap());
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while reader.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                if message.pop() == Some(0)
                    && let Ok(value) = serde_json::from_slice(&message)
                    && sender.send(value).is_err()
                {
                    return;
                }
                message.clear();
            }
        });
        Self { process, words, heard, events: VecDeque::new(), calls: 0, _folder: folder }
    }

    /// Calls a method, in this session or in the browser itself, and gives what it returns.
    pub fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.words.write_all(message.to_string().as_bytes()).unwrap();
        self.words.write_all(&[0]).unwrap();
        self.words.flush().unwrap();
        loop {
            let heard =
                self.heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("Chromium does not answer: {method}"));
            if heard["id"] == self.calls {
                assert!(heard.get("error").is_none(), "{method}: {}", heard["error"]);
                return heard["result"].clone();
            }
            self.events.push_back(heard);
        }
    }

    /// What has happened since this was asked last.
    pub fn events(&mut self) -> Vec<Value> {
        self.events.extend(self.heard.try_iter());
        self.events.drain(..).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
