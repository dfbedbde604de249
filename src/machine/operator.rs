//! The requests of operators, and the operator's hold. Each request is carried out at once, or refused with the reason;
//! each is answered exactly once.
//!
//! Changes: `holds`, `road`, `trials`, `process`.

use std::sync::Arc;
use std::time::Duration;

use super::board::deployment::{Deployment, Validation, Verdict};
use super::board::reload::Pending;
use super::board::totals::Reason;
use super::event::{Requester, Verb};
use super::history::{Outcome, Subject};
use super::hold::Hold;
use super::numbers::RunId;
use super::order::{Effect, Order};
use super::policy::StepSetting;
use super::road::journey::Step;
use super::{Machine, StopReason, Target};
use crate::environment::Fingerprint;

/// What has been done, or why nothing was done.
type Answer = Result<Effect, String>;

impl Machine {
    pub(super) fn operator(&mut self, verb: Verb, by: Requester) {
        let answer = if self.shutdown { Err("lictor is stopping".to_owned()) } else { self.perform(verb, by.uid) };
        self.orders.push(Order::Answer { request: by.request, answer });
    }

    fn perform(&mut self, verb: Verb, who: Option<u32>) -> Answer {
        match verb {
            Verb::Restart => self.restart(who),
            Verb::Signal { signal } => self.pass_on(signal, who),
            Verb::Hold { reason, length } => Ok(self.begin_hold(reason, length, who)),
            Verb::Unhold => Ok(self.unhold(who)),
            Verb::Release { fingerprint } => self.release(fingerprint, who),
            Verb::Retry { fingerprint } => self.retry(fingerprint, who),
            Verb::RetryAlone { fingerprint } => self.retry_alone(fingerprint, who),
            Verb::Revert => self.go_back(who),
            Verb::Validated { deployment, verdict, reason } => Ok(self.validated(deployment, verdict, reason, who)),
        }
    }

    /// Our own configuration was read again, because of an operator or a signal.
    pub(super) fn reloaded(&mut self, who: Option<u32>, outcome: Result<Pending, Vec<String>>) {
        match outcome.as_ref().err().and_then(|errors| errors.first()) {
            None => {
                self.note(who, "reload");
                self.orders.extend(self.trials.keep_again());
            }
            Some(first) => self.note(who, format!("reload refused: {first}")),
        }
        self.shown.reloaded(outcome, self.now);
    }

    fn restart(&mut self, who: Option<u32>) -> Answer {
        let after = self.numbers.run;
        if self.targets.present().is_none() {
            return Err("there is nothing to start yet: not every source has answered".to_owned());
        }
        self.note(who, "restart");
        self.process.start_at_once(Reason::Operator);
        self.replace(StopReason::Operator);
        Ok(self.proof_of_a_run(after))
    }

    fn proof_of_a_run(&self, after: RunId) -> Effect {
        Effect::Run { after, min_healthy: self.policy.min_healthy, deadline: self.policy.deadline }
    }

    fn pass_on(&mut self, signal: i32, who: Option<u32>) -> Answer {
        let Some(run) = self.process.active().filter(|slot| slot.pid.is_some()).map(|slot| slot.id) else {
            return Err("the service does not run".to_owned());
        };
        self.note(who, format!("signal {signal}"));
        self.orders.push(Order::Signal { run, signal });
        Ok(Effect::Done)
    }

