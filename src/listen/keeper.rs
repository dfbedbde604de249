//! The interface to the service manager, which keeps sockets while lictor itself is started again.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

type Tell = dyn Fn(&[String], &[(String, BorrowedFd<'_>)]) -> io::Result<()> + Send;

/// Tells the service manager which names it has to release, and then which sockets it has to keep. It does not block.
pub struct Keeper(Box<Tell>);

impl Keeper {
    /// Told by this.
    pub fn new(tell: impl Fn(&[String], &[(String, BorrowedFd<'_>)]) -> io::Result<()> + Send + 'static) -> Self {
        Self(Box::new(tell))
    }

    /// Releases what is kept under these names, and keeps these sockets.
    pub(super) fn tell(&self, forgotten: &[String], kept: &[(String, BorrowedFd<'_>)]) {
        if let Err(error) = (self.0)(forgotten, kept) {
            tracing::warn!(%error, "systemd cannot be asked to keep the service's sockets while lictor is started again");
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
