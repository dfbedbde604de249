//! Draws each open page once for all who have it open, and only when its contents have changed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::memo::Memo;
use super::node::{Element, patches};
use super::views::View;

/// The data that pages are drawn from.
pub(super) trait Subject: Send + Sync + 'static {
    /// Which page.
    type Route: Clone + Eq + Hash + Send + Sync + 'static;

    /// The page at this address, if there is one.
    fn route(path: &str, query: Option<&str>) -> Option<Self::Route>;

    /// The page; `None`: there is none, or not any more. The memo has what was drawn for the same page before.
    fn view(&self, route: &Self::Route, now: u64, memo: &mut Memo) -> Option<View>;

    /// The page for an address without one.
    fn nothing(&self) -> View;
}

/// One state of a page.
#[derive(Debug)]
pub(super) struct Frame {
    /// They count up by one.
    pub(super) number: u64,
    title: String,
    root: Arc<Element>,
    /// The changes since the frame before.
    patch: Bytes,
}

/// A request for frames.
pub(super) struct Look<R> {
    route: R,
    answer: oneshot::Sender<watch::Receiver<Arc<Frame>>>,
}

/// The handle to request frames.
#[derive(Clone, Debug)]
pub(super) struct Looks<R>(mpsc::Sender<Look<R>>);

impl<R> Looks<R> {
    /// The frames of this page; `None`: the hub has ended.
    pub(super) async fn at(&self, route: R) -> Option<watch::Receiver<Arc<Frame>>> {
        let (answer, frames) = oneshot::channel();
        self.0.send(Look { route, answer }).await.ok()?;
        frames.await.ok()
    }
}

/// Changes that come within this time are drawn together.
const PAUSE: Duration = Duration::from_millis(100);
/// How many requests may wait at one time.
const ASKING: usize = 64;

/// Draws the pages.
pub(super) struct Hub<S: Subject> {
    latest: watch::Receiver<Arc<S>>,
    looks: mpsc::Receiver<Look<S::Route>>,
    clock: fn() -> u64,
    pages: HashMap<S::Route, Page>,
}

/// One page that somebody looks at.
struct Page {
    frames: watch::Sender<Arc<Frame>>,
    memo: Memo,
}

impl<S: Subject> Hub<S> {
    pub(super) fn new(latest: watch::Receiver<Arc<S>>, clock: fn() -> u64) -> (Self, Looks<S::Route>) {
        let (sender, looks) = mpsc::channel(ASKING);
        (Self { latest, looks, clock, pages: HashMap::new() }, Looks(sender))
    }

    /// Runs until the data ends, or nobody can ask any more.
    pub(super) async fn run(&mut self) {
        loop {
            tokio::select! {
                look = self.looks.recv() => match look {
                    Some(look) => self.look(look),
                    None => return,
                },
                changed = self.latest.changed(), if !self.pages.is_empty() => {
                    if changed.is_err() {
                        return;
                    }
                    self.draw();
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn look(&mut self, look: Look<S::Route>) {
        let now = (self.clock)();
        let pages = &mut self.pages;
        pages.retain(|route, page| *route == look.route || page.frames.receiver_count() > 0);
        let page = pages.entry(look.route).or_insert_with_key(|route| {
            let mut memo = Memo::default();
            let view = view(&**self.latest.borrow(), route, now, &mut memo);
            let frames = watch::Sender::new(Arc::new(Frame {
                number: 0,
                title: view.title,
                root: Arc::new(view.root),
                patch: Bytes::new(),
            }));
            Page { frames, memo }
        });
        // The requester may have gone.
        let _ = look.answer.send(page.frames.subscribe());
    }

    fn draw(&mut self) {
        let latest = Arc::clone(&self.latest.borrow_and_update());
        let now = (self.clock)();
        self.pages.retain(|route, page| {
            if page.frames.receiver_count() == 0 {
                return false;
            }
            let view = view(&*latest, route, now, &mut page.memo);
            page.frames.send_if_modified(|frame| frame.follow(view));
            true
        });
    }
}

fn view<S: Subject>(subject: &S, route: &S::Route, now: u64, memo: &mut Memo) -> View {
    let view = subject.view(route, now, memo).unwrap_or_else(|| subject.nothing());
    memo.complete();
    view
}

impl Frame {
    /// Draws the next frame, if anything has changed; returns whether it has.
    fn follow(self: &mut Arc<Self>, view: View) -> bool {
        let changed = patches(&self.root, &view.root);
        if changed.is_empty() && self.title == view.title {
            return false;
        }
        let number = self.number + 1;
        let patch = event(number, &view.title, &changed);
        *self = Arc::new(Self { number, title: view.title, root: Arc::new(view.root), patch });
        true
    }

    /// What a browser needs that has seen the frame with this number last.
    pub(super) fn since(&self, seen: Option<u64>) -> Bytes {
        if seen.is_some_and(|seen| seen + 1 == self.number) {
            return self.patch.clone();
        }
        event(self.number, &self.title, &[&*self.root])
    }
}

/// As the body of an event stream has it.
fn event(number: u64, title: &str, patches: &[&Element]) -> Bytes {
    #[derive(Serialize)]
    struct Data<'a> {
        /// The number of the frame.
        n: u64,
        /// The title of the page.
        t: &'a str,
        /// The elements that have changed.
        p: &'a [&'a Element],
    }
    // Trees of text can be written; JSON has no line ends in it.
    let data = serde_json::to_string(&Data { n: number, t: title, p: patches }).unwrap_or_default();
    Bytes::from(format!("data: {data}\n\n"))
}
