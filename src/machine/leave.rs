//! Leaving the road before the switch: overtaken, held back or rejected.

use std::sync::Arc;

use super::history::Outcome;
use super::order::Order;
use super::road::checked::{Judge, Refusal};
use super::road::{Journey, Step};
use super::{Machine, Subject};
use crate::environment::changed_names;

impl Machine {
    pub(super) fn back_to_guarded(&mut self) -> bool {
        self.cancel_check();
        if let Some(journey) = &mut self.journey {
            journey.go(Step::Guarded, self.now);
        }
        true
    }

    pub(super) fn leave_road(&mut self) -> bool {
        self.cancel_check();
        self.journey.take().is_some()
    }

    /// The wish leaves the road for good, with nothing touched.
    pub(super) fn reject(&mut self, reason: String, by: Judge) -> bool {
        self.cancel_check();
        let Some(journey) = self.journey.take() else { return false };
        let (took, environment) = (journey.took(self.now), journey.environment);
        let before = self.refused.take().filter(|before| before.is_about(&environment));
        if before.as_ref().is_none_or(|before| before.reason != reason) {
            let keys =
                self.base.as_ref().map(|base| changed_names(&base.environment, &environment)).unwrap_or_default();
            let subject = Subject { environment: Some(Arc::clone(&environment)), keys, took, ..self.subject() };
            self.record(Outcome::Rejected, subject, reason.clone());
        }
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        // With nothing else to run, the command may have failed for the same reason as the service would: it is asked again.
        let idle = by == Judge::Command && self.base.is_none() && self.ledger.newest().is_none();
        let again = idle.then(|| self.crash_backoff(times));
        self.refused = Some(Refusal { environment, reason, by, times, again });
        true
    }

    pub(super) fn cancel_check(&mut self) {
        if let Some(Journey { step: Step::Checked(Some(check)), .. }) = self.journey {
            self.order(Order::CancelCheck { check });
        }
    }
}
