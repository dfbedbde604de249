//! Who asks: one client for all checks, and one of its own for a check with certificates or a name of its own.

use std::error::Error as _;
#[cfg(feature = "sqs")]
use std::path::Path;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Identity, Url};

#[cfg(feature = "sqs")]
use crate::check::Tls;
use crate::check::tls::{self, Pem};
use crate::check::{Http, Kind, Spec, reason};

const USER_AGENT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// What the checks need of the client that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) enum Need {
    /// There is no such check.
    None,
    /// Only `http:`, so the system's certificates need not be loaded.
    Plain,
    /// `https:` too.
    Tls,
}

impl Need {
    pub(in crate::check) fn of(specs: &[Spec]) -> Self {
        let of_one = |spec: &Spec| match &spec.kind {
            Kind::Http(http) if is_https(&http.url) && !is_special(http) => Self::Tls,
            Kind::Http(_) => Self::Plain,
            Kind::Sqs(sqs) if sqs.needs_no_roots() => Self::Plain,
            Kind::Sqs(_) => Self::Tls,
            _ => Self::None,
        };
        specs.iter().map(of_one).max().unwrap_or(Self::None)
    }
}

/// One client for all checks, or why there is none.
#[derive(Clone, Debug)]
pub(in crate::check) struct Client(Result<reqwest::Client, String>);

impl Client {
    /// The client that these checks need, if they need one.
    pub(in crate::check) fn for_checks(specs: &[Spec]) -> Option<Self> {
        let builder = match Need::of(specs) {
            Need::None => return None,
            Need::Plain => builder().tls_certs_only([]),
            Need::Tls => builder(),
        };
        Some(Self(build(builder)))
    }

    /// The client that is shared, or one that trusts nobody but whom this file names.
    #[cfg(feature = "sqs")]
    pub(in crate::check) async fn trusting(&self, ca: Option<&Path>) -> Result<reqwest::Client, String> {
        let Some(ca) = ca else { return self.0.clone() };
        let tls = Tls { ca: Some(ca.to_owned()), ..Tls::default() };
        build(with_certificates(builder(), &Pem::read(&tls).await?)?)
    }

    /// Who asks for this check, and for which URL.
    pub(super) async fn of(&self, http: &Http) -> Result<(reqwest::Client, Url), String> {
        let url = Url::parse(&http.url).map_err(|_| "not a URL that can be asked for".to_owned())?;
        if is_https(&http.url) && is_special(http) {
            return special(http, url).await;
        }
        self.0.clone().map(|client| (client, url))
    }
}

fn is_https(url: &str) -> bool {
    url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// Whether TLS is not the usual one of the shared client.
fn is_special(http: &Http) -> bool {
    !http.tls.is_default() || http.host.is_some()
}

/// A client with the certificates as they are now, which takes the server for the one that is named.
async fn special(http: &Http, mut url: Url) -> Result<(reqwest::Client, Url), String> {
    let pem = Pem::read(&http.tls).await?;
    let mut builder = with_certificates(builder(), &pem)?;
    let name = http.tls.server_name.as_deref().or(http.host.as_deref().map(without_port));
    if let Some(name) = name {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        builder = builder.dns_resolver(Fixed { host, port: url.port_or_known_default().unwrap_or(443) });
        url.set_host(Some(name)).map_err(|_| format!("{name:?} is no name for a server"))?;
    }
    build(builder).map(|client| (client, url))
}

/// Who is trusted, and what is shown.
fn with_certificates(mut builder: ClientBuilder, pem: &Pem) -> Result<ClientBuilder, String> {
    if let Some(trusted) = &pem.trusted {
        let certificates = Certificate::from_pem_bundle(trusted).ok().filter(|found| !found.is_empty());
        builder = builder.tls_certs_only(certificates.ok_or(tls::NO_CA)?);
    }
    if let Some((cert, key)) = &pem.shown {
        let both = if cert == key { cert.clone() } else { [cert.as_slice(), b"\n", key].concat() };
        builder = builder.identity(Identity::from_pem(&both).map_err(|_| tls::NO_IDENTITY)?);
    }
    Ok(builder)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn builder() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(Policy::none())
        // A fresh connection each time: an old one would say nothing about whether the service still accepts any.
        .pool_max_idle_per_host(0)
        // A probe is over long before any of these would notice something.
        .tcp_keepalive(None)
        .tcp_user_timeout(None)
}

fn build(builder: ClientBuilder) -> Result<reqwest::Client, String> {
    // An error means that the program has chosen its provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder.build().map_err(|error| format!("cannot set up TLS: {}", why(&error)))
}

/// Why there was no answer. The error itself is not shown, since it names the URL; what caused it never does.
pub(in crate::check) fn why(error: &reqwest::Error) -> String {
    if error.is_builder() && error.source().is_none() {
        return "not a URL that can be asked for".to_owned();
    }
    reason::of_chain(error).unwrap_or_else(|| "the request failed".to_owned())
}

/// Resolves every name to the host that was written: for the name in the certificate, which stands in its place.
#[derive(Clone, Debug)]
struct Fixed {
    host: String,
    port: u16,
}

impl Resolve for Fixed {
    fn resolve(&self, _name: Name) -> Resolving {
        let Self { host, port } = self.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
