//! The resources by their paths, and who may ask for them.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use tokio::sync::{Semaphore, watch};

use super::exposition::Exposition;
use super::health::Trouble;
use super::host::HostNames;
use super::listener::Peer;
use super::pages::{self, Pages};
use super::query::Query;
use super::question::{Block, Question, flag};
use super::reply::{Answer, Reply, error, last, not_allowed, not_read, too_many};
use super::server::{Handler, Limits};
use super::status::Page;
use super::waiting::Boards;
use super::{board, env, health, status};
use crate::drain::DrainWatcher;
use crate::machine::Board;

/// Bodies are ignored. One of at most this many bytes is read, so that the connection can be used again ...
const LARGEST_BODY: u64 = 16 * 1024;
/// ... if it arrives within this time after its head, as from every honest client. Otherwise the connection is closed.
const BODY_TIME: Duration = Duration::from_millis(100);

/// How many requests may wait at one time on a server with these limits. The other connections stay free for requests that are
/// answered at once.
pub const fn waits(limits: Limits) -> usize {
    limits.connections * 3 / 4
}

const NOTHING_HERE: &str = "no such path: there are /status, /health, /live, /ready, /board, /env and /metrics";

const NOT_HERE: &str = "verbs are served on the admin socket only: use lictor's command line on the host";

/// A resource that can be read.
#[derive(Clone, Copy, Debug)]
enum Resource {
    Status,
    Health,
    Live,
    Ready,
    Board,
    Env,
    Metrics,
}

impl Resource {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/status" => Self::Status,
            "/health" => Self::Health,
            "/live" => Self::Live,
            "/ready" => Self::Ready,
            "/board" => Self::Board,
            "/env" => Self::Env,
            "/metrics" => Self::Metrics,
            _ => return None,
        })
    }
}

/// Pages that another room draws.
#[derive(Clone)]
struct Drawn(Arc<dyn Pages>);

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pages")
    }
}

/// The read-only resources. A clone serves one connection.
#[derive(Debug)]
pub struct Resources {
    boards: Boards,
    /// The plain `/status` of the last board, rendered: a client that asks again and again gets the same bytes.
    page: RefCell<Option<Page>>,
    metrics: Option<Exposition>,
    pages: Option<Drawn>,
    /// Shared by all connections.
    waits: Arc<Semaphore>,
    /// `None`: every name is allowed.
    hosts: Option<HostNames>,
}

impl Clone for Resources {
    fn clone(&self) -> Self {
        let (boards, metrics, waits) = (self.boards.clone(), self.metrics.clone(), Arc::clone(&self.waits));
        let (pages, hosts) = (self.pages.clone(), self.hosts.clone());
        Self { boards, page: RefCell::new(None), metrics, pages, waits, hosts }
    }
}

impl Resources {
    /// The resources of these boards. When `drain` begins, waiting requests are answered at once with the state of then.
    pub fn new(boards: watch::Receiver<Arc<Board>>, drain: DrainWatcher) -> Self {
        let waits = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self {
            boards: Boards { latest: boards, drain },
            page: RefCell::new(None),
            metrics: None,
            pages: None,
            waits,
            hosts: None,
        }
    }

    /// Restricted to requests for one of these names; others are refused with 421.
    #[must_use]
    pub fn with_hosts(self, hosts: HostNames) -> Self {
        Self { hosts: Some(hosts), ..self }
    }

    /// With at most `most` requests that wait at one time; one more is refused with 429, as in Consul.
    #[must_use]
    pub fn with_waits(self, most: usize) -> Self {
        Self { waits: Arc::new(Semaphore::new(most)), ..self }
    }

    /// With `/metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: Exposition) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// With pages for people at the paths that no other resource has.
    #[must_use]
    pub fn with_pages(self, pages: Arc<dyn Pages>) -> Self {
        Self { pages: Some(Drawn(pages)), ..self }
    }

