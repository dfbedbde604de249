//! Sockets that lictor holds for the service, so that a restart refuses no connection.
//!
//! Each TCP `listen` is a pair of sockets that share one port (`SO_REUSEPORT`). A classic BPF program in the kernel says
//! which of the two a new connection goes to, and one `setsockopt` changes its mind. A run is given one side of every
//! pair; before it is stopped, new connections are steered to the other side, where they wait in a queue until the next
//! run accepts them. What has begun on the old side is finished there. For a socket in the file system the pair is two
//! files, and a symbolic link says which one is connected to.
//!
//! Who has which side, and which side is active, is decided by `sides::Sides`, which is pure. Everything else here is
//! its effect. The order of the steps was found by measurement; each place says which mistake it avoids.

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

/// Whether this kernel lets us steer new connections from one process to another.
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
