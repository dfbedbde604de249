//! Finds the processes of a service in `/proc`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use crate::gobuild;
use crate::procfs;

/// The most processes that are looked at; a host has some thousands.
const MOST_PROCESSES: usize = 65_536;
/// How many programs of one service are opened, newest first.
const MOST_PROGRAMS: usize = 64;

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
    /// When it started, in clock ticks since boot.
    started: u64,
}

fn all() -> Vec<Process> {
    let process = |pid| {
        let stat = procfs::stat(pid).ok()?;
        Some(Process { pid, parent: stat.parent, group: stat.group, started: stat.start_time })
    };
    procfs::pids().take(MOST_PROCESSES).filter_map(process).collect()
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
    use super::{Process, family};

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
