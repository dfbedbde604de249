//! Watches our instance in the catalog while the keeper needs it.

use std::time::Duration;

use crate::consul::catalog::{Instance, Standing};
use crate::consul::watch::{Content, Rules};
use crate::consul::{Class, Client, Error, Pacer, Retry};

/// What is known about our instance in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// The catalog has not been asked yet, or does not answer.
    Unknown,
    /// The token may not read it.
    Hidden,
    /// The catalog shows this.
    Shown(Standing),
}

#[derive(Debug)]
pub(super) struct Follow {
    pacer: Pacer,
    sight: Sight,
    failure: Option<Error>,
}

impl Follow {
    pub(super) fn new(client: Client, wait: Duration) -> Self {
        // A drain waits for the answer.
        let retry = client.retry();
        let retry = Retry { max_backoff: retry.max_backoff.min(Duration::from_secs(2)), ..retry };
        let rules = Rules { wait, retry, reread: Rules::REREAD };
        Self { pacer: Pacer::new(client, rules), sight: Sight::Unknown, failure: None }
    }

    /// Something was written, so earlier answers no longer count.
    pub(super) fn begin(&mut self) {
        self.pacer.ask_anew();
        self.sight = Sight::Unknown;
    }

    pub(super) fn sight(&self) -> Sight {
        self.sight
    }

    /// Why the instance cannot be seen, if it cannot.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Returns once the catalog shows something else; never, if there is no instance to watch. Cancel-safe.
    pub(super) async fn changed(&mut self, instance: Option<&Instance>) {
        let Some(instance) = instance else { return std::future::pending().await };
        loop {
            let query = match self.pacer.next().await {
                Ok(query) => query,
                // A token that cannot be read is reported by the part that asks the agent.
                Err(error) => {
                    self.pacer.failed(error.class());
                    continue;
                }
            };
            let (sight, failure) = match self.pacer.client().standing(instance, &query).await {
                Ok((index, standing)) => {
                    let same = self.sight == Sight::Shown(standing);
                    let content = if same { Content::Same } else { Content::Changed };
                    self.pacer.answered(index, content);
                    (Sight::Shown(standing), None)
                }
                Err(error) => {
                    self.pacer.failed(error.class());
                    let sight = if error.class() == Class::Denied { Sight::Hidden } else { Sight::Unknown };
                    (sight, Some(error))
                }
            };
            let is_new = sight != self.sight || failure.is_some() != self.failure.is_some();
            (self.sight, self.failure) = (sight, failure);
            if is_new {
                return;
            }
        }
    }
}
