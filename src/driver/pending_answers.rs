//! Requests of operators on their way through the machine: each gets a number, and by it its answer. An answer goes out
//! once what it says outlives lictor.

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

/// An operator does not wait longer for a disk that hangs; the board tells about that.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who waits for which answer.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    last: RequestId,
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    answering: JoinSet<()>,
}

impl PendingAnswers {
    /// The request as something that happened.
    pub(super) fn admit(&mut self, request: OperatorRequest) -> Event {
        let OperatorRequest { verb, uid, answer } = request;
        self.last = self.last.next();
        self.waiting.insert(self.last, answer);
        Event::Operator { verb, by: Requester { request: self.last, uid } }
    }

    /// Hands the answer over, if somebody still waits for it, once what was ordered with it is kept.
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
