//! `/metrics`: a page that another room writes about the board.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::reply::{Answer, text};
use crate::machine::Board;

/// The text format of Prometheus.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Writes the page, from memory and at once.
#[derive(Clone)]
pub struct Exposition(Arc<dyn Fn(&Board) -> String + Send + Sync>);

impl Exposition {
    /// A page written by this.
    pub fn new(write: impl Fn(&Board) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    pub(super) fn of(&self, board: &Board) -> Answer {
        let mut answer = text(StatusCode::OK, (self.0)(board));
        answer.headers_mut().insert(CONTENT_TYPE, FORMAT);
        answer
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}
