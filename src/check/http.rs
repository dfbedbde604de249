//! `http`: a GET that must be answered with 2xx, over a fresh connection, without proxies and without following redirects.

use std::error::Error;
use std::io;

use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};

use super::probe::Finding;
use super::{Http, Kind, Spec, reason};

/// This much of the answer's body must arrive, if there is that much; the rest is not waited for. In bytes.
const BODY: usize = 4096;

const USER_AGENT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// What the checks need of an HTTP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// There is no such check.
    None,
    /// Only `http:`, so the system's certificates need not be loaded.
    Plain,
    /// `https:` too.
    Tls,
}

impl Need {
    pub(super) fn of(specs: &[Spec]) -> Self {
        let of_one = |spec: &Spec| match &spec.kind {
            Kind::Http(http) if http.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) => {
                Self::Tls
            }
            Kind::Http(_) => Self::Plain,
            _ => Self::None,
        };
        specs.iter().map(of_one).fold(Self::None, |need, one| match (need, one) {
            (Self::Tls, _) | (_, Self::Tls) => Self::Tls,
            (Self::Plain, _) | (_, Self::Plain) => Self::Plain,
            (Self::None, Self::None) => Self::None,
        })
    }
}

/// One client for all checks, or why there is none.
#[derive(Clone, Debug)]
pub(super) struct Client(Result<reqwest::Client, String>);

impl Client {
    /// The client that these checks need, if they need one.
    pub(super) fn for_checks(specs: &[Spec]) -> Option<Self> {
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .no_proxy()
            .redirect(Policy::none())
            // A fresh connection each time: an old one would say nothing about whether the service still accepts any.
            .pool_max_idle_per_host(0);
        let builder = match Need::of(specs) {
            Need::None => return None,
            Need::Plain => builder.tls_certs_only([]),
            Need::Tls => builder,
        };
        // An error means that the program has chosen its provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Some(Self(builder.build().map_err(|error| format!("cannot set up TLS: {}", why(&error)))))
    }
}

/// Asks once.
pub(super) async fn probe(http: &Http, client: &Client) -> Finding {
    match ask(http, client).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason),
    }
}

async fn ask(http: &Http, client: &Client) -> Result<(), String> {
    let client = client.0.as_ref().map_err(Clone::clone)?;
    let mut response = client.get(&http.url).send().await.map_err(|error| why(&error))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(redirect(status, &response));
    }
    if !status.is_success() {
        return Err(name(status));
    }
    let mut read = 0;
    while read < BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) => break,
            Err(_) => return Err(format!("{}, but its body was cut short", name(status))),
        }
    }
    // The connection closes here, from our side: the side that closes first keeps the port busy for a minute, and a
    // service that restarts needs its own.
    Ok(())
}

fn name(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// A redirect is a failure. Only the path of its target is told: the rest may hold a password or a token.
fn redirect(status: StatusCode, response: &Response) -> String {
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    match location.and_then(|location| response.url().join(location).ok()) {
        Some(target) => reason::brief(&format!("{} to {}", name(status), target.path())),
        None => name(status),
    }
}

/// Why there was no answer. The error itself is not shown, since it names the URL; what caused it never does.
fn why(error: &reqwest::Error) -> String {
    if error.is_builder() && error.source().is_none() {
        return "not a URL that can be asked for".to_owned();
    }
    let mut cause = error.source();
    let mut deepest = None;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return reason::of_io(error);
        }
        deepest = Some(error.to_string());
        cause = error.source();
    }
    deepest.map_or_else(|| "the request failed".to_owned(), |text| reason::brief(&text))
}

#[cfg(test)]
mod tests;
