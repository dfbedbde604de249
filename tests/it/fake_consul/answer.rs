//! The serving end: connections, held queries, and answers with their faults.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{Fault, Seen, State};

pub(super) async fn serve(listener: TcpListener, state: watch::Sender<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        state.send_modify(|state| state.connections += 1);
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, &state));
            // A connection that a fault breaks off ends with an error, and is meant to.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn answer(request: Request<Incoming>, shared: &watch::Sender<State>) -> Result<Response<Body>, io::Error> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let seen = Seen {
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        token: header("x-consul-token"),
        authorization: header("authorization"),
        at: Instant::now(),
    };
    let mut fault = None;
    shared.send_modify(|state| {
        state.requests.push(seen.clone());
        fault = state.faults.pop_front();
    });
    if seen.path == "/v1/status/leader" {
        return Ok(reply(200, &[], "\"127.0.0.1:8300\""));
    }
    let Some(key) = seen.path.strip_prefix("/v1/kv/") else {
        return Ok(reply(404, &[], "Invalid URL path: not a recognized HTTP API endpoint"));
    };
    let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
    match *request.method() {
        Method::PUT => {
            let value = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            shared.send_modify(|state| state.put(&key, &value));
            return Ok(reply(200, &[], "true"));
        }
        Method::DELETE => {
            shared.send_modify(|state| state.delete(&key));
            return Ok(reply(200, &[], "true"));
        }
        _ => {}
    }
    let held = match (&fault, seen.index()) {
        (None, Some(index)) if index > 0 => Some(index),
        _ => None,
    };
    if let Some(index) = held {
        fault = hold(&seen, &key, index, shared).await;
    }
    let now = shared.borrow().clone();
    told(&now, &seen, &key, fault).await
}

/// Holds a blocking query by the rules: until the index is larger, or the wait and a little more is over.
async fn hold(seen: &Seen, key: &str, index: u64, shared: &watch::Sender<State>) -> Option<Fault> {
    let wait = seen.parameter("wait").map_or(Duration::from_mins(5), |wait| {
        Duration::from_millis(wait.strip_suffix("ms").expect("a wait in ms").parse().unwrap())
    });
    let guard = Held::new(shared);
    let mut receiver = shared.subscribe();
    let recurse = seen.parameter("recurse").is_some();
    let before = receiver.borrow().interrupt.0;
    let over = |state: &State| state.interrupt.0 != before || state.read(key, recurse).1 > index;
    let interrupted = match timeout(wait + wait / 32, receiver.wait_for(over)).await {
        Ok(Ok(state)) if state.interrupt.0 != before => state.interrupt.1.clone(),
        _ => None,
    };
    drop(guard);
    interrupted
}

/// Counts a query as held for as long as it lives, even if its client goes away.
struct Held<'a>(&'a watch::Sender<State>);

impl<'a> Held<'a> {
    fn new(shared: &'a watch::Sender<State>) -> Self {
        shared.send_modify(|state| state.held += 1);
        Self(shared)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.held -= 1);
    }
}

async fn told(state: &State, seen: &Seen, key: &str, fault: Option<Fault>) -> Result<Response<Body>, io::Error> {
    let (mut list, index) = state.read(key, seen.parameter("recurse").is_some());
    let mut index = Some(index.to_string());
    let policy = if state.token.is_some() { "deny" } else { "allow" };
    let mut headers = vec![("x-consul-default-acl-policy", policy.to_owned())];
    match (&state.token, &seen.token) {
        (Some(right), Some(token)) if right != token => return Ok(reply(403, &headers, "ACL not found")),
        (Some(_), None) => list.clear(),
        _ => {}
    }
    match fault {
        Some(Fault::Status(status, text)) => {
            let lies = [("x-consul-index", "1".to_owned()), ("x-consul-knownleader", "false".to_owned())];
            return Ok(reply(status, &lies, text));
        }
        Some(Fault::Close) => return Err(io::Error::other("closed on demand")),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Early) => index = seen.index().map(|index| index.to_string()).or(index),
        Some(Fault::Index(text)) => index = text.map(str::to_owned),
        Some(Fault::Empty) => list.clear(),
        Some(Fault::Filtered) => {
            list.truncate(1);
            headers.push(("x-consul-results-filtered-by-acls", "true".to_owned()));
        }
        Some(Fault::Body(text)) => return Ok(reply(200, &[("x-consul-index", "7".to_owned())], text)),
        Some(Fault::Cut | Fault::Drip(_) | Fault::Chunked) | None => {}
    }
    headers.extend(index.map(|index| ("x-consul-index", index)));
    if list.is_empty() {
        return Ok(reply(404, &headers, ""));
    }
    let body = serde_json::to_string(&list).unwrap();
    match fault {
        Some(Fault::Cut) => Ok(slowly(&headers, body, Duration::ZERO, |sent, all| sent < all / 2)),
        Some(Fault::Drip(pause)) => Ok(slowly(&headers, body, pause, |_, _| true)),
        Some(Fault::Chunked) => {
            let mut response = slowly(&headers, body, Duration::ZERO, |_, _| true);
            response.headers_mut().remove(CONTENT_LENGTH);
            Ok(response)
        }
        _ => Ok(reply(200, &headers, &body)),
    }
}

fn reply(status: u16, headers: &[(&'static str, String)], body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let body = Full::new(Bytes::from(body.to_owned()));
    response.body(body.map_err(|never: Infallible| match never {}).boxed()).unwrap()
}

/// A body that comes byte by byte, as long as `goes_on` says so, given what was sent and what there is.
fn slowly(
    headers: &[(&'static str, String)],
    body: String,
    pause: Duration,
    goes_on: fn(usize, usize) -> bool,
) -> Response<Body> {
    let mut response = Response::builder().header(CONTENT_LENGTH, body.len());
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let bytes = Bytes::from(body);
    let stream = stream::unfold(0, move |sent| {
        let bytes = bytes.clone();
        async move {
            if sent == bytes.len() {
                return None;
            }
            if !goes_on(sent, bytes.len()) {
                return Some((Err(io::Error::other("cut on demand")), bytes.len()));
            }
            sleep(pause).await;
            Some((Ok(Frame::data(bytes.slice(sent..=sent))), sent + 1))
        }
    });
    response.body(StreamBody::new(stream).boxed()).unwrap()
}
