//! Addresses: `host:port`, and an address of this host to listen on.

use std::net::SocketAddr;

use reqwest::Url;

/// Checks `host:port`; a name, an IPv4 address or an IPv6 address in brackets. Returns it as written.
pub(crate) fn host_port(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected host:port, as in \"127.0.0.1:8125\" or \"[::1]:8125\"";
    let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let host_is_fine = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.len() <= 253 && host.chars().all(name),
    };
    let port_is_fine = port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if host_is_fine && port_is_fine { Ok(text.to_owned()) } else { Err(EXPECTED) }
}

/// An address to listen on: an IP address and a port; port 0 lets the kernel choose.
pub(crate) fn listening(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| {
        if text.starts_with(':') {
            "expected an IP address and a port: write \"0.0.0.0:PORT\" for every address of this host"
        } else {
            "expected an IP address and a port, as in \"127.0.0.1:8127\""
        }
    })
}

/// Checks that the text is an `http` or `https` URL with a host; returns it as written. The error does not repeat it,
/// because there may be a password in it.
pub(crate) fn http(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text.to_owned()).ok_or("expected a URL, as in \"http://127.0.0.1:8080/healthz\"")
}

#[cfg(test)]
mod tests {
    use super::host_port;
    use super::http;
    use super::listening;

    #[test]
    fn host_and_port() {
        for good in ["127.0.0.1:8125", "localhost:1", "[::1]:8125", "db.internal:65535"] {
            assert_eq!(host_port(good).as_deref(), Ok(good));
        }
        for bad in ["", ":8125", "localhost", "localhost:", "localhost:0", "localhost:65536", "::1:80", "a b:1", "x:+1"]
        {
            assert!(host_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn listening_needs_a_number() {
        assert!(listening("127.0.0.1:0").is_ok());
        assert!(listening("localhost:8127").is_err());
        assert!(listening(":8127").expect_err("no host").contains("0.0.0.0"));
    }

    #[test]
    fn http_and_https_only() {
        for good in ["http://127.0.0.1:8080/healthz", "https://[::1]/", "http://localhost"] {
            assert_eq!(http(good).as_deref(), Ok(good));
        }
        for bad in ["", "/healthz", "127.0.0.1:8080", "ftp://x/", "http://", "http://h:99999/", "unix:///x"] {
            assert!(http(bad).is_err(), "{bad}");
        }
    }
}
