//! When something is due although nothing happens.

use super::process::Life;
use super::road::Decision;
use super::trial::Judgement;
use super::{Machine, Moment};

impl Machine {
    /// When something is due although nothing happens; a `Tick` before then changes nothing.
    pub fn next_wake(&self) -> Option<Moment> {
        let leaves = match self.process.life() {
            Life::Leaving(_, _, until) => Some(*until),
            Life::Absent { .. } | Life::Alive(_) | Life::Stopping(..) => None,
        };
        if self.shutdown {
            return leaves;
        }
        let returns = self.road.turn().id().and_then(|_| self.returns_until());
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
        let share = self.share_changes_at();
        [leaves, share, returns, start, decided, verdict, step, again, retry, hold, grace].into_iter().flatten().min()
    }
}
