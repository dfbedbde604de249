//! The status port.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use tokio::net::TcpListener;

use crate::exit;

/// Where the address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The configuration names it: if it cannot be bound, that is an error.
    Configured,
    /// It is the default: if it cannot be bound, that is a warning, and the admin socket remains.
    Default,
}

/// The result of binding.
#[derive(Debug)]
pub enum StatusPort {
    /// It listens.
    Bound {
        /// Hand it to [`serve`](super::serve).
        listener: TcpListener,
        /// The address as bound: port 0 has become a real one.
        address: SocketAddr,
    },
    /// The default address could not be bound; the caller logs the sentence as a warning.
    Skipped(String),
}

/// A configured address could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("the status address {address} is taken; stop what listens there (`ss -ltnp`) or set status.address")]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// No interface of this host has the address yet.
    #[error(
        "no interface of this host has the status address {address}; wait until one has it, or set status.address to one of this host's"
    )]
    NotHere {
        /// The address.
        address: SocketAddr,
    },
    /// Any other reason, such as a port that needs privileges.
    #[error("cannot listen on the status address {address}; set status.address to one that lictor may use")]
    Unfit {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

impl BindError {
    /// Whether another attempt may succeed although the configuration stays the same.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Taken { .. } | Self::NotHere { .. } => true,
            Self::Unfit { source, .. } => exit::may_pass(source),
        }
    }
}

/// Binds the status port, or takes over `kept` if that is bound to it already. Port 0 works.
pub async fn bind_status(address: SocketAddr, wanted: Wanted, kept: Option<OwnedFd>) -> Result<StatusPort, BindError> {
    let kept = kept.and_then(|kept| taken_up(kept, address).ok());
    let bound = match kept {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(address).await,
    };
    let attempt = match bound {
        Ok(listener) => listener.local_addr().map(|address| StatusPort::Bound { listener, address }),
        Err(error) => Err(error),
    };
    match (attempt, wanted) {
        (Ok(bound), _) => Ok(bound),
        (Err(error), Wanted::Default) => Ok(StatusPort::Skipped(format!(
            "no status port, only the admin socket: cannot listen on the default {address}: {error}; set status.address"
        ))),
        (Err(error), Wanted::Configured) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(BindError::Taken { address })
        }
        (Err(error), Wanted::Configured) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Err(BindError::NotHere { address })
        }
        (Err(source), Wanted::Configured) => Err(BindError::Unfit { address, source }),
    }
}

/// Takes over the listener from before a reexec, if its address is still the wanted one.
fn taken_up(kept: OwnedFd, address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::from_std(kept.into())?;
    let there = listener.local_addr()?;
    let fits = there.ip() == address.ip() && (there.port() == address.port() || address.port() == 0);
    if fits { Ok(listener) } else { Err(io::ErrorKind::AddrNotAvailable.into()) }
}

#[cfg(test)]
mod tests {
    use super::{BindError, StatusPort, Wanted, bind_status};

    #[tokio::test]
    async fn a_taken_address_is_an_error_only_if_somebody_asked_for_it() {
        let first = bind_status("127.0.0.1:0".parse().unwrap(), Wanted::Configured, None).await.unwrap();
        let StatusPort::Bound { listener: _held, address } = first else { panic!("{first:?}") };
        assert_ne!(address.port(), 0);

        let refused = bind_status(address, Wanted::Configured, None).await;
        assert!(matches!(refused, Err(BindError::Taken { address: named }) if named == address), "{refused:?}");

        match bind_status(address, Wanted::Default, None).await {
            Ok(StatusPort::Skipped(warning)) => assert!(warning.contains(&address.to_string()), "{warning}"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_was_listened_on_is_taken_up_where_it_still_should_be() {
        let first = bind_status("127.0.0.1:0".parse().unwrap(), Wanted::Configured, None).await.unwrap();
        let StatusPort::Bound { listener, address } = first else { panic!("{first:?}") };
        let copy = || std::os::fd::AsFd::as_fd(&listener).try_clone_to_owned().unwrap();
        let again = bind_status(address, Wanted::Configured, Some(copy())).await;
        assert!(matches!(again, Ok(StatusPort::Bound { address: there, .. }) if there == address), "{again:?}");
        let elsewhere = bind_status("127.0.0.2:0".parse().unwrap(), Wanted::Configured, Some(copy())).await;
        assert!(matches!(elsewhere, Ok(StatusPort::Bound { address: there, .. }) if there != address), "{elsewhere:?}");
    }

    #[tokio::test]
    async fn an_address_of_another_host_is_not_called_taken() {
        let refused = bind_status("192.0.2.1:0".parse().unwrap(), Wanted::Configured, None).await;
        assert!(matches!(&refused, Err(error @ BindError::NotHere { .. }) if error.may_pass()), "{refused:?}");
    }
}
