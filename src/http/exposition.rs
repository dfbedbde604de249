//! `/metrics`: a page that another room writes about the board, in the format that the client asks for.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::reply::{Answer, text};
use crate::machine::Board;

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format that a client with these headers prefers; Prometheus's own unless `OpenMetrics` is named.
    fn accepted(headers: &HeaderMap) -> Self {
        let named = |media_type: &str| {
            let values = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).filter_map(|choice| weight(choice, media_type)).max()
        };
        match (named("application/openmetrics-text"), named("text/plain")) {
            (Some(open), plain) if open > 0 && Some(open) >= plain => Self::OpenMetrics,
            _ => Self::Prometheus,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        })
    }
}

/// The weight that one choice of an `Accept` header gives to the media type, in thousandths; `None`: it names another type.
fn weight(choice: &str, media_type: &str) -> Option<u16> {
    let mut parts = choice.split(';').map(str::trim);
    parts.next().filter(|name| name.eq_ignore_ascii_case(media_type))?;
    let quality = parts.find_map(|part| part.strip_prefix("q="));
    let quality = quality.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0)).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1000")]
    Some((quality * 1000.0) as u16)
}

/// Writes the page about a board.
type Write = dyn Fn(&Board, Format) -> String + Send + Sync;

/// The page, written from memory and at once.
#[derive(Clone)]
pub struct Exposition(Arc<Write>);

impl Exposition {
    /// A page written by this.
    pub fn new(write: impl Fn(&Board, Format) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    pub(super) fn of(&self, board: &Board, headers: &HeaderMap) -> Answer {
        let format = Format::accepted(headers);
        let mut answer = text(StatusCode::OK, (self.0)(board, format));
        answer.headers_mut().insert(CONTENT_TYPE, format.content_type());
        answer
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT, HeaderMap, HeaderValue};

    use super::Format;

    #[test]
    fn a_client_gets_the_format_that_it_prefers() {
        for (accept, format) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Prometheus with its binary format first.
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                 application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6, text/plain;version=1.0.0;q=0.5",
                Format::OpenMetrics,
            ),
            ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", Format::Prometheus),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            ("application/openmetrics-text;q=x", Format::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
    }
}
