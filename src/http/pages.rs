//! Serves pages for people, which another room draws, beside the other resources or alone.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use tokio::sync::Semaphore;

use super::body::Events;
use super::host::HostNames;
use super::listener::Peer;
use super::reply::{Answer, Reply, error, events, last, not_read, too_many};
use super::server::Handler;

/// The answer to a request for a page.
pub enum Served {
    /// The whole page.
    Answer(Answer),
    /// The changes of a page, as long as the client has it open.
    Events(Events),
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => answer.fmt(f),
            Self::Events(_) => f.write_str("Events"),
        }
    }
}

/// Pages, drawn from memory and at once.
pub trait Pages: Send + Sync {
    /// The page that this request asks for; `None`: there is no such page.
    fn serve(&self, head: &Parts) -> Option<Served>;
}

/// The page, if there is one. A client that has it open takes one of the places for requests that wait.
pub(super) fn serve(pages: &dyn Pages, head: &Parts, places: &Arc<Semaphore>) -> Option<Reply> {
    Some(Reply::now(match pages.serve(head)? {
        Served::Answer(answer) => answer,
        Served::Events(stream) => match Arc::clone(places).try_acquire_owned() {
            Ok(place) => events(Box::pin(stream.inspect(move |_| {
                let _ = &place;
            }))),
            Err(_) => too_many(),
        },
    }))
}

/// Serves pages and nothing else.
#[derive(Clone)]
pub struct PageHandler {
    pages: Arc<dyn Pages>,
    hosts: HostNames,
    places: Arc<Semaphore>,
}

impl PageHandler {
    /// Serves these pages to clients that ask by one of these names. At most `most` of them may have a page open at one time.
    pub fn new(pages: Arc<dyn Pages>, hosts: HostNames, most: usize) -> Self {
        Self { pages, hosts, places: Arc::new(Semaphore::new(most)) }
    }
}

impl fmt::Debug for PageHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageHandler")
    }
}

impl Handler for PageHandler {
    fn handle(&self, _peer: &Peer, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        let answer = if let Err(refused) = self.hosts.admit(&head) {
            let text = format!("this is not {}: ask by the address, or start it with --host {}", refused.0, refused.0);
            return Reply::now(last(error(StatusCode::MISDIRECTED_REQUEST, &text)));
        } else if let Some(refused) = not_read(&head.method) {
            Reply::now(refused)
        } else {
            serve(&*self.pages, &head, &self.places)
                .unwrap_or_else(|| Reply::now(error(StatusCode::NOT_FOUND, "no such page; the services are at /")))
        };
        // No body is read here, so a connection with one in it cannot be used again.
        match answer {
            Reply::Now(Some(answer)) if !body.is_end_stream() => Reply::now(last(answer)),
            answer => answer,
        }
    }
}
