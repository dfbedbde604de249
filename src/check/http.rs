//! `http`: a request that must be answered as it should be, over a fresh connection, without proxies and without
//! following redirects.

mod client;
mod verdict;

use reqwest::header::{HOST, HeaderName, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response, StatusCode, Url};

pub(super) use client::{Client, Need, why};

use super::finding::Finding;
use super::text::OfService;
use super::{Http, reason};
use verdict::Interest;

/// This much of a body must arrive, if there is that much; the rest is not waited for. In bytes.
const ARRIVAL: usize = 4096;
/// This much of a body is looked at, if anything is asked of it. In bytes.
const CONTENT: usize = 64 * 1024;

/// Asks once.
pub(super) async fn probe(http: &Http, client: &Client, service: &OfService) -> Finding {
    match ask(http, client, service).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn ask(http: &Http, client: &Client, service: &OfService) -> Result<(), String> {
    let (client, url) = client.of(http).await?;
    let request = with_head(client.request(http.method.clone(), url), http, service).await?;
    let mut response = request.send().await.map_err(|error| why(&error))?;
    let status = response.status();
    if !http.statuses.has(status.as_u16()) {
        return Err(if status.is_redirection() { redirect(status, &response) } else { name(status) });
    }
    let interest = Interest::of(http);
    let body = read(&mut response, interest).await.map_err(|fault| format!("{}, but {fault}", name(status)))?;
    // The connection closes here, from our side: the side that closes first keeps the port busy for a minute, and a
    // service that restarts needs its own.
    let fault = match interest {
        Interest::Arrival => None,
        Interest::Content if body.len() >= CONTENT && http.json.is_some() => {
            Some(format!("its body is no JSON of less than {} KiB", CONTENT / 1024))
        }
        Interest::Content => verdict::fault(http, &body),
    };
    fault.map_or(Ok(()), |fault| Err(format!("{}, but {fault}", name(status))))
}

async fn with_head(mut request: RequestBuilder, http: &Http, service: &OfService) -> Result<RequestBuilder, String> {
    // With a name for TLS, the URL that is asked for has that name in it.
    let written = || http.tls.server_name.as_ref().and_then(|_| authority(&http.url));
    if let Some(host) = http.host.clone().or_else(written) {
        request = request.header(HOST, host);
    }
    for (name, value) in &http.headers {
        let unfit = || format!("the header {name:?} cannot be sent as it is");
        let field = HeaderName::try_from(name.as_str()).map_err(|_| unfit())?;
        let mut value = HeaderValue::try_from(value.read(service).await?).map_err(|_| unfit())?;
        value.set_sensitive(true);
        request = request.header(field, value);
    }
    Ok(request)
}

/// `host` or `host:port`, as it is written in a URL.
fn authority(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

/// As much of the body as is of interest.
async fn read(response: &mut Response, interest: Interest) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    let limit = match interest {
        Interest::Arrival => ARRIVAL,
        Interest::Content => CONTENT,
    };
    while body.len() < limit {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]),
            Ok(None) => break,
            Err(_) => return Err("its body was cut short"),
        }
    }
    Ok(body)
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

#[cfg(test)]
mod tests;
