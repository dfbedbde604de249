//! The receiver's address. An IP address is known at once. A name is looked up in the background until it is known, and again after
//! losses, because it may belong to another host by then.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::resolve::Resolver;

/// How long one look-up may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after one the next may begin.
const REST: Duration = Duration::from_secs(30);

/// An address as configured.
#[derive(Debug)]
pub(super) struct Address {
    text: String,
    known: Option<SocketAddr>,
    numeric: bool,
    looking: JoinSet<io::Result<SocketAddr>>,
    next: Instant,
    resolver: Resolver,
}

impl Address {
    pub(super) fn new(text: &str) -> Self {
        let known = text.parse().ok();
        let numeric = known.is_some();
        Self {
            text: text.to_owned(),
            known,
            numeric,
            looking: JoinSet::new(),
            next: Instant::now(),
            resolver: Resolver::default(),
        }
    }

    /// As configured.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The IP address, if it is known. If not, a look-up begins.
    pub(super) fn get(&mut self) -> Option<SocketAddr> {
        if self.known.is_none() && self.looking.is_empty() && Instant::now() >= self.next {
            self.next = Instant::now() + REST;
            self.looking.spawn(look_up(self.text.clone(), self.resolver.clone()));
        }
        self.known
    }

    /// Notes that the known address may be wrong; returns whether it has been dropped.
    pub(super) fn doubt(&mut self) -> Doubt {
        if self.numeric || Instant::now() < self.next {
            return Doubt::Refuted;
        }
        self.known = None;
        Doubt::Shared
    }

    /// Returns when a look-up has ended; never while none goes on. Cancel-safe.
    pub(super) async fn looked_up(&mut self) {
        match self.looking.join_next().await {
            Some(Ok(Ok(address))) => self.known = Some(address),
            Some(Ok(Err(error))) => {
                tracing::debug!(address = self.text, %error, "the address for statsd cannot be looked up; it is tried again");
            }
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Whether an address is still trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It has been dropped.
    Shared,
    /// It is kept.
    Refuted,
}

/// IPv4 first: a receiver that listens on this host's name mostly listens there.
async fn look_up(text: String, resolver: Resolver) -> io::Result<SocketAddr> {
    let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
    let (host, port) = text.rsplit_once(':').ok_or_else(unfit)?;
    let port = port.parse().map_err(|_| unfit())?;
    let mut found = timeout(PATIENCE, resolver.lookup(host)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().map(|address| SocketAddr::new(*address, port)).ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::{Address, Doubt, REST};

    #[tokio::test]
    async fn a_number_is_known_at_once_and_for_good() {
        for text in ["127.0.0.1:8125", "[::1]:8125"] {
            let mut address = Address::new(text);
            assert_eq!(address.get(), Some(text.parse().unwrap()));
            assert_eq!(address.doubt(), Doubt::Refuted);
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_doubted_once_in_a_while() {
        let mut address = Address::new("localhost:8125");
        assert_eq!(address.get(), None);
        address.looked_up().await;
        assert_eq!(address.get(), Some("127.0.0.1:8125".parse().unwrap()));
        assert_eq!(address.doubt(), Doubt::Refuted, "it was looked up just now");
        tokio::time::pause();
        tokio::time::advance(REST).await;
        assert_eq!(address.doubt(), Doubt::Shared);
        assert_eq!(address.get(), None);
    }
}
