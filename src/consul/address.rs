//! The address as written, taken apart once.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Url;

use super::error::Error;

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, host, port and a proxy's prefix; its path ends without `/`.
    pub(super) base: Url,
    /// The socket that carries it, if it is not a TCP connection.
    pub(super) socket: Option<PathBuf>,
    /// As it may be shown.
    pub(super) shown: Arc<str>,
}

/// Whether TLS was asked for beside the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// `http` unless the address says `https`.
    AsWritten,
    /// TLS, even if the address says `http`: Consul's own client never goes back to plain text either.
    Tls,
}

/// Whether this address asks for TLS by itself.
pub(super) fn is_https(address: &str) -> bool {
    address.trim().starts_with("https://")
}

impl Address {
    pub(super) fn parse(written: &str, security: Security) -> Result<Self, Error> {
        let (scheme, rest) = written.trim().split_once("://").unwrap_or(("http", written.trim()));
        let secured = match security {
            Security::Tls => "https",
            Security::AsWritten => "http",
        };
        match scheme {
            "http" => Self::over_tcp(secured, rest),
            "https" => Self::over_tcp("https", rest),
            "unix" if rest.is_empty() => Err(unusable("unix:// without a path")),
            "unix" => Ok(Self {
                base: url(&format!("{secured}://localhost"))?,
                socket: Some(PathBuf::from(rest)),
                shown: format!("unix://{rest}").into(),
            }),
            _ => Err(unusable("it is neither http, https nor unix")),
        }
    }

    fn over_tcp(scheme: &str, rest: &str) -> Result<Self, Error> {
        if rest.contains('@') {
            return Err(unusable("user and password belong in auth, not in the address"));
        }
        let base = url(&format!("{scheme}://{}", rest.trim_end_matches('/')))?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(unusable("it has a query or a fragment"));
        }
        let shown = rest.trim_end_matches('/').into();
        Ok(Self { base, socket: None, shown })
    }

    /// The path of `/v1/...` behind this address, with a proxy's prefix.
    pub(super) fn path(&self, api: &str) -> String {
        format!("{}{api}", self.base.path().trim_end_matches('/'))
    }
}

fn url(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| Error::Address { reason: error.to_string() })
}

fn unusable(reason: &str) -> Error {
    Error::Address { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Address, Security};

    #[test]
    fn addresses_as_consuls_own_client_reads_them() {
        for (written, security, base, socket) in [
            ("127.0.0.1:8500", Security::AsWritten, "http://127.0.0.1:8500/", None),
            ("http://consul.example:8500/", Security::AsWritten, "http://consul.example:8500/", None),
            ("http://consul.example:8501", Security::Tls, "https://consul.example:8501/", None),
            ("https://consul.example", Security::AsWritten, "https://consul.example/", None),
            ("https://proxy.example/consul/a/", Security::AsWritten, "https://proxy.example/consul/a", None),
            ("[::1]:8500", Security::AsWritten, "http://[::1]:8500/", None),
            ("unix:///run/consul.sock", Security::AsWritten, "http://localhost/", Some("/run/consul.sock")),
        ] {
            let address = Address::parse(written, security).unwrap();
            assert_eq!(address.base.as_str(), base, "{written}");
            assert_eq!(address.socket.as_deref().and_then(|path| path.to_str()), socket, "{written}");
        }
    }

    #[test]
    fn a_proxys_prefix_stands_before_the_path() {
        let address = Address::parse("https://proxy.example/consul/", Security::AsWritten).unwrap();
        assert_eq!(address.path("/v1/kv/a/"), "/consul/v1/kv/a/");
        let address = Address::parse("127.0.0.1:8500", Security::AsWritten).unwrap();
        assert_eq!(address.path("/v1/kv/a/"), "/v1/kv/a/");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for written in ["", "http://", "unix://", "ftp://x", "a:b:c", "127.0.0.1:99999", "h?x=1", "user:hunter2@h:8500"]
        {
            let error = Address::parse(written, Security::AsWritten).unwrap_err().to_string();
            assert!(error.contains("host:port"), "{written}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
