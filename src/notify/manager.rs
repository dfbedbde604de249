//! The service manager that this process's environment names, and sending to it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as Unready};
use std::time::Duration;

use tokio::net::UnixDatagram;

/// Messages cannot be sent to the manager. lictor runs on without it.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The address is of a kind that is not supported.
    #[error("NOTIFY_SOCKET is {0:?}, which is neither a path nor @ and a name; systemd gets no status")]
    Address(OsString),
    /// The address cannot be that of a socket.
    #[error("NOTIFY_SOCKET {address:?} cannot be used; systemd gets no status")]
    Unfit {
        /// The address.
        address: OsString,
        /// Why not.
        source: io::Error,
    },
}

/// The manager's address, and how often it expects a ping.
#[derive(Clone, Debug)]
pub struct Manager {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `None`: no manager asks for messages. `pid` is our own.
    pub fn find(lookup: impl Fn(&str) -> Option<OsString>, pid: u32) -> Result<Option<Self>, NotifyError> {
        let Some(name) = lookup("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = address(&name)?;
        Ok(Some(Self { address, watchdog: watchdog(lookup, pid) }))
    }

    /// The longest time between two pings that the manager allows, if it expects any.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Sends the messages in this order; waits while the manager is too busy to receive them.
    pub(super) async fn send_all(&self, messages: &[String]) -> io::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let socket = UnixDatagram::from_std(self.connected()?)?;
        for message in messages {
            socket.send(message.as_bytes()).await?;
        }
        Ok(())
    }
}

impl Manager {
    /// A new socket each time, as in libsystemd: one that was kept would not reach a manager that has been started again.
    pub(super) fn connected(&self) -> io::Result<Unready> {
        let socket = Unready::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&self.address)?;
        Ok(socket)
    }
}

fn address(name: &OsStr) -> Result<SocketAddr, NotifyError> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => return Err(NotifyError::Address(name.to_owned())),
    };
    address.map_err(|source| NotifyError::Unfit { address: name.to_owned(), source })
}

/// Whether this process has to ping: any other than `WATCHDOG_PID` has only inherited the variables.
fn watchdog(lookup: impl Fn(&str) -> Option<OsString>, pid: u32) -> Option<Duration> {
    let number = |name| lookup(name).map(|text| text.to_str().and_then(|text| text.parse::<u64>().ok()));
    let meant = number("WATCHDOG_PID").is_none_or(|meant| meant == Some(pid.into()));
    let interval = number("WATCHDOG_USEC")??;
    (meant && interval > 0).then(|| Duration::from_micros(interval))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use super::{Manager, NotifyError};

    fn find(pairs: &[(&str, &str)]) -> Result<Option<Manager>, NotifyError> {
        let lookup =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        Manager::find(lookup, 4711)
    }

    #[test]
    fn whom_to_tell() {
        for unset in [&[][..], &[("NOTIFY_SOCKET", "")], &[("WATCHDOG_USEC", "30000000")]] {
            assert!(find(unset).unwrap().is_none(), "{unset:?}");
        }
        let manager = find(&[("NOTIFY_SOCKET", "/run/systemd/notify")]).unwrap().unwrap();
        assert_eq!(manager.address.as_pathname().unwrap().to_str(), Some("/run/systemd/notify"));
        let manager = find(&[("NOTIFY_SOCKET", "@a/b")]).unwrap().unwrap();
        assert!(manager.address.as_pathname().is_none());
        for odd in ["vsock:2:1234", "relative", &format!("/{}", "x".repeat(200))] {
            assert!(find(&[("NOTIFY_SOCKET", odd)]).is_err(), "{odd}");
        }
    }

    #[test]
    fn who_must_ping_and_how_often() {
        let table = [
            (&[("WATCHDOG_USEC", "30000000")][..], Some(30)),
            (&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "4711")], Some(30)),
            (&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")], None),
            (&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "x")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
            (&[], None),
        ];
        for (pairs, seconds) in table {
            let pairs = [pairs, &[("NOTIFY_SOCKET", "/x")]].concat();
            let manager = find(&pairs).unwrap().unwrap();
            assert_eq!(manager.watchdog(), seconds.map(Duration::from_secs), "{pairs:?}");
        }
    }
}
