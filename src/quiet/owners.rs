//! Finds the owner of a socket, by its inode number.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::procfs;

/// A host has some thousand processes; what is above isn't looked at.
const MOST_PROCESSES: usize = 65_536;
/// So many descriptors of one process are looked at.
const MOST_DESCRIPTORS: usize = 1 << 18;

/// The sockets of the processes in this group, as far as we may see them.
pub(super) fn of_group(group: u32) -> BTreeSet<u64> {
    let is_member = |pid: &u32| procfs::stat(*pid).is_ok_and(|stat| stat.group == group);
    let members = procfs::pids().take(MOST_PROCESSES).filter(is_member);
    members.flat_map(|pid| of_folder(Path::new(&format!("/proc/{pid}/fd")))).collect()
}

/// Our own sockets.
pub(super) fn of_ourselves() -> BTreeSet<u64> {
    of_folder(Path::new("/proc/self/fd"))
}

fn of_folder(folder: &Path) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let links = entries.flatten().take(MOST_DESCRIPTORS).filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}
