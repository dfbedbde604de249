//! When something is due although nothing happens.

use super::Machine;
use super::life::Life;
use super::moment::Moment;
use super::road::Decision;
use super::trial::Judgement;

impl Machine {
    /// The earliest moment at which a tick can change anything.
    pub(super) fn due(&self) -> Option<Moment> {
        let leaves = match &self.life {
            Life::Leaving(_, _, until) => Some(*until),
            Life::Absent { .. } | Life::Alive(_) | Life::Stopping(..) => None,
        };
        if self.shutdown {
            return leaves;
        }
        let returns = self.turn.id().and_then(|_| self.returns_until());
        let start = match (&self.life, &self.base) {
            // A start that was due by now waits for a newer wish to settle, which is due by itself.
            (Life::Absent { not_before }, Some(_)) => not_before.filter(|at| *at > self.now),
            _ => None,
        };
        let verdict = match (&self.life, &self.trial) {
            (Life::Alive(run), Some(trial)) => match trial.judge(self.now, run, &self.policy) {
                Judgement::Open(at) => at,
                Judgement::Passed | Judgement::Failed(_) => Some(self.now),
            },
            _ => None,
        };
        let step = self.journey.as_ref().and_then(|journey| match self.decide(journey.step) {
            Decision::Wait(at) => at,
            Decision::Pass | Decision::Ask | Decision::Back | Decision::Reject(_) => None,
        });
        let again = self.refused.as_ref().and_then(|refused| refused.due(self.now));
        let retry = self.setback.as_ref().and_then(|setback| setback.due(self.now, &self.policy));
        let hold = self.hold.as_ref().and_then(|hold| hold.until_unix_ms);
        let hold = hold.map(|until| Moment(until.saturating_sub(self.epoch_unix_ms)));
        [start, leaves, returns, verdict, step, again, retry, hold, self.grace_ends()].into_iter().flatten().min()
    }
}
