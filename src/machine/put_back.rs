//! Gives back what a restart had to ask for: the turn, and the service's place in traffic.

use super::Machine;
use super::life::Life;
use super::order::Order;
use super::road::Step;
use super::road::drained::Drain;
use super::road::turn::Turn;

impl Machine {
    /// Gives back what nothing needs any more: first the place in traffic, then the turn.
    pub(super) fn put_back(&mut self) {
        if let Drain::Asked(drain) | Drain::Done(drain) = self.drain
            && !self.needs_drain()
        {
            self.drain = Drain::None;
            self.order(Order::Undrain { drain });
        }
        if let Turn::Asked(turn) | Turn::Held(turn) = self.turn
            && !self.needs_turn()
        {
            self.turn = Turn::None;
            self.order(Order::ReturnTurn { turn });
        }
    }

    /// Out of traffic until the next process is healthy.
    fn needs_drain(&self) -> bool {
        let at = self.journey.as_ref().map(|journey| journey.step);
        let healthy = self.life.alive().is_some_and(|run| run.health.healthy_since.is_some());
        matches!(at, Some(Step::Drained | Step::Switched)) || (self.is_restarting() && !healthy)
    }

    /// Our turn until there is a verdict, and until a revert has ended.
    fn needs_turn(&self) -> bool {
        let at = self.journey.as_ref().map(|journey| journey.step);
        matches!(at, Some(Step::Turn | Step::Drained | Step::Switched)) || self.is_restarting()
    }

    /// From the stop of one process until the next one, or the one that is gone back to, has shown what it is worth.
    fn is_restarting(&self) -> bool {
        match &self.life {
            Life::Stopping(..) => true,
            _ if self.shutdown => false,
            _ if self.suspect.is_some() => true,
            Life::Alive(_) => self.trial.as_ref().is_some_and(|trial| trial.overdue.is_none()),
            Life::Absent { .. } => self.base.as_ref().is_some_and(|base| base.build.is_none()),
        }
    }
}
