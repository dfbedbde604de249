//! The floor: what the same things take without lictor.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

use crate::harness::program;
use crate::harness::wait::eventually;
use crate::sidecar::time_in;
use crate::statistics::{Sample, now};

/// Starts of the service by a bare `posix_spawn`. They are made between those of lictor, since the machine's mood changes.
pub struct Spawns {
    folder: TempDir,
    begun: Vec<i64>,
}

impl Spawns {
    /// None yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        program::install(program::OLD, &folder.path().join("service"));
        Self { folder, begun: Vec::new() }
    }

    /// One more; it ends at once.
    pub fn one(&mut self) {
        let mut command = Command::new(self.folder.path().join("service"));
        command.args(["-addr", "127.0.0.1:0"]).env_clear().env("DUMP", self.runs()).env("EXIT_AFTER", "1ns");
        command.stdin(Stdio::null());
        self.begun.push(now());
        command.spawn().unwrap().wait().unwrap();
    }

    /// From before the call to the first line of the service's `main`.
    pub fn sample(&self) -> Sample {
        let text = fs::read_to_string(self.runs()).unwrap();
        let seen: Vec<i64> = text.lines().filter_map(time_in).collect();
        assert_eq!(seen.len(), self.begun.len());
        Sample::of_nanos(seen.into_iter().zip(&self.begun).map(|(seen, begun)| seen - begun))
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }
}

/// When this process ends, in nanoseconds of Unix time.
pub fn end_of(pid: u32) -> i64 {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return now() };
    let mut watched = [PollFd::new(&handle, PollFlags::IN)];
    eventually("the old child ends", || (poll(&mut watched, None).ok()? > 0).then(now))
}
