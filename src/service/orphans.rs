//! Children that came to us when their parent died.
//!
//! lictor is a sub-reaper: whatever the service starts, and however it detaches it, becomes our child once its parent
//! has ended. A child of ours that is not on the roster is such an orphan.

use std::io::{self, Read};

use rustix::process::{Pid, WaitId, WaitIdOptions};

use super::process::Kinship;
use super::process::Process;
use super::roster::Roster;
use super::stat;

/// Orphans come to lictor from now on, not to PID 1. Once, at start.
///
/// # Errors
/// The kernel's; not known to happen.
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// What is left of a run whose main process has ended.
pub(super) fn survivors(process: &Process, roster: &Roster) -> Vec<Pid> {
    let ours = process.kinship() == Kinship::Child && orphans_come_to_us();
    if ours { orphans(roster) } else { members_of_group(process.number()) }
}

/// Reaps the orphans that have ended by themselves, so that a long run gathers no zombies.
pub(super) fn collect(roster: &Roster) {
    if orphans_come_to_us() {
        orphans(roster).into_iter().for_each(reap);
    }
}

/// What an errand left in its group and what has come to us of it.
pub(super) fn orphans_of_group(group: Pid, roster: &Roster) -> Vec<Pid> {
    let inside = |pid: &Pid| rustix::process::getpgid(Some(*pid)) == Ok(group);
    orphans(roster).into_iter().filter(inside).collect()
}

/// Reaps what has ended of a group, but its leader.
pub(super) fn collect_group(group: Pid, roster: &Roster) {
    orphans_of_group(group, roster).into_iter().for_each(reap);
}

/// A number from a list of our own children is safe as long as nobody else has had the chance to reap it.
fn reap(pid: Pid) {
    // An error says that it is no child of ours any more, which is what we want.
    let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

/// Without that, a child of ours that is not on the roster would be somebody else's, not the service's.
fn orphans_come_to_us() -> bool {
    matches!(rustix::process::child_subreaper(), Ok(Some(_))) || rustix::process::getpid().is_init()
}

fn orphans(roster: &Roster) -> Vec<Pid> {
    let mut children = children();
    children.retain(|pid| !roster.holds(pid.as_raw_nonzero().get().unsigned_abs()));
    children
}

/// Our children, zombies too. A child belongs to the thread that forked or inherited it. Whoever wants all of them asks
/// again until none is left: each that dies may leave us more.
fn children() -> Vec<Pid> {
    const LIMIT: u64 = 1 << 20;
    let mut listed = String::new();
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        // A thread may end meanwhile.
        if let Ok(file) = std::fs::File::open(thread.path().join("children")) {
            let _ = file.take(LIMIT).read_to_string(&mut listed);
            listed.push(' ');
        }
    }
    listed.split_ascii_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).collect()
}

/// The live members of a process group, but its leader: for processes that are not below us.
fn members_of_group(group: Pid) -> Vec<Pid> {
    let mut members = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|&pid| pid != group && is_live_member(pid, group)) {
            members.push(pid);
        }
    }
    members
}

/// Whether a process is alive and in this group.
pub(super) fn is_live_member(pid: Pid, group: Pid) -> bool {
    stat::read(pid).is_ok_and(|stat| stat.group == group.as_raw_nonzero().get() && stat.state != 'Z')
}
