//! What one process uses, out of `/proc`. Every reading is bounded, and nothing here waits for the process.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest file of `/proc` that is read: all of them are shorter.
const LONGEST: u64 = 8 * 1024;
/// So many descriptors are counted one by one where the kernel does not tell their number (before Linux 6.2).
const MOST: usize = 16 * 1024;

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Processor time used in user and kernel mode, in ticks of the clock.
    pub(super) cpu_ticks: u64,
    /// Threads.
    pub(super) threads: u64,
    /// When it was started, in ticks since boot: with the number it names a process for good.
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
    /// The process of this number.
    Pid(u32),
}

/// Looks at it; `NotFound` when there is no such process.
pub(super) fn read(subject: Subject) -> io::Result<Reading> {
    let place = match subject {
        Subject::Own => PathBuf::from("/proc/self"),
        Subject::Pid(pid) => PathBuf::from(format!("/proc/{pid}")),
    };
    let stat = parse_stat(&text(&place.join("stat"))?).ok_or(io::ErrorKind::InvalidData)?;
    let limits = text(&place.join("limits")).unwrap_or_default();
    Ok(Reading { open_fds: open_fds(&place.join("fd")).ok(), fd_limit: soft_limit(&limits), ..stat })
}

fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The second field is the program's name in brackets, and it may hold brackets and spaces: the last `)` ends it.
fn parse_stat(text: &str) -> Option<Reading> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    // The manual counts from 1 and from the number before the name; here the first is its third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Reading {
        cpu_ticks: field(14)?.saturating_add(field(15)?),
        threads: field(20)?,
        start_ticks: field(22)?,
        pages: field(24)?,
        open_fds: None,
        fd_limit: None,
    })
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

    use super::{Reading, Subject, parse_stat, read, soft_limit};

    const TAIL: &str = "S 1 77 77 0 -1 4194304 1 2 3 4 250 50 7 8 20 0 9 0 4242 1000000 99 18446744073709551615 1";

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let expected =
            Reading { cpu_ticks: 300, threads: 9, start_ticks: 4242, pages: 99, open_fds: None, fd_limit: None };
        for name in ["billing", "a) R 9 9", "((", ") ) )", ""] {
            assert_eq!(parse_stat(&format!("123 ({name}) {TAIL}")), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_cut_short_or_strange_is_refused() {
        for text in
            ["", "1 (a", "1 (a)", "1 (a) S 1 77", "1 (a) S 1 77 77 0 -1 4194304 1 2 3 4 x 50 7 8 20 0 9 0 4 1 9"]
        {
            assert_eq!(parse_stat(text), None, "{text}");
        }
    }

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
