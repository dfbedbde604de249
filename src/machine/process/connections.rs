//! Which of two processes gets new connections, as it was ordered last. Like traffic it is a level: it follows from the
//! state of the processes, and stays until it changes.

use super::super::numbers::RunId;
use super::super::order::Order;

/// All of the new connections, in percent.
pub(super) const ALL: u8 = 100;

/// Where new connections were ordered to go last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Connections {
    ordered: Option<(RunId, u8)>,
    trouble: Option<String>,
}

impl Connections {
    /// Whether new connections were ordered to go to this run, all of them or a share.
    pub(super) fn are_for(&self, run: RunId) -> bool {
        self.ordered.is_some_and(|(ordered, _)| ordered == run)
    }

    /// Why they cannot be steered; `None`: they can.
    pub(super) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    pub(super) fn set_trouble(&mut self, problem: Option<String>) {
        self.trouble = problem;
    }

    /// This run is alone: every connection reaches it, and no order is needed.
    pub(super) fn come_to(&mut self, run: RunId) {
        self.ordered = Some((run, ALL));
    }

    /// The order that sends this share of new connections to the run; `None`: they go there already.
    pub(super) fn order(&mut self, run: RunId, share: u8) -> Option<Order> {
        if self.ordered == Some((run, share)) {
            return None;
        }
        self.ordered = Some((run, share));
        Some(Order::Steer { run, share })
    }
}
