//! What changes something in Consul: a PUT, with a body or without.

use std::time::Duration;

use super::{Client, Endpoint, Shared, failure, whole};
use crate::consul::error::Error;
use crate::secret::Secret;

/// The largest answer to a PUT that is read.
const LIMIT: usize = 1 << 20;

/// The answer to a PUT.
#[derive(Clone, Debug)]
pub(in crate::consul) struct Written {
    pub(in crate::consul) status: u16,
    pub(in crate::consul) body: Vec<u8>,
}

impl Client {
    /// Sends a PUT and reads the whole answer. A 200 is an answer, and so is every status in `also`.
    ///
    /// After an error it is unknown whether the write was carried out, unless Consul itself refused it.
    pub(in crate::consul) async fn put(
        &self,
        endpoint: &Endpoint,
        query: &str,
        body: Vec<u8>,
        timeout: Duration,
        also: &[u16],
    ) -> Result<Written, Error> {
        let Shared { http, auth, scope, .. } = &*self.shared;
        let site = &endpoint.site;
        let broken = |source: reqwest::Error| failure(source, site, timeout);
        let mut url = endpoint.url.clone();
        let query = format!("{query}{scope}");
        let query = query.trim_start_matches('&');
        url.set_query((!query.is_empty()).then_some(query));
        let mut request = http.put(url).timeout(timeout).body(body);
        if let Some(token) = self.token.header() {
            request = request.header("x-consul-token", token);
        }
        if let Some((user, password)) = auth {
            request = request.basic_auth(user, password.as_ref().and_then(Secret::expose_str));
        }
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        if status != 200 && !also.contains(&status) {
            return Err(self.refusal(status, &mut response, site).await);
        }
        let body = whole(&mut response, LIMIT, site).await?.map_err(broken)?;
        Ok(Written { status, body })
    }
}
