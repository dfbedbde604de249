//! Whose a socket is, by its inode number.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// A host has some thousand processes; what is above isn't looked at.
const MOST_PROCESSES: usize = 65_536;
/// A line of `/proc/PID/stat` is some hundred bytes.
const LONGEST_LINE: u64 = 4 << 10;
/// So many descriptors of one process are looked at.
const MOST_DESCRIPTORS: usize = 1 << 18;

/// The sockets of the processes in this group, as far as we may see them.
pub(super) fn of_group(group: u32) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeSet::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let members = pids.take(MOST_PROCESSES).filter(|pid| group_of(*pid) == Some(group));
    members.flat_map(|pid| of_folder(Path::new(&format!("/proc/{pid}/fd")))).collect()
}

/// Our own sockets.
pub(super) fn of_ourselves() -> BTreeSet<u64> {
    of_folder(Path::new("/proc/self/fd"))
}

fn group_of(pid: u32) -> Option<u32> {
    let mut line = Vec::new();
    File::open(format!("/proc/{pid}/stat")).ok()?.take(LONGEST_LINE).read_to_end(&mut line).ok()?;
    // The name in parentheses may hold anything: the last `)` ends it. State and parent stand before the group.
    let end = line.iter().rposition(|byte| *byte == b')')?;
    std::str::from_utf8(&line[end + 1..]).ok()?.split_ascii_whitespace().nth(2)?.parse().ok()
}

fn of_folder(folder: &Path) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let links = entries.flatten().take(MOST_DESCRIPTORS).filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}
