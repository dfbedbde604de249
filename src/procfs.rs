//! What `/proc` says about processes: the only reader of `/proc/PID/stat`.

use std::fs::File;
use std::io::{self, Read};

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// `Z` for one that has ended and waits to be reaped.
    pub state: char,
    /// The PID of its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Processor time used in user and kernel mode, in clock ticks.
    pub cpu_ticks: u64,
    /// Its threads.
    pub threads: u64,
    /// When it started, in clock ticks since boot: with the PID it names a process for good.
    pub start_time: u64,
    /// Resident memory, in pages.
    pub pages: u64,
}

/// Reads `/proc/PID/stat`.
///
/// # Errors
/// `NotFound` when there is no such process.
pub fn stat(pid: u32) -> io::Result<Stat> {
    const LIMIT: u64 = 4096;
    let mut text = Vec::new();
    File::open(format!("/proc/{pid}/stat"))?.take(LIMIT).read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The PIDs of all processes that we may see.
pub fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Our children, zombies included. A child belongs to the thread that forked or inherited it. A caller that wants all
/// of them asks again until none is left: each that dies may leave us more.
pub fn children() -> Vec<u32> {
    const LIMIT: u64 = 1 << 20;
    let mut listed = String::new();
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        // A thread may end meanwhile.
        if let Ok(file) = File::open(thread.path().join("children")) {
            let _ = file.take(LIMIT).read_to_string(&mut listed);
            listed.push(' ');
        }
    }
    listed.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The second field is the program's name in brackets, and it may hold brackets and spaces: the last `)` ends it.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    // proc(5) counts from 1 and from the PID before the name; here the first field is its third.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |number: usize| field(number)?.parse::<u64>().ok();
    Some(Stat {
        state: field(3)?.chars().next()?,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        cpu_ticks: number(14)?.saturating_add(number(15)?),
        threads: number(20)?,
        start_time: number(22)?,
        pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Stat, parse, pids, stat};

    const TAIL: &str = "S 1 77 77 0 -1 4194304 1 2 3 4 250 50 7 8 20 0 9 0 4242 1000000 99 18446744073709551615 1";

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let expected =
            Stat { state: 'S', parent: 1, group: 77, cpu_ticks: 300, threads: 9, start_time: 4242, pages: 99 };
        for name in ["billing", "a) R 9 9", "((", ") ) )", ""] {
            assert_eq!(parse(&format!("123 ({name}) {TAIL}")), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_cut_short_or_strange_is_refused() {
        for text in
            ["", "1 (a", "1 (a)", "1 (a) S 1 77", "1 (a) S 1 77 77 0 -1 4194304 1 2 3 4 x 50 7 8 20 0 9 0 4 1 9"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn our_own_is_there_and_another_is_not() {
        let own = stat(std::process::id()).unwrap();
        assert_eq!(own.group, rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs());
        assert!(own.start_time > 0 && own.threads >= 1 && own.pages > 0, "{own:?}");
        assert!(pids().any(|pid| pid == std::process::id()));
        // Beyond the largest PID that Linux gives out (2^22).
        assert_eq!(stat(u32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
