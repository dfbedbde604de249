//! Gives the turn back once no restart needs it any more.

use super::Machine;
use super::life::Life;
use super::order::Order;
use super::road::Step;
use super::road::turn::Turn;

impl Machine {
    pub(super) fn give_back_turn(&mut self) {
        let (Turn::Asked(turn, _) | Turn::Held(turn)) = self.turn else { return };
        if !self.needs_turn() {
            self.turn = Turn::None;
            self.order(Order::ReturnTurn { turn, verdict: self.turn_verdict });
        }
    }

    /// Our turn until there is a verdict, until a revert has ended, and until the service is back in traffic.
    fn needs_turn(&self) -> bool {
        let at = self.journey.as_ref().map(|journey| journey.step);
        let returns = matches!(self.turn, Turn::Held(_)) && self.returns_until().is_some();
        matches!(at, Some(Step::Turn | Step::Switched)) || self.is_restarting() || (returns && !self.shutdown)
    }

    /// From the stop of one process until the next one, or the one that is gone back to, has shown what it is worth.
    fn is_restarting(&self) -> bool {
        match &self.life {
            Life::Leaving(..) | Life::Stopping(..) => true,
            _ if self.shutdown => false,
            _ if self.suspect.is_some() => true,
            Life::Alive(_) => self.trial.as_ref().is_some_and(|trial| trial.overdue.is_none()),
            Life::Absent { .. } => self.base.as_ref().is_some_and(|base| base.build.is_none()),
        }
    }
}
