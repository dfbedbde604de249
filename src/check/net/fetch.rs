//! One page of the service, for parts that want to know more about the service than a check does. It is fetched as a
//! check does it: over a connection of its own, which reaches one run where two listen at the same address.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Access;
use super::file::Files;
use super::web::Question;
use crate::check::text::OfService;
use crate::check::tls::{Roots, Tls};
use crate::listen::Reach;
use crate::resolve::Resolver;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status of the answer.
    pub status: StatusCode,
    /// Its whole body.
    pub body: Vec<u8>,
}

/// Why nothing came. None of it repeats the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    /// It is not a URL of `http` or `https`.
    #[error("not a URL that can be asked for")]
    Unfit,
    /// The body is too large.
    #[error("more than {} KiB came", .0 / 1024)]
    TooLong(usize),
    /// There was no connection, no answer, or no end of it.
    #[error("{0}")]
    Silent(String),
}

/// Asks for it once, without following redirects; no answer is waited for longer than `patience`, and none may be larger
/// than `limit` bytes. `reach` is the way to one run.
///
/// # Errors
/// What kept the answer from coming.
pub async fn fetch(url: &str, reach: Option<Reach>, patience: Duration, limit: usize) -> Result<Fetched, Unfetched> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or(Unfetched::Unfit)?;
    let access = Access {
        resolver: Resolver::default(),
        files: Files::new(None),
        roots: Roots::default(),
        service: OfService::new(watch::Sender::default().subscribe(), Arc::new(|_| Vec::new())),
        reach,
        resolving: Arc::default(),
    };
    let tls = Tls::default();
    let asked = async {
        let mut answer = Question::get(url, &tls).ask(&access).await.map_err(Unfetched::Silent)?;
        let body = answer.first(limit + 1).await.map_err(Unfetched::Silent)?;
        if body.len() > limit { Err(Unfetched::TooLong(limit)) } else { Ok(Fetched { status: answer.status, body }) }
    };
    let cut = || Unfetched::Silent(access.no_answer(patience));
    timeout(patience, asked).await.unwrap_or_else(|_| Err(cut()))
}
