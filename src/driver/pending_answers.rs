//! Requests of operators on their way through the machine: each gets a number, by which its answer is found. An answer is sent once
//! what it says would outlive a kill of lictor.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::admin::OperatorRequest;
use crate::machine::Event;
use crate::machine::event::Requester;
use crate::machine::numbers::RequestId;
use crate::machine::order::Effect;

type Answer = Result<Effect, String>;

/// How long an operator waits for a disk that hangs; the board shows that.
const PATIENCE: Duration = Duration::from_secs(1);

/// The operators who wait for an answer, by number.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    last: RequestId,
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    answering: JoinSet<()>,
}

impl PendingAnswers {
    /// Turns the request into an event.
    pub(super) fn admit(&mut self, request: OperatorRequest) -> Event {
        let OperatorRequest { verb, uid, answer } = request;
        self.last = self.last.next();
        self.waiting.insert(self.last, answer);
        Event::Operator { verb, by: Requester { request: self.last, uid } }
    }

    /// Sends the answer, if somebody still waits for it, once what was ordered with it has been stored.
    pub(super) fn answer(
        &mut self,
        request: RequestId,
        answer: Answer,
        kept: impl Future<Output = ()> + Send + 'static,
    ) {
        while let Some(ended) = self.answering.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "the answer to an operator was lost: a bug of lictor");
            }
        }
        if let Some(waiting) = self.waiting.remove(&request) {
            self.answering.spawn(async move {
                let _ = timeout(PATIENCE, kept).await;
                let _ = waiting.send(answer);
            });
        }
    }
}
