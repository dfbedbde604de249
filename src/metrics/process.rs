//! What one process uses, out of `/proc`. Every reading is bounded, and nothing here waits for the process.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::procfs;

/// The longest file of `/proc` that is read: all of them are shorter.
const LONGEST: u64 = 8 * 1024;
/// At most so many descriptors are counted one by one, where the kernel does not give their number (before Linux 6.2).
const MOST: usize = 16 * 1024;

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Processor time used in user and kernel mode, in ticks of the clock.
    pub(super) cpu_ticks: u64,
    /// Threads.
    pub(super) threads: u64,
    /// When it was started, in ticks since boot: PID and start time together name a process for good.
    pub(super) start_ticks: u64,
    /// Resident memory, in pages.
    pub(super) pages: u64,
    /// Open file descriptors, if we may look.
    pub(super) open_fds: Option<u64>,
    /// How many it may open, unless that is unlimited.
    pub(super) fd_limit: Option<u64>,
}

/// Which process to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// lictor itself.
    Own,
    /// The process with this PID.
    Pid(u32),
}

/// Looks at it; `NotFound` when there is no such process.
pub(super) fn read(subject: Subject) -> io::Result<Reading> {
    let pid = match subject {
        Subject::Own => std::process::id(),
        Subject::Pid(pid) => pid,
    };
    let place = PathBuf::from(format!("/proc/{pid}"));
    let stat = procfs::stat(pid)?;
    let limits = text(&place.join("limits")).unwrap_or_default();
    Ok(Reading {
        cpu_ticks: stat.cpu_ticks,
        threads: stat.threads,
        start_ticks: stat.start_time,
        pages: stat.pages,
        open_fds: open_fds(&place.join("fd")).ok(),
        fd_limit: soft_limit(&limits),
    })
}

fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line `Max open files            1024                 524288               files`.
fn soft_limit(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_ascii_whitespace().next()?.parse().ok()
}

fn open_fds(folder: &Path) -> io::Result<u64> {
    match fs::metadata(folder)?.len() {
        0 => Ok(u64::try_from(fs::read_dir(folder)?.take(MOST).count()).unwrap_or(u64::MAX)),
        told => Ok(told),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;

    use super::{Subject, read, soft_limit};

    #[test]
    fn the_soft_limit_counts_and_unlimited_is_none() {
        let limits = |soft| {
            format!("Limit   Soft Limit  Hard Limit  Units\nMax open files            {soft}   524288   files\n")
        };
        assert_eq!(soft_limit(&limits("1024")), Some(1024));
        assert_eq!(soft_limit(&limits("unlimited")), None);
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn our_own_process_is_as_it_is() {
        let before = read(Subject::Own).unwrap();
        let by_number = read(Subject::Pid(std::process::id())).unwrap();
        assert_eq!((before.start_ticks, before.fd_limit), (by_number.start_ticks, by_number.fd_limit));
        assert!(before.pages > 0 && before.threads >= 1 && before.start_ticks > 0, "{before:?}");

        let opened: Vec<File> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();
        let after = read(Subject::Own).unwrap();
        assert!(after.open_fds.unwrap() >= 200, "{after:?} beside {before:?}");
        drop(opened);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_found() {
        // Beyond the largest number that Linux gives out (2^22).
        assert_eq!(read(Subject::Pid(u32::MAX)).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
