//! Requests of operators on their way through the machine: each gets a number, and by it its answer.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::admin::OperatorRequest;
use crate::machine::Event;
use crate::machine::event::Requester;
use crate::machine::numbers::RequestId;
use crate::machine::order::Effect;

type Answer = Result<Effect, String>;

/// Who waits for which answer.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    last: RequestId,
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
}

impl PendingAnswers {
    /// The request as something that happened.
    pub(super) fn admit(&mut self, request: OperatorRequest) -> Event {
        let OperatorRequest { verb, uid, answer } = request;
        self.last = self.last.next();
        self.waiting.insert(self.last, answer);
        Event::Operator { verb, by: Requester { request: self.last, uid } }
    }

    /// Hands the answer over, if somebody still waits for it.
    pub(super) fn answer(&mut self, request: RequestId, answer: Answer) {
        if let Some(waiting) = self.waiting.remove(&request) {
            let _ = waiting.send(answer);
        }
    }
}
