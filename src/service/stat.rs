//! The few fields of `/proc/PID/stat` that tell one process from another.

use std::io::{self, Read};

use rustix::process::Pid;

/// Of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// `Z` for one that has ended and waits to be reaped.
    pub(super) state: char,
    /// Its process group.
    pub(super) group: i32,
    /// When it started, in ticks since boot; with the number it names a process for good.
    pub(super) start_time: u64,
}

/// Reads it; `NotFound` when there is no such process.
pub(super) fn read(pid: Pid) -> io::Result<Stat> {
    const LIMIT: u64 = 4096;
    let mut text = Vec::new();
    std::fs::File::open(format!("/proc/{pid}/stat"))?.take(LIMIT).read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The second field is the program's name in brackets, and it may hold brackets and spaces: the last `)` ends it.
fn parse(text: &str) -> Option<Stat> {
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    let start_time = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, group, start_time })
}

#[cfg(test)]
mod tests {
    use super::{Stat, parse, read};

    const TAIL: &str = "S 1 77 77 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 9 0 4242 1000000 99";

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        for name in ["billing", "a) R 9 9", "((", ") ) )", ""] {
            let parsed = parse(&format!("123 ({name}) {TAIL}"));
            assert_eq!(parsed, Some(Stat { state: 'S', group: 77, start_time: 4242 }), "{name}");
        }
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for text in ["", "1 (a", "1 (a)", "1 (a) S 1 77", "1 (a) S 1 x 77 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 9 0 4242"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn our_own_is_there() {
        let own = read(rustix::process::getpid()).unwrap();
        assert_eq!(own.group, rustix::process::getpgrp().as_raw_nonzero().get());
        assert!(own.start_time > 0);
    }
}
