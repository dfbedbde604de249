//! Which processes a test has brought into the world, found by its folder in their command line or environment.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A live process that names the folder.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its process number.
    pub pid: u32,
    /// Its command line, words separated by spaces.
    pub command: String,
}

/// Every live process that names `folder` in its command line or its environment, but for ourselves.
pub fn naming(folder: &Path) -> Vec<Found> {
    let needle = folder.as_os_str().as_encoded_bytes();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != std::process::id())
        .filter_map(|pid: u32| {
            // A zombie has neither; a process that ends while we look is no longer of interest.
            let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let named = [&command, &environment].into_iter().any(|text| contains(text, needle));
            named.then(|| Found { pid, command: String::from_utf8_lossy(&command).replace('\0', " ") })
        })
        .collect()
}

/// Sends a signal; that the process is gone is no error.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number");
    let _ = kill_process(pid, signal);
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}
