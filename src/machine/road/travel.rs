//! Takes the wish along the road: each step decides, and what it decides is done here.

use std::sync::Arc;
use std::time::Duration;

use super::super::history::{Outcome, Subject};
use super::super::order::Order;
use super::super::policy::StepSetting;
use super::super::{Machine, Wish};
use super::checked::{Judge, Refusal};
use super::journey::Step;
use super::switched::ApplyBy;
use super::{Decision, checked, settled, turn};
use crate::environment::Environment;

impl Machine {
    /// One step on the road; says whether there was one to take.
    pub(in super::super) fn travel(&mut self) -> bool {
        match (self.road.journey(), self.wanted()) {
            (Some(journey), Some(wanted)) if journey.environment == wanted => self.advance(),
            (Some(_), _) => self.leave_road(),
            (None, Some(wanted)) => {
                self.road.set_out(wanted, self.now);
                true
            }
            (None, None) => self.resort_to_good(),
        }
    }

    /// The newest wish, if there is any reason to set out with it.
    fn wanted(&self) -> Option<Arc<Environment>> {
        let wish = self.road.wanted()?;
        let (build, ledger) = (&self.installed.0, &self.trials.ledger);
        let elsewhere = self.targets.present().is_some() || ledger.fallback(wish, build).is_some();
        let barred = self.targets.is(wish)
            || self.trials.is_suspected(wish, build)
            || (elsewhere && ledger.is_suspected(wish, build))
            || self.trials.setback().is_some_and(|setback| setback.bars(self.now, wish, build, &self.policy))
            || self.road.refusal().is_some_and(|refusal| refusal.bars(self.now, wish))
            || (elsewhere && ledger.quarantined(wish, build).is_some());
        (!barred).then(|| Arc::clone(wish))
    }

    /// Whether the operator or the guard holds the newest wish.
    fn is_held(&self) -> bool {
        self.operator_hold().is_some() || !self.holds.guard.losses().is_empty()
    }

    fn advance(&mut self) -> bool {
        let Some(step) = self.road.step() else { return false };
        let before_hold = matches!(step, Step::Settled | Step::Guarded);
        if self.is_held() && !before_hold {
            return self.go(Step::Guarded);
        }
        match self.decide(step) {
            Decision::Wait(_) if step == Step::Guarded => {
                self.record_losses() || self.record_held() || self.resort_to_good()
            }
            Decision::Wait(_) if step == Step::Turn => self.record_halted(),
            Decision::Wait(_) => false,
            Decision::Back => self.go(Step::Turn),
            Decision::Ask => self.ask(step),
            Decision::Reject(reason) => self.reject(reason, Judge::Schema),
            Decision::Pass if step == Step::Switched => self.switch(),
            Decision::Pass => {
                if step == Step::Guarded {
                    self.record_losses();
                }
                self.go(step.next())
            }
        }
    }

    /// What the step says now.
    pub(in super::super) fn decide(&self, step: Step) -> Decision {
        let turn = || {
            let waived = self.road.turn_is_waived();
            let setting = if waived { StepSetting::Disabled } else { self.policy.turn };
            turn::decide(setting, self.road.turn(), self.process.active())
        };
        match (step, self.road.edits()) {
            (Step::Settled, Some(edits)) if self.targets.present().is_some() => {
                settled::decide(self.now, edits, self.rest(), &self.policy)
            }
            (Step::Guarded, _) if self.is_held() => Decision::Wait(None),
            (Step::Settled | Step::Guarded, _) => Decision::Pass,
            (Step::Checked(asked), _) => checked::decide(self.road.violations(), self.policy.check_command, asked),
            (Step::Turn, _) => match self.apply_by() {
                ApplyBy::Restart => turn(),
                ApplyBy::Wait(_) | ApplyBy::Reload | ApplyBy::Ignore => Decision::Pass,
            },
            (Step::Switched, _) => match self.apply_by() {
                ApplyBy::Restart if turn() != Decision::Pass => Decision::Back,
                ApplyBy::Wait(at) => Decision::Wait(at),
                ApplyBy::Restart | ApplyBy::Reload | ApplyBy::Ignore => Decision::Pass,
            },
        }
    }

