//! Takes a wish along the road: from what the sources compose to, step by step, to the switch. Each step decides in a
//! file of its own; what it decides is done here.
//!
//! Changes: `road`, `targets`, `process`, `trials`, `holds`.

use std::sync::Arc;
use std::time::Duration;

use super::super::board::totals::Reason;
use super::super::event::CheckVerdict;
use super::super::history::{Outcome, Subject};
use super::super::hold::guard::{Change, Compared, Worth};
use super::super::numbers::CheckId;
use super::super::order::Order;
use super::super::policy::StepSetting;
use super::super::trial::TrialKind;
use super::super::{Machine, Moment, StopReason, Target, Wish};
use super::checked::{Judge, Refusal};
use super::journey::Step;
use super::switched::ApplyBy;
use super::{Decision, News, checked, settled, turn};
use crate::environment::Environment;

impl Machine {
    // What is heard about it.

    pub(in super::super) fn wished(&mut self, environment: &Arc<Environment>, violations: Vec<String>) {
        self.renew_keys(environment);
        if violations.is_empty() {
            self.recognise(environment);
        }
        match self.road.hear(Arc::clone(environment), violations, self.now) {
            News::Nothing => {}
            News::Rules => {
                self.leave_road();
            }
            News::Wish => {
                self.trials.end_setback();
                if self.targets.is(environment) {
                    self.road.forget_edits();
                }
            }
        }
    }

    /// The sources may give the variables of a known environment from other keys: from now on these keys count for it.
    fn renew_keys(&mut self, environment: &Arc<Environment>) {
        self.road.renew(environment);
        if !self.targets.renew(environment) {
            return;
        }
        self.process.renew(environment);
        let order = self.trials.renew(environment);
        self.orders.extend(order);
    }

    pub(in super::super) fn unfit(&mut self, reasons: Vec<String>) {
        let why = reasons.join("; ");
        if self.road.hear_unfit(reasons, self.now) {
            self.record(Outcome::Rejected, self.subject(), why);
        }
    }

    pub(in super::super) fn checked(&mut self, check: CheckId, verdict: CheckVerdict) {
        if !self.road.check_ended(check) {
            return;
        }
        match verdict {
            CheckVerdict::Passed => {
                self.go(Step::Turn);
                self.road.forgive();
            }
            CheckVerdict::Refused { why } => {
                self.reject(why, Judge::Command);
            }
            CheckVerdict::Unanswered { why } => {
                self.reject(why, Judge::Nobody);
            }
        }
    }

    // How it goes on.

    /// Takes one step on the road; returns whether there was one.
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

