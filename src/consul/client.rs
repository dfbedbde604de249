//! One HTTP client for all requests to Consul.

mod put;

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HOST, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response, Url};

use super::address::{Address, Security};
use super::error::{Error, ServerText, Site};
use super::head::{Credentials, Found, Head, class_of};
use super::token::{Renewal, Token};
use super::{Connection, Retry, Tls, tls};
use crate::resolve::{Fixed, Resolver};
use crate::secret::Secret;

/// How long an idle connection is kept: less than any Consul would keep it.
const POOL_IDLE: Duration = Duration::from_mins(1);
/// The most idle connections: more than any host has watches, each of which keeps its connection.
const POOL_SIZE: usize = 128;
/// How much of an error's body is read.
const SAID: usize = 4096;

/// A client for one agent. Clones share their connections; each reads the token file for itself.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    token: Token,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    address: Address,
    auth: Option<(String, Option<Secret>)>,
    /// `&ns=..&partition=..`, encoded.
    scope: String,
    retry: Retry,
}

/// A path below `/v1/`, prepared once for many requests.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    site: Site,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    pub(super) credentials: Credentials,
}

impl Client {
    /// A client for this connection. Nothing is sent yet.
    ///
    /// # Errors
    /// An address, token or TLS setting that cannot be used, a certificate that cannot be read.
    pub fn new(connection: &Connection) -> Result<Self, Error> {
        tls::install_crypto();
        let security = if connection.tls.is_some() { Security::Tls } else { Security::AsWritten };
        let mut address = Address::parse(&connection.address, security)?;
        let default = Tls::default();
        let tls = (address.base.scheme() == "https").then(|| connection.tls.as_ref().unwrap_or(&default));
        let token = Token::of(connection)?;
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(Resolver::default())
            .redirect(Policy::none())
            .connect_timeout(connection.transport.dial_timeout)
            .tcp_keepalive(connection.transport.dial_keep_alive)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE);
        builder = match tls {
            Some(tls) => tls::configure(named(builder, tls, &mut address)?, tls)?,
            // Without TLS, the system's certificates need not be read.
            None => builder.tls_certs_only([]),
        };
        if let Some(socket) = &address.socket {
            builder = builder.unix_socket(socket.as_path());
        }
        let http = builder.build().map_err(|source| Error::Build { source })?;
        let mut scope = String::new();
        for (name, value) in [("ns", &connection.namespace), ("partition", &connection.partition)] {
            if let Some(value) = value {
                scope.extend(["&", name, "="].into_iter().chain(utf8_percent_encode(value, NON_ALPHANUMERIC)));
            }
        }
        let (auth, retry) = (connection.auth.clone(), connection.retry);
        Ok(Self { shared: Arc::new(Shared { http, address, auth, scope, retry }), token })
    }

    /// The address as it may be shown.
    pub fn address(&self) -> &str {
        &self.shared.address.shown
    }

    /// The configured pauses between attempts.
    pub fn retry(&self) -> Retry {
        self.shared.retry
    }

    /// Reads the token file again if it has changed. To be called before each request.
    ///
    /// # Errors
    /// There is no token yet: the file does not exist, cannot be read or does not hold a token.
    pub fn renew_token(&mut self) -> Result<Renewal, Error> {
        self.token.renew()
    }

    /// Prepares a path below `/v1/`, already encoded; errors show it as `shown`.
    pub(super) fn endpoint(&self, path: &str, shown: &str) -> Endpoint {
        let address = &self.shared.address;
        let mut url = address.base.clone();
        url.set_path(&address.path(path));
        Endpoint { url, site: Site { address: Arc::clone(&address.shown), path: shown.into() } }
    }

    /// Asks and reads the whole answer: 200 and 404 are answers, everything else is an error.
    pub(super) async fn get(
        &self,
        endpoint: &Endpoint,
        query: &str,
        timeout: Duration,
        limit: usize,
    ) -> Result<Answer, Error> {
        let (answer, is_indexed) = self.fetch(endpoint, query, timeout, limit).await?;
        // A 404 of a proxy or a wrong port says nothing about keys: only Consul's own, with an index, counts.
        let is_nothing = answer.head.found == Found::Nothing || answer.body.trim_ascii() == b"[]";
        if is_nothing && !is_indexed {
            return Err(endpoint.unreadable("a 404 without x-consul-index"));
        }
        Ok(answer)
    }

    /// The same for the agent's own API, whose answers have no index; also returns whether there was one.
    pub(super) async fn fetch(
        &self,
        endpoint: &Endpoint,
        query: &str,
        timeout: Duration,
        limit: usize,
    ) -> Result<(Answer, bool), Error> {
        let Shared { http, auth, scope, .. } = &*self.shared;
        let site = &endpoint.site;
        let broken = |source: reqwest::Error| failure(source, site, timeout);
        let mut url = endpoint.url.clone();
        url.set_query(Some(&format!("{query}{scope}")));
        let mut request = http.get(url).timeout(timeout);
        if let Some(token) = self.token.header() {
            request = request.header("x-consul-token", token);
        }
        if let Some((user, password)) = auth {
            request = request.basic_auth(user, password.as_ref().and_then(Secret::expose_str));
        }
        let mut response = request.send().await.map_err(broken)?;
        let found = match response.status().as_u16() {
            200 => Found::Something,
            404 => Found::Nothing,
            status => return Err(self.refusal(status, &mut response, site).await),
        };
        let head = Head::read(found, response.headers());
        let is_indexed = response.headers().contains_key("x-consul-index");
        let body = whole(&mut response, limit, site).await?.map_err(broken)?;
        Ok((Answer { head, body, credentials: self.credentials() }, is_indexed))
    }

    /// Whether requests carry a token.
    pub(super) fn credentials(&self) -> Credentials {
        if self.token.header().is_some() { Credentials::Token } else { Credentials::None }
    }

    async fn refusal(&self, status: u16, response: &mut Response, site: &Site) -> Error {
        let mut body = Vec::new();
        while let (true, Ok(Some(chunk))) = (body.len() < SAID, response.chunk().await) {
            body.extend_from_slice(&chunk[..chunk.len().min(SAID)]);
        }
        let said = ServerText::of(&body, self.token.header().map(HeaderValue::as_bytes));
        Error::Status { site: site.clone(), status, class: class_of(status, said.as_str()), said }
    }
}

