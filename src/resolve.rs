//! Names to addresses.
//!
//! A lookup may take as long as the resolver likes, so it has a place of its own: one at a time for each name, and a
//! limit for all names together. What needs no resolver does not wait for one: an address as it is written, and
//! `localhost`, which is this host whatever a resolver says (RFC 6761).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::bulkhead::Bulkhead;

/// How many names are looked up at a time. A lookup only has to wait for a place when this many names do not answer.
const LIMIT: usize = 16;

/// The answer of the system's resolver for a name. The error is a sentence, since `io::Error` cannot be cloned.
type Found = Result<Vec<IpAddr>, String>;

/// Looks names up. Clones share its threads; a caller that must not wait behind other callers' names has a resolver of
/// its own.
#[derive(Clone, Debug)]
pub struct Resolver {
    lookups: Bulkhead<Found>,
    system: fn(&str) -> io::Result<Vec<IpAddr>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self { lookups: Bulkhead::new("resolve", LIMIT), system }
    }
}

impl Resolver {
    /// The addresses of a host: of a name, or the one that is written. There is at least one.
    ///
    /// # Errors
    /// The name has no address, or the resolver does not answer; the sentence contains the name.
    pub async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Some(known) = known(host) {
            return Ok(known);
        }
        let (system, name) = (self.system, host.to_owned());
        let found = self.lookups.run(host, move || system(&name).map_err(|error| reason(&error))).await?;
        let found =
            found.and_then(|found| if found.is_empty() { Err("it has no address".to_owned()) } else { Ok(found) });
        found.map_err(|why| io::Error::new(io::ErrorKind::NotFound, NoAddress { host: host.to_owned(), why }))
    }
}

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the host name {host}: {why}")]
struct NoAddress {
    host: String,
    why: String,
}

/// Names that need no resolver. IPv4 comes first: most servers that listen on `localhost` use it.
fn known(host: &str) -> Option<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Some(vec![address]);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_local.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

fn system(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()?.map(|address| address.ip()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
}

/// What the system says, without the words that std puts before it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    text.replace(['\n', '\r'], " ")
}

fn with_port_0(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)))
}

/// For HTTP clients, which replace port 0 by the URL's port.
impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move { Ok(with_port_0(resolver.lookup(name.as_str()).await?)) })
    }
}

/// Answers every name with the addresses of one host: for a URL that contains the name of the certificate in
/// place of the host.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The host whose addresses are given.
    pub host: String,
    /// Where they are looked up.
    pub resolver: Resolver,
}

impl Resolve for Fixed {
    fn resolve(&self, _name: Name) -> Resolving {
        let Self { host, resolver } = self.clone();
        Box::pin(async move { Ok(with_port_0(resolver.lookup(&host).await?)) })
    }
}

#[cfg(test)]
impl Resolver {
    /// A resolver that asks this function instead of the system.
    pub fn asking(system: fn(&str) -> io::Result<Vec<IpAddr>>) -> Self {
        Self { system, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Resolver;

    #[tokio::test]
    async fn what_needs_no_resolver_asks_none() {
        let resolver = Resolver::asking(|name| panic!("nobody must be asked for {name}"));
        let local: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        for host in ["localhost", "LOCALHOST", "localhost.", "app.localhost", "app.localhost."] {
            assert_eq!(resolver.lookup(host).await.unwrap(), local, "{host}");
        }
        assert_eq!(resolver.lookup("10.0.0.1").await.unwrap(), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        for host in ["::1", "[::1]"] {
            assert_eq!(resolver.lookup(host).await.unwrap(), [local[1]]);
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_named() {
        let resolver = Resolver::asking(|_| Err(std::io::Error::other("Name or service not known")));
        for host in ["db.internal", "notlocalhost", "localhost.example"] {
            let error = resolver.lookup(host).await.unwrap_err().to_string();
            assert_eq!(error, format!("cannot resolve the host name {host}: Name or service not known"));
        }
        let error = Resolver::asking(|_| Ok(Vec::new())).lookup("db").await.unwrap_err().to_string();
        assert_eq!(error, "cannot resolve the host name db: it has no address");
    }
}
