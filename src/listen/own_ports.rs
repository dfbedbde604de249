//! Ports that a service has opened by itself, besides the sockets that lictor holds. A second process cannot bind them.

use std::collections::BTreeSet;

use super::diag::{self, State};
use crate::procfs;

/// The most ports that are named.
const NAMED: usize = 8;

/// The TCP ports, except for these, on which a process group listens; processes that may not be read are left out. It
/// blocks for milliseconds.
pub fn own_ports(group: u32, held: &BTreeSet<u16>) -> Vec<u16> {
    let listening = diag::sockets(State::Listening).unwrap_or_default();
    let others: Vec<_> = listening.iter().filter(|socket| !held.contains(&socket.local.port())).collect();
    if others.is_empty() {
        return Vec::new();
    }
    let of_group = |pid: &u32| procfs::stat(*pid).is_ok_and(|stat| stat.group == group);
    let inodes: BTreeSet<u32> = procfs::pids().filter(of_group).flat_map(sockets_of).collect();
    let ports: BTreeSet<u16> =
        others.iter().filter(|socket| inodes.contains(&socket.inode)).map(|socket| socket.local.port()).collect();
    ports.into_iter().take(NAMED).collect()
}

/// The inode numbers of a process's sockets.
fn sockets_of(pid: u32) -> Vec<u32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    use super::own_ports;

    #[test]
    fn what_this_group_listens_on_is_found_but_for_what_is_held() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
        let [one, two] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        // Other tests listen too, so that only so many are named: all others are held, as it were.
        let held: BTreeSet<u16> = (1..=u16::MAX).filter(|other| *other != port(&one)).collect();
        assert_eq!(own_ports(group, &held), [port(&one)]);
        assert!(held.contains(&port(&two)));
        assert_eq!(own_ports(u32::MAX, &BTreeSet::new()), [0_u16; 0]);
    }
}