impl Endpoint {
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    pub(super) fn unreadable(&self, reason: &'static str) -> Error {
        Error::Unreadable { site: self.site.clone(), reason }
    }
}

/// With a `server_name` the URL has that name, but connections still go to the address.
fn named(builder: ClientBuilder, tls: &Tls, address: &mut Address) -> Result<ClientBuilder, Error> {
    let Some(name) = tls.server_name.as_deref().filter(|name| Some(*name) != address.base.host_str()) else {
        return Ok(builder);
    };
    let unusable = || Error::Setting { what: "server_name", reason: "it is not a host name" };
    let host = address.base.host_str().unwrap_or_default().to_owned();
    let port = address.base.port_or_known_default().unwrap_or(443);
    let header = HeaderValue::from_str(&format!("{host}:{port}")).map_err(|_| unusable())?;
    address.base.set_host(Some(name)).map_err(|_| unusable())?;
    if address.base.domain() != Some(name) {
        return Err(unusable());
    }
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let resolver = Fixed { host, resolver: Resolver::default() };
    Ok(builder.dns_resolver(resolver).default_headers(HeaderMap::from_iter([(HOST, header)])))
}

/// Reads the body to its end, so that the connection can be used again, but not beyond the limit.
async fn whole(response: &mut Response, limit: usize, site: &Site) -> Result<Result<Vec<u8>, reqwest::Error>, Error> {
    let too_large = || Error::TooLarge { site: site.clone(), limit };
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).ok().filter(|length| *length <= limit).ok_or_else(too_large)?;
    let mut body = Vec::with_capacity(announced.min(1 << 20));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_large()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Ok(body)),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn failure(source: reqwest::Error, site: &Site, after: Duration) -> Error {
    let site = site.clone();
    if source.is_timeout() && !source.is_connect() {
        return Error::Timeout { site, after };
    }
    Error::Unreachable { site, source: source.without_url() }
}

#[cfg(test)]
mod tests;
