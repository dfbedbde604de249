//! Sockets that lictor holds for the service, so that a restart refuses no connection.
//!
//! Each TCP `listen` is a pair of sockets that share one port (`SO_REUSEPORT`). A classic BPF program in the kernel
//! decides which of the two gets a new connection, and one `setsockopt` changes that. A run is given one side of every
//! pair; before it is stopped, new connections are steered to the other side, where they wait in a queue until the next
//! run accepts them. Connections that the old side has accepted stay there. For a socket in the file system the pair is
//! two files, and a symbolic link leads to the one that gets connections. `sides::Sides`, which is pure, decides which
//! run has which side, and which side is active. The rest carries that out. The order of the steps was found by
//! measurement; each place says which mistake it avoids.

mod address;
mod diag;
mod error;
mod fault;
mod found;
mod half_open;
mod keeper;
mod kernel;
mod open;
mod own_ports;
mod pair;
mod passed;
mod program;
mod reach;
mod relay;
mod settle;
mod sides;
mod sockets;
mod steering;
mod tcp;
mod unix;
mod watch;

pub use address::Address;
pub use error::ListenError;
pub use found::Found;
pub use keeper::Keeper;
pub use own_ports::own_ports;
pub use passed::Passed;
pub use program::{Marks, Share};
pub use reach::Reach;
pub use settle::{Leaving, Settled};
pub use sockets::Sockets;

/// Whether this kernel allows new connections to be steered from one process to another.
///
/// # Errors
/// Why it does not, as a sentence.
pub fn can_steer() -> Result<(), String> {
    steering::possible(Marks::Heeded)
}

/// `listen "name" {}`: a socket that lictor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its name in `LISTEN_FDNAMES`.
    pub name: String,
    /// Where it listens.
    pub address: Address,
}
