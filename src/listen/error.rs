//! Why a socket cannot be held.

use std::io;

use super::Address;

/// A socket cannot be opened. [`ListenError::Taken`] ends lictor with exit code 75.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process listens there.
    #[error("listen {name:?}: {address} is taken; stop what listens there (`ss -lxtnp`), or change its address")]
    Taken {
        /// The label of the `listen`.
        name: String,
        /// Where it should listen.
        address: Address,
    },
    /// Any other reason: no such address on this host, a port that needs privileges, a folder that is missing.
    #[error(
        "listen {name:?}: cannot listen on {address}; change its address to one that this host has and lictor may use"
    )]
    Unfit {
        /// The label of the `listen`.
        name: String,
        /// Where it should listen.
        address: Address,
        /// What the kernel said.
        source: io::Error,
    },
}

impl ListenError {
    /// The error of the kernel for this `listen`.
    pub(super) fn of(name: &str, address: &Address, source: io::Error) -> Self {
        let (name, address) = (name.to_owned(), address.clone());
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { name, address },
            _ => Self::Unfit { name, address, source },
        }
    }
}
