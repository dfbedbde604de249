//! `/history`: the newest lines of history, oldest first; `?after=N&wait=60s` waits for one with a larger number.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::drain::DrainWatcher;
use crate::http::{self, Answer, Query, Reply, Resources};
use crate::state::Recent;

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

pub(super) fn read(
    resources: &Resources,
    request: &Request<Incoming>,
    history: watch::Receiver<Recent>,
    drain: DrainWatcher,
) -> Reply {
    if let Some(refused) = http::not_read(request.method()) {
        return Reply::now(refused);
    }
    match question(request.uri().query()) {
        Ok(question) => resources.wait(answer(question, history, drain)),
        Err(sentence) => Reply::now(http::error(StatusCode::BAD_REQUEST, &sentence)),
    }
}

/// The lines with a number larger than `after`; waits for one for at most `wait`.
struct Question {
    after: u64,
    wait: Duration,
}

fn question(query: Option<&str>) -> Result<Question, String> {
    let query = Query::parse(query).map_err(|error| error.to_string())?;
    let after = query.get("after").map_or(Ok(0), str::parse).map_err(|_| "after= is not a whole number".to_owned())?;
    let wait = query.get("wait").map_or(Ok(Duration::ZERO), humantime::parse_duration);
    let wait = wait.map_err(|_| "wait= is not a duration: write it like 60s".to_owned())?;
    Ok(Question { after, wait: wait.min(LONGEST_WAIT) })
}

async fn answer(question: Question, mut history: watch::Receiver<Recent>, mut drain: DrainWatcher) -> Answer {
    if !question.wait.is_zero() {
        let until = Instant::now() + question.wait;
        // Whatever ends the wait, the answer is what is there at that moment.
        tokio::select! {
            biased;
            _ = history.wait_for(|recent| recent.last() > question.after) => {}
            () = drain.draining() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
    let recent = history.borrow();
    let mut body = format!("{{\"last\":{},\"entries\":[", recent.last());
    for (place, line) in recent.after(question.after).enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push_str(line);
    }
    body.push_str("]}");
    http::json(StatusCode::OK, body)
}
