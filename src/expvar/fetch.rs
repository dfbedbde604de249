//! Fetches the page once, bounded in size and time.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use super::Settings;
use crate::chain;
use crate::resolve::Resolver;

/// The runtime's numbers alone take some 25 KB. In bytes.
const LARGEST: usize = 1 << 20;

/// Asks for one page again and again.
#[derive(Debug)]
pub(super) struct Fetch<'a> {
    settings: &'a Settings,
    client: Result<Client, String>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        // An error means that the program has chosen its provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("lictor/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .dns_resolver(Resolver::default())
            .redirect(Policy::none())
            .timeout(settings.timeout)
            // An idle connection would delay a graceful stop of the service.
            .pool_max_idle_per_host(0);
        if !settings.url.starts_with("https:") {
            // Without TLS, the system's certificates need not be read.
            builder = builder.tls_certs_only([]);
        }
        Self { settings, client: builder.build().map_err(without_url) }
    }

    /// The body, or why there is none.
    pub(super) async fn once(&self) -> Result<Vec<u8>, String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let mut response = client.get(&self.settings.url).send().await.map_err(without_url)?;
        if !response.status().is_success() {
            return Err(format!("it answers {}", response.status()));
        }
        body(&mut response).await
    }
}

async fn body(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(without_url)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("it is larger than {} KiB", LARGEST / 1024));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A URL may have a password in it.
fn without_url(error: reqwest::Error) -> String {
    chain::sentence(&error.without_url())
}
