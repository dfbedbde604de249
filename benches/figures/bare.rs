//! The floor: what the same things take without lictor.

use std::fs;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::harness::program;
use crate::harness::wait::eventually;
use crate::sidecar::time_in;
use crate::statistics::{Sample, now};

/// From before a `posix_spawn` of the service to the first line of its `main`.
pub fn spawns(rounds: usize) -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let (service, runs) = (folder.path().join("service"), folder.path().join("runs"));
    program::install(program::OLD, &service);
    let started: Vec<i64> = (0..rounds)
        .map(|_| {
            let before = now();
            let mut child = Command::new(&service)
                .args(["-addr", "127.0.0.1:0"])
                .env_clear()
                .env("DUMP", &runs)
                .env("EXIT_AFTER", "1ns")
                .stdin(Stdio::null())
                .spawn()
                .unwrap();
            child.wait().unwrap();
            before
        })
        .collect();
    let text = fs::read_to_string(&runs).unwrap();
    let seen: Vec<i64> = text.lines().filter_map(time_in).collect();
    assert_eq!(seen.len(), rounds);
    Sample::of_nanos(seen.into_iter().zip(started).map(|(seen, before)| seen - before))
}

/// When this process ends, in nanoseconds of Unix time.
pub fn end_of(pid: u32) -> i64 {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return now() };
    let mut watched = [PollFd::new(&handle, PollFlags::IN)];
    eventually("the old child ends", || (poll(&mut watched, None).ok()? > 0).then(now))
}
