//! What gives way at a start: not everything that was switched to may be started, or is still wanted.

use super::road::Step;
use super::{Base, Machine};

impl Machine {
    /// Whether what was switched to and never started has a newer wish behind it that only waits for quiet.
    pub(super) fn overtaken_in_a_moment(&self) -> bool {
        let settling = self.journey.as_ref().is_some_and(|journey| journey.step == Step::Settled);
        settling && self.base.as_ref().is_some_and(|base| base.build.is_none())
    }

    /// What may not be started now gives way to what is good: during a hold whatever is still to be proved, and at any
    /// time a pair in quarantine (an old build put back brings its own with it).
    pub(super) fn give_way_to_good(&mut self) {
        let Some(base) = &self.base else { return };
        let build = &self.installed.0;
        let unproved = self.holding().is_some() && !self.ledger.knows(&base.environment);
        let good = if self.ledger.quarantined(&base.environment, build).is_some() {
            self.ledger.fallback(&base.environment, build)
        } else {
            self.ledger.resort(build).filter(|_| unproved)
        };
        if let Some(good) = good {
            self.base = Some(Base::of(good, self.now));
        }
    }
}