    /// How long the newest wish rests, so that the trial that it would end comes to its verdict.
    fn rest(&self) -> Duration {
        if self.process.is_on_trial() { settled::rest(self.trials.superseded(), &self.policy) } else { Duration::ZERO }
    }

    fn ask(&mut self, step: Step) -> bool {
        let order = match step {
            Step::Checked(_) => {
                self.numbers.check = self.numbers.check.next();
                self.road.ask_check(self.numbers.check);
                let environment = self.road.journey().map(|journey| Arc::clone(&journey.environment));
                environment.map(|environment| Order::Check { check: self.numbers.check, environment })
            }
            Step::Turn => {
                self.numbers.turn = self.numbers.turn.next();
                let running = self.targets.environment().cloned();
                self.road.ask_turn(self.numbers.turn, running, self.installed.0.clone(), self.now)
            }
            Step::Settled | Step::Guarded | Step::Switched => None,
        };
        self.orders.extend(order);
        true
    }

    fn go(&mut self, step: Step) -> bool {
        let order = self.road.go(step, self.now);
        self.orders.extend(order);
        true
    }

    /// The wish leaves the road before the switch; says whether one was on it.
    ///
    /// Its turn leaves with it: it was asked for this change, and the fleet judges another one anew.
    pub(in super::super) fn leave_road(&mut self) -> bool {
        let (journey, order) = self.road.leave();
        self.orders.extend(order);
        self.give_back_turn();
        journey.is_some()
    }

    /// The wish leaves the road for good, with nothing touched.
    pub(in super::super) fn reject(&mut self, reason: String, by: Judge) -> bool {
        let (journey, order) = self.road.leave();
        self.orders.extend(order);
        let Some(journey) = journey else { return false };
        let (took, environment) = (journey.took(self.now), journey.environment);
        let before = self.road.refusal().filter(|before| before.is_about(&environment));
        let is_news = before.is_none_or(|before| before.reason != reason);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        if is_news && by != Judge::Nobody {
            let keys = self.keys_changed_to(&environment);
            let subject = Subject { environment: Some(Arc::clone(&environment)), keys, took, ..self.subject() };
            self.record(Outcome::Rejected, subject, reason.clone());
        }
        // With nothing else to run, the command may have failed for the same reason as the service would: it is asked
        // again, as is one that has not answered.
        let idle = self.targets.present().is_none() && self.trials.ledger.newest().is_none();
        let asked_again = by == Judge::Nobody || (by == Judge::Command && idle);
        let again = asked_again.then(|| self.crash_backoff(times));
        self.road.refuse(Refusal { environment, reason, by, times, again });
        true
    }

    /// With no way to go for the newest wish and nothing to run, the good environment runs: a config problem never
    /// keeps a service down, and neither do sources that stay silent.
    fn resort_to_good(&mut self) -> bool {
        if self.targets.present().is_some() || self.in_grace() {
            return false;
        }
        // A process that an earlier lictor left running serves, whatever it runs on: silent sources are not a reason to
        // end it.
        if *self.road.wish() == Wish::Unheard && self.process.alive().is_some() {
            return false;
        }
        let Some(good) = self.trials.ledger.resort(&self.installed.0) else { return false };
        self.targets.go_to(super::super::Target::of(good, self.now));
        self.replace(super::super::StopReason::Switch);
        true
    }

    /// The first time that the fleet halts this wish is a line of history; says whether this is it.
    fn record_halted(&mut self) -> bool {
        let Some((environment, reason)) = self.road.take_new_halt() else { return false };
        self.record_stopped(Outcome::Halted, environment, reason);
        true
    }
}
