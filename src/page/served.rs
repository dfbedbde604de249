//! Serves the pages over HTTP: documents, their style and script, and the stream of changes. No other host is asked, nothing is
//! kept in the browser, and nothing can be changed.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use tokio::sync::watch;

use super::hub::{Frame, Hub, Looks, Subject};
use super::memo::Memo;
use super::node::{classed, element};
use super::views::View;
use super::watcher::unix_ms;
use crate::drain::DrainWatcher;
use crate::http::{self, Answer, Pages, Served};

/// The content security policy: whatever a name or a reason has in it, only our own script runs, and it cannot turn text into
/// markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";
/// After this long at the latest, a browser is noticed whose connection has gone without being closed.
const BEAT: Duration = Duration::from_secs(15);

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

/// The pages of one subject.
pub(super) struct Site<S: Subject> {
    latest: watch::Receiver<Arc<S>>,
    looks: Looks<S::Route>,
    drain: DrainWatcher,
}

impl<S: Subject> Site<S> {
    /// The pages, and what has to run for them.
    pub(super) fn new(latest: watch::Receiver<Arc<S>>, drain: DrainWatcher) -> (Self, Hub<S>) {
        let (hub, looks) = Hub::new(latest.clone(), unix_ms);
        (Self { latest, looks, drain }, hub)
    }
}

impl<S: Subject> Pages for Site<S> {
    fn serve(&self, head: &Parts) -> Option<Served> {
        let asset = |kind: &'static str, text: &'static str| Some(Served::Answer(answer(StatusCode::OK, kind, text)));
        match head.uri.path() {
            "/page.css" => return asset("text/css; charset=utf-8", STYLE),
            "/page.js" => return asset("text/javascript; charset=utf-8", SCRIPT),
            "/icon.svg" => return asset("image/svg+xml", ICON),
            _ => {}
        }
        let query = head.uri.query();
        let route = S::route(head.uri.path(), query)?;
        if query.is_some_and(|query| query.split('&').any(|part| part == "live")) {
            return Some(Served::Events(Box::pin(self.events(route))));
        }
        let subject = Arc::clone(&self.latest.borrow());
        let (status, view) = match subject.view(&route, unix_ms(), &mut Memo::default()) {
            Some(view) => (StatusCode::OK, view),
            None => (StatusCode::NOT_FOUND, subject.nothing()),
        };
        Some(Served::Answer(answer(status, "text/html; charset=utf-8", document(view))))
    }
}

impl<S: Subject> Site<S> {
    fn events(&self, route: S::Route) -> impl futures_util::Stream<Item = Bytes> + Send + use<S> {
        let beginning = Stage::Asks(self.looks.clone(), route, self.drain.clone());
        futures_util::stream::unfold(beginning, Stage::next)
    }
}

/// How far an event stream is.
enum Stage<R> {
    Asks(Looks<R>, R, DrainWatcher),
    Follows { frames: watch::Receiver<Arc<Frame>>, seen: u64, drain: DrainWatcher },
}

impl<R: Send> Stage<R> {
    async fn next(self) -> Option<(Bytes, Self)> {
        match self {
            Self::Asks(looks, route, drain) => {
                let mut frames = looks.at(route).await?;
                let frame = Arc::clone(&frames.borrow_and_update());
                let mut first = b"retry: 1000\n".to_vec();
                first.extend_from_slice(&frame.since(None));
                Some((first.into(), Self::Follows { frames, seen: frame.number, drain }))
            }
            Self::Follows { mut frames, seen, mut drain } => {
                tokio::select! {
                    () = drain.draining() => None,
                    changed = frames.changed() => {
                        changed.ok()?;
                        let frame = Arc::clone(&frames.borrow_and_update());
                        let bytes = frame.since(Some(seen));
                        Some((bytes, Self::Follows { frames, seen: frame.number, drain }))
                    }
                    () = tokio::time::sleep(BEAT) => {
                        Some((Bytes::from_static(b":\n\n"), Self::Follows { frames, seen, drain }))
                    }
                }
            }
        }
    }
}

fn document(view: View) -> String {
    let head = element("head")
        .child(element("meta").with("charset", "utf-8"))
        .child(element("meta").with("name", "viewport").with("content", "width=device-width, initial-scale=1"))
        .child(element("meta").with("name", "color-scheme").with("content", "light dark"))
        .child(element("title").text(view.title))
        .child(element("link").with("rel", "icon").with("href", "/icon.svg"))
        .child(element("link").with("rel", "stylesheet").with("href", "/page.css"))
        .child(element("script").with("src", "/page.js").with("defer", ""));
    let body =
        element("body").child(classed("a", "skip").with("href", "#main").text("Skip to the content")).child(view.root);
    let mut html = "<!doctype html>".to_owned();
    element("html").with("lang", "en").child(head).child(body).write_html(&mut html);
    html
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = http::page(status, HeaderValue::from_static(kind), body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    debug_assert!(headers.contains_key(CONTENT_TYPE));
    answer
}
