//! The processes of a service, as `/proc` shows them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use crate::gobuild;

/// A host has some thousand processes; what is above is not looked at.
const MOST_PROCESSES: usize = 65_536;
/// How many programs of one service are opened, newest first.
const MOST_PROGRAMS: usize = 64;
/// A `stat` line is some hundred bytes.
const LONGEST_LINE: u64 = 4 << 10;

/// The executable of a running process, also if its file was replaced or deleted.
pub(super) fn executable(pid: u32) -> Option<File> {
    gobuild::open(&PathBuf::from(format!("/proc/{pid}/exe"))).ok()
}

/// The executable of the newest Go program among the main process, its process group and its descendants.
pub(super) fn newest_go_program(main: u32) -> Option<File> {
    let mut family = family(main, &all());
    family.sort_by_key(|process| std::cmp::Reverse((process.started, process.pid)));
    let mut programs = family.iter().take(MOST_PROGRAMS).filter_map(|process| executable(process.pid));
    programs.find(|file| gobuild::read_file(file).is_ok())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    group: u32,
    /// In clock ticks since boot.
    started: u64,
}

fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.take(MOST_PROCESSES).filter_map(process).collect()
}

fn process(pid: u32) -> Option<Process> {
    let mut line = Vec::new();
    File::open(format!("/proc/{pid}/stat")).ok()?.take(LONGEST_LINE).read_to_end(&mut line).ok()?;
    parse(pid, &line)
}

/// Of a line of `/proc/PID/stat`. The name in parentheses may hold anything, parentheses and spaces too.
fn parse(pid: u32, line: &[u8]) -> Option<Process> {
    let end = line.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&str> = std::str::from_utf8(&line[end + 1..]).ok()?.split_ascii_whitespace().collect();
    // Field 3 of proc(5) is the first one here.
    let field = |number: usize| fields.get(number - 3);
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
    })
}

/// The main process, its group, and whatever descends from one of them.
fn family(main: u32, all: &[Process]) -> Vec<Process> {
    let own = |process: &&Process| process.pid == main || process.group == main;
    let mut members: BTreeSet<u32> = all.iter().filter(own).map(|process| process.pid).collect();
    loop {
        let before = members.len();
        let children: Vec<u32> = all.iter().filter(|p| members.contains(&p.parent)).map(|p| p.pid).collect();
        members.extend(children);
        if members.len() == before {
            return all.iter().filter(|process| members.contains(&process.pid)).copied().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, family, parse};

    #[test]
    fn a_name_cannot_shift_the_fields() {
        let rest = "S 7 8 8 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4711 1000 10";
        let seen = parse(42, format!("42 (a) b) S 1 1) {rest}").as_bytes());
        assert_eq!(seen, Some(Process { pid: 42, parent: 7, group: 8, started: 4711 }));
        assert_eq!(parse(42, b"42 (cut) S 7"), None);
        assert_eq!(parse(42, b""), None);
    }

    #[test]
    fn the_family_is_the_group_and_its_descendants() {
        let process = |pid, parent, group| Process { pid, parent, group, started: 0 };
        let all = [
            process(5, 3, 5), // a grandchild in a group of its own
            process(1, 0, 1), // another's
            process(2, 1, 2), // the main process
            process(3, 2, 3), // a child that left the group
            process(4, 1, 2), // an orphan that stayed in it
            process(6, 1, 6), // another's
        ];
        let pids: Vec<u32> = family(2, &all).iter().map(|member| member.pid).collect();
        assert_eq!(pids, [5, 2, 3, 4]);
    }
}
