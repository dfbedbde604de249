//! Compares what is wanted with what is so, and takes the next legal step until there is none left, in one order of
//! precedence; and decides when the next step is due if nothing happens.
//!
//! Changes: `process`.

use super::board::sources;
use super::process::Life;
use super::road::Decision;
use super::trial::Judgement;
use super::{Machine, Moment, StopReason};

/// No event needs more steps than this: a loop that does is a bug, and it must not hang the service.
const STEPS: usize = 64;

impl Machine {
    /// Takes every step that is due, then makes what follows from the state so: traffic, the turn, the probes.
    pub(super) fn settle(&mut self) {
        let steps = (0..STEPS).take_while(|_| self.step()).count();
        debug_assert!(steps < STEPS, "the machine does not settle");
        self.steer();
        self.give_back_turn();
        let orders = self.process.probe();
        self.orders.extend(orders);
    }

    /// Takes one step, the most pressing one first; returns whether it did. The order is the order of precedence.
    fn step(&mut self) -> bool {
        if self.shutdown {
            return self.leave_road()
                || self.end_handover()
                || self.stop(StopReason::Shutdown)
                || self.stop_what_has_left();
        }
        // What holds wishes back is known before any of them moves.
        self.compare_losses()
            || self.end_hold()
            // The verdict on what runs comes before anything newer is tried.
            || self.judge()
            || self.dismiss_overtaken()
            || self.take_back_sickened()
            || self.restart_unresponsive()
            || self.stop_what_has_left()
            // Then the newest wish goes on, up to the switch.
            || self.travel()
            || self.grow_stale()
            // A start comes last, so that it uses the newest target.
            || self.start()
    }

    /// Updates what the board says about sources that do not answer.
    fn grow_stale(&mut self) -> bool {
        let stale = sources::staleness(self);
        let grown = stale != self.shown.stale;
        self.shown.stale = stale;
        grown
    }

    /// When something is due although nothing happens; a `Tick` before then changes nothing.
    pub fn next_wake(&self) -> Option<Moment> {
        let leaves = match self.process.life() {
            Life::Leaving(_, _, until) => Some(*until),
            Life::Absent { .. } | Life::Alive(_) | Life::Stopping(..) => None,
        };
        if self.shutdown {
            return leaves;
        }
        let returns =
            self.road.turn().id().and_then(|_| self.traffic.returns_until(&self.process, &self.policy, self.now));
        // A start that was due by now waits for a newer wish to settle, which is due by itself.
        let start = self.targets.present().and(self.process.not_before()).filter(|at| *at > self.now);
        let decided = self.trials.suspicion().and_then(|suspicion| suspicion.decided_by);
        let decided = decided.filter(|_| self.process.is_absent());
        let verdict = self.process.alive().and_then(|slot| {
            match slot.trial.as_ref()?.judge(self.now, &slot.evidence(), &self.policy) {
                Judgement::Open(at) => at,
                Judgement::Passed | Judgement::Failed(_) | Judgement::Unresponsive(_) => Some(self.now),
            }
        });
        let step = self.road.step().and_then(|step| match self.decide(step) {
            Decision::Wait(at) => at,
            Decision::Pass | Decision::Ask | Decision::Back | Decision::Reject(_) => None,
        });
        let again = self.road.refusal().and_then(|refusal| refusal.due(self.now));
        let retry = self.trials.setback().and_then(|setback| setback.due(self.now, &self.policy));
        let hold = self.holds.operator().and_then(|hold| hold.until_unix_ms);
        let hold = hold.map(|until| Moment(until.saturating_sub(self.epoch_unix_ms)));
        let grace = self.grace_ends();
        let share = self.process.share_changes_at(&self.policy, self.now);
        [leaves, share, returns, start, decided, verdict, step, again, retry, hold, grace].into_iter().flatten().min()
    }
}