    /// Answers a request; its body has been read or given up before.
    pub fn answer(&self, head: &Parts) -> Reply {
        let Parts { method, uri, .. } = head;
        let Some(resource) = Resource::at(uri.path()) else {
            // Verbs are served on the admin socket only, whatever the method.
            let verb = uri.path().starts_with("/verb/");
            if let Some(Drawn(pages)) = self.pages.as_ref().filter(|_| not_read(method).is_none())
                && let Some(reply) = pages::serve(&**pages, head, &self.waits)
            {
                return reply;
            }
            return Reply::now(if verb {
                not_allowed("", NOT_HERE)
            } else {
                error(StatusCode::NOT_FOUND, NOTHING_HERE)
            });
        };
        if let Some(refused) = not_read(method) {
            return Reply::now(refused);
        }
        match Query::parse(uri.query()).map_err(BadRequest::new).and_then(|query| self.read(resource, &query, head)) {
            Ok(reply) => reply,
            Err(BadRequest(sentence)) => Reply::now(error(StatusCode::BAD_REQUEST, &sentence)),
        }
    }

    fn read(&self, resource: Resource, query: &Query<'_>, head: &Parts) -> Result<Reply, BadRequest> {
        match resource {
            Resource::Status => self.status(query),
            Resource::Health => self.health(query),
            Resource::Live => Ok(Reply::now(health::live(&self.boards.latest.borrow()))),
            Resource::Ready => Ok(Reply::now(health::ready(&self.boards.latest.borrow()))),
            Resource::Board => self.board(query),
            Resource::Env => self.env(query),
            Resource::Metrics => Ok(Reply::now(match &self.metrics {
                Some(metrics) => metrics.of(&self.boards.latest.borrow(), &head.headers),
                None => error(StatusCode::NOT_FOUND, NOTHING_HERE),
            })),
        }
    }

    fn status(&self, query: &Query<'_>) -> Result<Reply, BadRequest> {
        if let Some(question) = Question::read(query).map_err(BadRequest::new)? {
            return Ok(self.wait(status::ask(question, self.boards.clone())));
        }
        let board = self.boards.latest.borrow();
        let mut page = self.page.borrow_mut();
        if !page.as_ref().is_some_and(|page| page.is_of(&board)) {
            *page = Some(Page::of(&board));
        }
        Ok(Reply::Now(page.as_ref().map(Page::answer)))
    }

    /// An answer that may take a while, if there is a place for one more wait. An answer that is ready needs no place.
    pub fn wait(&self, answer: impl Future<Output = Answer> + Send + 'static) -> Reply {
        let mut answer = Box::pin(answer);
        if let Some(answer) = answer.as_mut().now_or_never() {
            return Reply::now(answer);
        }
        let Ok(place) = Arc::clone(&self.waits).try_acquire_owned() else {
            return Reply::now(too_many());
        };
        Reply::later(async move {
            let answer = answer.await;
            drop(place);
            answer
        })
    }

    fn health(&self, query: &Query<'_>) -> Result<Reply, BadRequest> {
        let warn = flag(query, "warn").map_err(BadRequest::new)?;
        let trouble = if warn { Trouble::Warned } else { Trouble::Mentioned };
        Ok(Reply::now(health::health(&self.boards.latest.borrow(), trouble)))
    }

    fn env(&self, query: &Query<'_>) -> Result<Reply, BadRequest> {
        let diff = flag(query, "diff").map_err(BadRequest::new)?;
        let board = self.boards.latest.borrow();
        Ok(Reply::now(if diff { env::difference(&board) } else { env::variables(&board) }))
    }

    fn board(&self, query: &Query<'_>) -> Result<Reply, BadRequest> {
        Ok(match Block::read(query).map_err(BadRequest::new)? {
            Some(block) => self.wait(board::after(block, self.boards.clone())),
            None => Reply::now(board::whole(&self.boards.latest.borrow())),
        })
    }
}

/// The request is malformed; the sentence says why.
struct BadRequest(String);

impl BadRequest {
    fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl Handler for Resources {
    fn handle(&self, _peer: &Peer, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        if let Some(hosts) = &self.hosts
            && let Err(refused) = hosts.admit(&head)
        {
            return Reply::now(last(error(StatusCode::MISDIRECTED_REQUEST, &refused.to_string())));
        }
        if body.is_end_stream() {
            return self.answer(&head);
        }
        let small = body.size_hint().exact().is_some_and(|size| size <= LARGEST_BODY);
        let resources = self.clone();
        Reply::later(async move {
            let read = async { if small { body.collect().await.is_ok() } else { false } };
            let whole = tokio::time::timeout(BODY_TIME, read).await.unwrap_or(false);
            let Ok(answer) = resources.answer(&head).await;
            if whole { answer } else { last(answer) }
        })
    }
}
