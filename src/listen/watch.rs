//! Notices at once that a socket no longer listens, without being woken by each connection.

use std::future::pending;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

/// The pause after something was noticed, so that a problem that cannot be mended does not keep it busy.
const REST: Duration = Duration::from_millis(100);

/// The kernel watches the sockets in a list of its own (epoll), and that list is watched here.
#[derive(Debug, Default)]
pub(super) struct Watch {
    list: Option<AsyncFd<OwnedFd>>,
    rests_until: Option<Instant>,
}

impl Watch {
    /// Waits until one of these has been shut down. They have to be the same at each call, until it has returned.
    /// Cancel-safe.
    pub(super) async fn shut<'a>(&mut self, sockets: impl Iterator<Item = BorrowedFd<'a>>) {
        if let Some(until) = self.rests_until {
            sleep_until(until).await;
            self.rests_until = None;
        }
        if self.list.is_none() {
            match list(sockets) {
                Ok(list) => self.list = Some(list),
                // The sockets are also checked every second.
                Err(error) => tracing::debug!(%error, "the sockets cannot be watched"),
            }
        }
        let seen = match &self.list {
            Some(list) => list.readable().await.map(drop),
            None => pending().await,
        };
        if let Err(error) = seen {
            tracing::debug!(%error, "the sockets are not watched any more");
        }
        *self = Self { list: None, rests_until: Some(Instant::now() + REST) };
    }
}

fn list<'a>(sockets: impl Iterator<Item = BorrowedFd<'a>>) -> io::Result<AsyncFd<OwnedFd>> {
    let list = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for socket in sockets {
        // Only this and a hang-up are reported.
        epoll::add(&list, socket, epoll::EventData::new_u64(0), epoll::EventFlags::RDHUP)?;
    }
    readable(list)
}

/// A descriptor that can be waited for until there is something to be read, or somebody to be accepted.
///
/// # Errors
/// The kernel does not allow it.
#[expect(unsafe_code, reason = "tokio cannot know that a descriptor stays open for as long as its owner")]
pub(super) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps one descriptor open for as long as it lives, and AsyncFd never lets it out.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}