    /// The newest wish, if it may set out.
    fn wanted(&self) -> Option<Arc<Environment>> {
        let wish = self.road.wanted()?;
        let (build, ledger) = (&self.installed.0, self.trials.ledger());
        let elsewhere = self.targets.present().is_some() || ledger.fallback(wish, build).is_some();
        let barred = self.targets.is(wish)
            || self.trials.is_suspected(wish, build)
            || (elsewhere && ledger.is_suspected(wish, build))
            || self.trials.setback().is_some_and(|setback| setback.bars(self.now, wish, build, &self.policy))
            || self.road.refusal().is_some_and(|refusal| refusal.bars(self.now, wish))
            || (elsewhere && ledger.quarantined(wish, build).is_some());
        (!barred).then(|| Arc::clone(wish))
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

    /// The decision of this step now.
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

    /// How long the newest wish waits, so that the trial that it would end comes to its verdict.
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

    /// The wish leaves the road before the switch; returns whether one was on it.
    ///
    /// Its turn is given back too: it was asked for this change, and the fleet decides anew about another one.
    pub(in super::super) fn leave_road(&mut self) -> bool {
        let (journey, order) = self.road.leave();
        self.orders.extend(order);
        self.give_back_turn();
        journey.is_some()
    }

    /// The wish is rejected: it leaves the road, and nothing has been touched.
    pub(in super::super) fn reject(&mut self, reason: String, by: Judge) -> bool {
        let (journey, order) = self.road.leave();
        self.orders.extend(order);
        let Some(journey) = journey else { return false };
        let (took, environment) = (journey.took(self.now), journey.environment);
        let before = self.road.refusal().filter(|before| before.is_about(&environment));
        let is_news = before.is_none_or(|before| before.reason != reason);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        if is_news && by != Judge::Nobody {
            let keys = self.targets.changed_to(&environment);
            let subject = Subject { environment: Some(Arc::clone(&environment)), keys, took, ..self.subject() };
            self.record(Outcome::Rejected, subject, reason.clone());
        }
        // If there is nothing else to run, a refusal may have the same cause as the service's own failure, so the
        // command is asked again, as after no answer.
        let idle = self.targets.present().is_none() && self.trials.ledger().newest().is_none();
        let asked_again = by == Judge::Nobody || (by == Judge::Command && idle);
        let again = asked_again.then(|| self.crash_backoff(times));
        self.road.refuse(Refusal { environment, reason, by, times, again });
        true
    }

    /// If the newest wish cannot go on and nothing runs, the good environment is used: neither a config problem nor
    /// silent sources keep a service down.
    fn resort_to_good(&mut self) -> bool {
        if self.targets.present().is_some() || self.in_grace() {
            return false;
        }
        // A process that an earlier lictor left running serves, whatever it runs on: silent sources are not a reason to
        // end it.
        if *self.road.wish() == Wish::Unheard && self.process.alive().is_some() {
            return false;
        }
        let Some(good) = self.trials.ledger().resort(&self.installed.0) else { return false };
        self.targets.go_to(Target::of(good, self.now));
        self.replace(StopReason::Switch);
        true
    }

    // The switch.

    /// From now on the wish is tried. A trial that is going on ends without a verdict.
    fn switch(&mut self) -> bool {
        let by = self.apply_by();
        let Some((journey, seen)) = self.road.arrive() else { return false };
        self.supersede();
        let keys = self.targets.changed_to(&journey.environment);
        let took = journey.took(self.now);
        let target = Target {
            environment: journey.environment,
            started_on: None,
            generation: self.numbers.next_generation(),
            since: self.now,
            unreported: Some(seen),
            keys,
            took,
        };
        match by {
            ApplyBy::Reload => self.reload(target),
            ApplyBy::Ignore => self.ignore(target),
            ApplyBy::Restart | ApplyBy::Wait(_) => self.replace_process(target),
        }
        true
    }

    /// A newer wish takes over: the environment on trial, or under suspicion, gets no verdict.
    fn supersede(&mut self) {
        let suspicion = self.drop_suspicion();
        if suspicion.is_none() && self.process.is_on_trial() {
            self.trials.count_superseded();
        }
        let subject = match suspicion {
            Some(suspicion) => suspicion.subject(),
            None if self.process.trial().is_some_and(|trial| trial.kind != TrialKind::Proven) => self.subject(),
            // Switched to, and never started.
            None if self.targets.is_unstarted() => self.subject(),
            None => return,
        };
        self.record(Outcome::Superseded, subject, "a newer change took its place");
    }

    fn replace_process(&mut self, target: Target) {
        if self.stays_on(&target.environment) {
            self.stay();
            return;
        }
        if self.old_is_wanted(&target.environment) {
            self.stay_with_old();
            return;
        }
        self.targets.try_out(target);
        self.process.end_trial();
        self.process.forget_crashes();
        self.process.start_at_once(Reason::Config);
        self.replace(StopReason::Switch);
    }

    // What holds the newest wish back.

    /// Compares the newest wish with the environment that runs, or would run instead; returns whether the guard now
    /// holds it for something else.
    pub(in super::super) fn compare_losses(&mut self) -> bool {
        let Some(wish) = self.road.wanted() else { return false };
        let resort = || self.trials.ledger().resort(&self.installed.0).map(|good| &good.environment);
        let Some(running) = self.targets.environment().or_else(resort) else { return false };
        let worth = self.worth();
        if self.holds.guard.is_compared(wish, running, worth) {
            return false;
        }
        let compared = Compared { wish: Arc::clone(wish), running: Arc::clone(running), worth };
        let (ledger, at) = (self.trials.ledger(), (self.now, self.unix_ms()));
        let change =
            self.holds.guard.compare(compared, &self.policy.guard, &|environment| ledger.knows(environment), at);
        if matches!(change, Change::Kept | Change::Both) {
            self.keep_holds();
        }
        matches!(change, Change::Losses | Change::Both)
    }

    fn worth(&self) -> Worth {
        let failed = self.process.is_overdue() || self.process.streak().crashes > 0;
        if failed && self.trials.ledger().newest().is_none() { Worth::Nothing } else { Worth::Guarded }
    }

    /// Since when the guard holds the newest wish, Unix milliseconds.
    pub(in super::super) fn guarded_since(&self) -> Option<u64> {
        self.road.wanted().and_then(|_| self.holds.guard.held_since())
    }

    /// Whether the operator or the guard holds the newest wish.
    fn is_held(&self) -> bool {
        self.operator_hold().is_some() || !self.holds.guard.losses().is_empty()
    }

    /// Whether a start still waits for the sources.
    pub(in super::super) fn in_grace(&self) -> bool {
        self.road.is_unheard() && self.now < self.began + self.policy.boot_grace
    }

    /// When that wait ends, if there is a good environment to use then.
    pub(in super::super) fn grace_ends(&self) -> Option<Moment> {
        let usable = self.targets.present().is_some() || self.trials.ledger().newest().is_some();
        (self.in_grace() && usable).then(|| self.began + self.policy.boot_grace)
    }

    // Lines of history about the wish that is stopped on the road. Each says whether there was something new to write.

    /// The wish has come to the guard: a hold begins or ends.
    fn record_losses(&mut self) -> bool {
        // An environment that has failed is not guarded, but it may still become good: until then the hold for it is
        // kept.
        let unix_ms = self.unix_ms();
        if self.worth() == Worth::Guarded && self.holds.guard.note_begun(unix_ms) {
            self.keep_holds();
        }
        let held = self.holds.guard.take_new_hold();
        self.record_stopped(Outcome::Held, held)
    }

    /// The operator's hold stops its first wish.
    fn record_held(&mut self) -> bool {
        let reason = self.operator_hold().map(|hold| hold.reason.clone());
        let held = reason.filter(|_| self.holds.record_operator());
        self.record_stopped(Outcome::Held, held)
    }

    /// The fleet halts this wish for the first time.
    fn record_halted(&mut self) -> bool {
        let halted = self.road.take_new_halt();
        self.record_stopped(Outcome::Halted, halted)
    }

    fn record_stopped(&mut self, outcome: Outcome, why: Option<String>) -> bool {
        let (Some(why), Some(journey)) = (why, self.road.journey()) else { return false };
        let (environment, took) = (Arc::clone(&journey.environment), journey.took(self.now));
        let keys = self.targets.changed_to(&environment);
        let subject = Subject { environment: Some(environment), keys, took, ..self.subject() };
        self.record(outcome, subject, why);
        true
    }
}
