//! The host names that the status port answers to. A page in a browser must not reach it by a name of its own that resolves to
//! this host (DNS rebinding), so a name that is not configured is refused. Addresses cannot be misused like this.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use crate::line::one_line;

/// The names that are allowed besides every address and `localhost`.
#[derive(Clone, Debug)]
pub struct HostNames(Arc<[String]>);

/// The request names another host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not {0}: ask by the address, or write the name into status.hosts")]
pub(super) struct Misdirected(pub(super) String);

impl HostNames {
    /// Allows these names, and that of this machine.
    pub fn of_this_machine_and(configured: impl IntoIterator<Item = String>) -> Self {
        let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self::new(configured.into_iter().chain([machine]))
    }

    fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| normal(&name)).collect())
    }

    /// Whether a request may be answered. One without a host does not come from a browser, and is allowed.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Misdirected> {
        let named = match (head.uri.authority(), head.headers.get(HOST)) {
            (Some(authority), _) => authority.as_str().as_bytes(),
            (None, Some(host)) => host.as_bytes(),
            (None, None) => return Ok(()),
        };
        if named.is_empty() {
            return Ok(());
        }
        let authority = Authority::try_from(named).ok();
        if authority.as_ref().is_some_and(|authority| self.knows(authority.host())) {
            return Ok(());
        }
        let shown =
            authority.map_or_else(|| String::from_utf8_lossy(named).into_owned(), |known| known.host().to_owned());
        Err(Misdirected(one_line(&shown, 60).into_owned()))
    }

    fn knows(&self, host: &str) -> bool {
        let host = normal(host);
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
        address.parse::<IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || self.0.contains(&host)
    }
}

/// Brings a name to lower case and without a dot at its end, to compare it.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::HostNames;

    fn admitted(target: &str, host: Option<&[u8]>) -> bool {
        let names = HostNames::new(["Billing.internal".to_owned()]);
        let mut request = Request::get(target);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        names.admit(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    #[test]
    fn only_addresses_localhost_and_known_names_are_admitted() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8127",
            "10.1.2.3:80",
            "[::1]:8127",
            "[::1]",
            "localhost",
            "LOCALHOST:8127",
            "a.localhost",
            "billing.internal:8127",
            "billing.internal.",
            "",
        ] {
            assert!(admitted("/status", Some(host.as_bytes())), "{host}");
        }
        for host in
            ["evil.example", "evil.example:8127", "127.0.0.1.evil.example", "localhost.evil.example", "x", "a b"]
        {
            assert!(!admitted("/status", Some(host.as_bytes())), "{host}");
        }
        assert!(!admitted("/status", Some(b"\xff")));
        assert!(admitted("/status", None));
        assert!(admitted("http://127.0.0.1/status", Some(b"evil.example")), "the target of the request counts");
        assert!(!admitted("http://evil.example/status", Some(b"localhost")));
    }
}
