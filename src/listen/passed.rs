//! The sockets that a run gets.

use std::os::fd::OwnedFd;

/// A copy of a socket for a process, with its name in `LISTEN_FDNAMES`.
#[derive(Debug)]
pub struct Passed {
    /// The label of its `listen`.
    pub name: String,
    /// The socket of the run's side.
    pub socket: OwnedFd,
}