    fn begin_hold(&mut self, reason: String, length: Option<Duration>, who: Option<u32>) -> Effect {
        let since = self.unix_ms();
        let until = length.map(|length| since.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)));
        let reason = if reason.is_empty() { "by an operator".to_owned() } else { reason };
        let span = length.map(|length| format!(" for {}", humantime::format_duration(length))).unwrap_or_default();
        self.note(who, format!("hold{span}: {reason}"));
        self.set_hold(Some(Hold { reason, since_unix_ms: since, until_unix_ms: until, who }));
        self.stay_during_hold();
        Effect::Done
    }

    fn unhold(&mut self, who: Option<u32>) -> Effect {
        if self.holds.operator().is_some() {
            self.note(who, "unhold");
            self.set_hold(None);
        }
        Effect::Done
    }

    fn set_hold(&mut self, hold: Option<Hold>) {
        self.holds.set_operator(hold);
        self.keep_holds();
    }

    /// Orders both holds to be written to the disk.
    pub(super) fn keep_holds(&mut self) {
        let (hold, guarded) = (self.holds.operator().cloned(), self.holds.guard.record().clone());
        self.orders.push(Order::KeepHold { hold, guarded });
    }

    /// The operator's hold, unless there is nothing else to run: the first start is not held.
    pub(super) fn operator_hold(&self) -> Option<&Hold> {
        let elsewhere = self.targets.present().is_some() || self.trials.ledger().newest().is_some();
        self.holds.operator().filter(|_| elsewhere)
    }

    /// Ends a hold whose time has passed; returns whether there was one.
    pub(super) fn end_hold(&mut self) -> bool {
        let now = self.unix_ms();
        if !self.holds.operator().is_some_and(|hold| hold.is_over(now)) {
            return false;
        }
        self.note(None, "the hold is over: its time has passed");
        self.set_hold(None);
        true
    }

    /// Releases the wish that the guard holds. A fingerprint, if one is given, must be that of the wish.
    fn release(&mut self, meant: Option<Fingerprint>, who: Option<u32>) -> Answer {
        let held = self.road.wanted().filter(|_| self.guarded_since().is_some()).map(|wish| wish.fingerprint());
        let Some(held) = held else { return Err("nothing is held by the guard".to_owned()) };
        if let Some(meant) = meant.filter(|meant| *meant != held) {
            return Err(format!("{meant} is not what is held, which is {held}: only that can be released"));
        }
        self.note(who, format!("release {held}"));
        self.holds.guard.release(held);
        self.keep_holds();
        Ok(Effect::Done)
    }

    /// Tries the newest wish again, whatever stopped it before.
    fn retry(&mut self, wanted: Option<Fingerprint>, who: Option<u32>) -> Answer {
        let Some(wish) = self.road.wanted() else {
            return Err("the sources have not given anything to try yet".to_owned());
        };
        let (wish, shown) = (Arc::clone(wish), wish.fingerprint());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != shown) {
            return Err(format!("{wanted} is not the newest change, which is {shown}: only that one can be tried"));
        }
        if self.trials.is_suspected(&wish, &self.installed.0) {
            return Err(format!("{shown} is just being taken back: ask again when the service is healthy"));
        }
        let refused = self.road.refusal().is_some_and(|refusal| refusal.is_about(&wish));
        let set_back = self.trials.setback().is_some_and(|setback| setback.is_about(&wish));
        let quarantined = self.trials.ledger().quarantined(&wish, &self.installed.0).is_some();
        if !(refused || set_back || quarantined) {
            return Err(format!("nothing holds the newest change, {shown}, back"));
        }
        if let Some(hold) = self.operator_hold() {
            return Err(format!("every change is held ({}): end that with unhold first", hold.reason));
        }
        self.note(who, format!("retry {shown}"));
        self.road.forgive();
        self.trials.end_setback();
        let order = self.trials.release(&wish, &self.installed.0);
        self.orders.extend(order);
        Ok(Effect::Verdict { wish: shown })
    }

    /// Tries the newest wish again, whatever stopped it before, and without the fleet's turn.
    fn retry_alone(&mut self, wanted: Option<Fingerprint>, who: Option<u32>) -> Answer {
        if self.policy.turn == StepSetting::Disabled {
            return Err("this lictor waits for no turn: it has no fleet {}".to_owned());
        }
        let Some(wish) = self.road.wanted() else {
            return Err("the sources have not given anything to try yet".to_owned());
        };
        let shown = wish.fingerprint();
        if let Some(wanted) = wanted.filter(|wanted| *wanted != shown) {
            return Err(format!("{wanted} is not the newest change, which is {shown}: only that one can be tried"));
        }
        let waits = self.road.step() == Some(Step::Turn);
        if !waits {
            self.retry(wanted, who)?;
        }
        self.note(who, format!("retry {shown} alone, without the fleet's turn"));
        let order = self.road.waive_turn(shown);
        self.orders.extend(order);
        Ok(Effect::Verdict { wish: shown })
    }

    /// Goes back to the good environment before the present one, and holds every wish.
    fn go_back(&mut self, who: Option<u32>) -> Answer {
        let after = self.numbers.run;
        let present = self.targets.environment();
        let good = present.and_then(|present| self.trials.ledger().fallback(present, &self.installed.0));
        let Some(target) = good.map(|good| Target::of(good, self.now)) else {
            return Err("there is no other good environment to go back to".to_owned());
        };
        let (environment, fingerprint) = (Arc::clone(&target.environment), target.environment.fingerprint());
        self.leave_road();
        self.note(who, format!("revert to {fingerprint}"));
        self.drop_suspicion();
        self.trials.come_to_an_end();
        // A lictor that starts again during the hold must use this environment.
        let order = self.trials.prefer(&environment);
        self.orders.push(order);
        self.go_to(target, Reason::Revert);
        let reason = format!("an operator went back to {fingerprint}");
        self.set_hold(Some(Hold { reason, since_unix_ms: self.unix_ms(), until_unix_ms: None, who }));
        if !self.old_is_wanted(&environment) || !self.stay_with_old() {
            self.replace(StopReason::Revert);
        }
        Ok(self.proof_of_a_run(after))
    }

    /// Keeps the answer that a deployment got.
    fn validated(&mut self, deployment: Deployment, verdict: Verdict, reason: String, who: Option<u32>) -> Effect {
        let outcome = match verdict {
            Verdict::Yes => Outcome::Validated,
            Verdict::No => Outcome::NotValidated,
        };
        let at_unix_ms = self.unix_ms();
        self.shown.validation =
            Some(Validation { deployment: deployment.clone(), verdict, reason: reason.clone(), at_unix_ms });
        let subject = Subject { who, keys: Vec::new(), deployment: Some(deployment), ..self.subject() };
        self.record(outcome, subject, reason);
        Effect::Done
    }
}
