//! `/status`: one flat object, and the answer to a deployment's question.

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderName;
use serde::ser::{SerializeMap, Serializer};
use tokio::time::Instant;

use super::question::Question;
use super::reply::{Answer, json, with_header};
use super::verdict::{self, Difference, Lack, Outlook, SURE_AFTER, Verdict};
use super::waiting::{Boards, Woken};
use crate::machine::Board;

/// Why the answer to a question is no, in a header as well as in the body.
pub const REASON_HEADER: HeaderName = HeaderName::from_static("lictor-reason");
/// `yes`, `not-yet` (asking again may help) or `no` (asking again will not help).
pub const VERDICT_HEADER: HeaderName = HeaderName::from_static("lictor-verdict");

/// The last key of the object when the answer is no: the reason.
const REASON_KEY: &str = "reason";

/// The plain answer, kept until the board changes.
#[derive(Clone, Debug)]
pub(super) struct Page {
    index: u64,
    status: StatusCode,
    body: Bytes,
}

impl Page {
    /// Renders the page of this board.
    pub(super) fn of(board: &Board) -> Self {
        let status = if board.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Self { index: board.index, status, body: object(board, None).into() }
    }

    /// Whether this page was rendered from this board.
    pub(super) fn is_of(&self, board: &Board) -> bool {
        self.index == board.index
    }

    /// The page as an answer.
    pub(super) fn answer(&self) -> Answer {
        json(self.status, self.body.clone())
    }
}

/// Answers a question as soon as the answer is yes or surely no, or the time is over, or lictor stops.
pub(super) async fn ask(question: Question, mut boards: Boards) -> Answer {
    let deadline = Instant::now() + question.wait;
    let mut differs_since: Option<Instant> = None;
    let mut woken = Woken::Look;
    loop {
        let (board, now) = (boards.now(), Instant::now());
        match verdict::difference(&question.about, &board) {
            Difference::None => differs_since = None,
            Difference::Unclear => {}
            Difference::Both => differs_since = differs_since.or(Some(now)),
        }
        let differed = differs_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let verdict = verdict::decide(&question, &board, differed);
        let open = matches!(verdict, Verdict::No { outlook: Outlook::Open, .. });
        if !open || now >= deadline || woken == Woken::Ending || board.stopping {
            return answer(&board, &verdict);
        }
        let sure = differs_since.map(|since| since + SURE_AFTER).filter(|sure| *sure > now);
        woken = boards.newer(sure.map_or(deadline, |sure| sure.min(deadline))).await;
    }
}

fn answer(board: &Board, verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Yes => with_header(json(StatusCode::OK, object(board, None)), VERDICT_HEADER, "yes"),
        Verdict::No { lack, outlook, reason } => {
            let status = match lack {
                Lack::Readiness => StatusCode::SERVICE_UNAVAILABLE,
                Lack::Identity => StatusCode::CONFLICT,
            };
            let outlook = match outlook {
                Outlook::Open => "not-yet",
                Outlook::Sure => "no",
            };
            let answer = with_header(json(status, object(board, Some(reason))), VERDICT_HEADER, outlook);
            with_header(answer, REASON_HEADER, reason)
        }
    }
}

/// The flat object, in the order of the configuration. A check that is itself called "reason" keeps its place.
fn object(board: &Board, reason: Option<&str>) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + 48 * board.checks.len());
    // Writing strings to memory cannot fail.
    let _ = write_object(&mut serde_json::Serializer::new(&mut body), board, reason);
    body
}

fn write_object<S: Serializer>(serializer: S, board: &Board, reason: Option<&str>) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    for check in &board.checks {
        object.serialize_entry(&check.name, &check.word)?;
    }
    if let Some(message) = &board.config.message {
        object.serialize_entry("Config", message)?;
    }
    object.serialize_entry("version", board.build.running.version.as_deref().unwrap_or("unknown"))?;
    if let Some(reason) = reason
        && board.checks.iter().all(|check| check.name != REASON_KEY)
    {
        object.serialize_entry(REASON_KEY, reason)?;
    }
    object.end()
}

#[cfg(test)]
mod tests {
    use super::object;
    use crate::machine::board::CheckState;
    use crate::machine::board::sample::{board, check};

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn the_object_is_flat_ordered_and_escaped() {
        let mut board = board();
        board.checks = vec![check("Database", CheckState::Passing), check("Status for SQS queue", CheckState::Passing)];
        board.checks[0].word = "Good".to_owned();
        let plain = r#"{"Database":"Good","Status for SQS queue":"Healthy","version":"1.214"}"#;
        assert_eq!(text(object(&board, None)), plain);

        board.checks = vec![check("say \"hi\"\n", CheckState::Unknown)];
        board.config.message = Some("Reverted: \\ \u{1}".to_owned());
        board.build.running.version = None;
        let escaped = r#"{"say \"hi\"\n":"Unknown","Config":"Reverted: \\ \u0001","version":"unknown","reason":"no"}"#;
        assert_eq!(text(object(&board, Some("no"))), escaped);

        board.checks = vec![check("reason", CheckState::Passing)];
        board.config.message = None;
        assert_eq!(text(object(&board, Some("no"))), r#"{"reason":"Healthy","version":"unknown"}"#);
    }
}
