//! The answer of a resource, at once or later.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Response, StatusCode};

use super::body::{Body, Events};

/// A response; its body comes from memory, or goes on as a stream of events.
pub type Answer = Response<Body>;

/// An answer that is ready, or one that takes a while.
pub enum Reply {
    /// Ready, without an allocation for a wait. `None` once it has been taken.
    Now(Option<Answer>),
    /// Not ready yet.
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

impl Reply {
    /// A reply that is ready.
    pub fn now(answer: Answer) -> Self {
        Self::Now(Some(answer))
    }

    /// The answer that this future gives.
    pub fn later(future: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

impl Future for Reply {
    type Output = Result<Answer, std::convert::Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Now(answer) => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                None => Poll::Pending,
            },
            Self::Later(future) => future.as_mut().poll(context).map(Ok),
        }
    }
}

/// An answer with this JSON text.
pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    with_type(status, HeaderValue::from_static("application/json"), body.into())
}

/// Plain text for people.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    with_type(status, HeaderValue::from_static("text/plain; charset=utf-8"), body.into())
}

/// A text of this media type for browsers, which must not cache it.
pub fn page(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    with_type(status, content_type, body.into())
}

/// A stream of events, until the client has gone.
pub(super) fn events(stream: Events) -> Answer {
    let mut answer = with_type(StatusCode::OK, HeaderValue::from_static("text/event-stream"), Bytes::new());
    *answer.body_mut() = Body::Events(stream);
    answer
}

/// 429, because too many requests wait.
pub(super) fn too_many() -> Answer {
    const TOO_MANY: &str = "too many requests wait already: ask without a wait, or again in a moment";
    with_header(error(StatusCode::TOO_MANY_REQUESTS, TOO_MANY), RETRY_AFTER, "1")
}

/// `{"error": ".."}`.
pub fn error(status: StatusCode, sentence: &str) -> Answer {
    json(status, serde_json::json!({ "error": sentence }).to_string())
}

/// 405, with the methods that are allowed.
pub fn not_allowed(allowed: &'static str, sentence: &str) -> Answer {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, sentence);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// 405 for a method that does not only read; `None`: it only reads.
pub fn not_read(method: &Method) -> Option<Answer> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    (!reads).then(|| not_allowed("GET, HEAD", "this is read-only: use GET or HEAD"))
}

/// The same answer, after which the connection ends.
pub(super) fn last(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The same answer with one more header. Control characters become spaces; a header is one line.
pub(super) fn with_header(mut answer: Answer, name: HeaderName, text: &str) -> Answer {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect();
    if let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Answer {
    let mut answer = Response::new(Body::Whole(Full::new(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    // The answer holds only for the moment, so no proxy may keep it.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
