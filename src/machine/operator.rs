//! What an operator asks for: done at once or refused with the reason. Each request is answered exactly once.

use std::sync::Arc;
use std::time::Duration;

use super::event::{Requester, Verb};
use super::history::Outcome;
use super::hold::Hold;
use super::ledger::Changed;
use super::life::{Life, StopReason, Streak};
use super::moment::Moment;
use super::numbers::RunId;
use super::order::{Effect, Order};
use super::totals::Reason;
use super::{Base, Machine, Subject, Wish};
use crate::environment::{Fingerprint, changed_names};

/// What is done, or why not.
type Answer = Result<Effect, String>;

impl Machine {
    pub(super) fn operator(&mut self, verb: Verb, by: Requester) {
        let answer = if self.shutdown { Err("lictor is stopping".to_owned()) } else { self.perform(verb, by.uid) };
        self.order(Order::Answer { request: by.request, answer });
    }

    fn perform(&mut self, verb: Verb, who: Option<u32>) -> Answer {
        match verb {
            Verb::Restart => self.restart(who),
            Verb::Signal { signal } => self.pass_on(signal, who),
            Verb::Hold { reason, length } => Ok(self.begin_hold(reason, length, who)),
            Verb::Unhold => Ok(self.unhold(who)),
            Verb::Release { fingerprint } => self.release(fingerprint, who),
            Verb::Retry { fingerprint } => self.retry(fingerprint, who),
            Verb::Revert => self.go_back(who),
            Verb::Validated { deployment, verdict, reason } => Ok(self.validated(deployment, verdict, reason, who)),
        }
    }

    fn restart(&mut self, who: Option<u32>) -> Answer {
        let after = self.numbers.run;
        if self.base.is_none() {
            return Err("there is nothing to start yet: not every source has answered".to_owned());
        }
        self.note(who, "restart");
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = None;
            self.reason = Reason::Operator;
        }
        self.stop(StopReason::Operator);
        Ok(self.proof_of_a_run(after))
    }

    fn proof_of_a_run(&self, after: RunId) -> Effect {
        Effect::Run { after, min_healthy: self.policy.min_healthy, deadline: self.policy.deadline }
    }

    fn pass_on(&mut self, signal: i32, who: Option<u32>) -> Answer {
        let Some(run) = self.life.run().filter(|run| run.pid.is_some()).map(|run| run.id) else {
            return Err("the service does not run".to_owned());
        };
        self.note(who, format!("signal {signal}"));
        self.order(Order::Signal { run, signal });
        Ok(Effect::Done)
    }

    fn begin_hold(&mut self, reason: String, length: Option<Duration>, who: Option<u32>) -> Effect {
        let since = self.unix_ms();
        let until = length.map(|length| since.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)));
        let reason = if reason.is_empty() { "by an operator".to_owned() } else { reason };
        let span = length.map(|length| format!(" for {}", humantime::format_duration(length))).unwrap_or_default();
        self.note(who, format!("hold{span}: {reason}"));
        self.set_hold(Some(Hold { reason, since_unix_ms: since, until_unix_ms: until, who }));
        self.stay();
        Effect::Done
    }

    fn unhold(&mut self, who: Option<u32>) -> Effect {
        if self.hold.is_some() {
            self.note(who, "unhold");
            self.set_hold(None);
        }
        Effect::Done
    }

    fn set_hold(&mut self, hold: Option<Hold>) {
        self.hold = hold;
        self.told_held = None;
        self.keep_holds();
    }

    /// Since when wishes are held, in this boot of the host.
    pub(super) fn held_since(&self) -> Option<Moment> {
        let hold = self.hold.as_ref().map(|hold| hold.since_unix_ms);
        let since = [hold, self.guarded_since()].into_iter().flatten().min();
        since.map(|since| Moment(since.saturating_sub(self.epoch_unix_ms)))
    }

    /// A hold with a limit ends by itself; says whether it did just now.
    pub(super) fn end_hold(&mut self) -> bool {
        let now = self.unix_ms();
        if !self.hold.as_ref().is_some_and(|hold| hold.is_over(now)) {
            return false;
        }
        self.note(None, "the hold is over: its time has passed");
        self.set_hold(None);
        true
    }

    /// The first time that the hold stops this wish is a line of history; says whether this is it.
    pub(super) fn tell_held(&mut self) -> bool {
        let Some(environment) = self.journey.as_ref().map(|journey| Arc::clone(&journey.environment)) else {
            return false;
        };
        let Some(reason) = self.holding().map(|hold| hold.reason.clone()) else { return false };
        if self.told_held == Some(environment.fingerprint()) {
            return false;
        }
        self.told_held = Some(environment.fingerprint());
        let keys = self.base.as_ref().map(|base| changed_names(&base.environment, &environment)).unwrap_or_default();
        let subject = Subject { environment: Some(environment), keys, took: self.journey_took(), ..self.subject() };
        self.record(Outcome::Held, subject, reason);
        true
    }

    /// The newest wish is tried once more, whatever is known against it.
    fn retry(&mut self, wanted: Option<Fingerprint>, who: Option<u32>) -> Answer {
        let Wish::Environment(wish) = &self.wish else { return Err("there is no wish to try".to_owned()) };
        let (wish, shown) = (Arc::clone(wish), wish.fingerprint());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != shown) {
            return Err(format!("{wanted} is not the newest wish, which is {shown}: only that one can be tried"));
        }
        if self.suspect.as_ref().is_some_and(|suspect| suspect.is(&wish, &self.installed.0)) {
            return Err(format!("{shown} is just being taken back: ask again when the service is healthy"));
        }
        let refused = self.refused.as_ref().is_some_and(|refused| refused.is_about(&wish));
        let set_back = self.setback.as_ref().is_some_and(|setback| setback.is_about(&wish));
        let quarantined = self.ledger.quarantined(&wish, &self.installed.0).is_some();
        if !(refused || set_back || quarantined) {
            return Err(format!("nothing stands against the newest wish, {shown}"));
        }
        if let Some(hold) = self.holding() {
            return Err(format!("all wishes are held ({}): end that with unhold first", hold.reason));
        }
        self.note(who, format!("retry {shown}"));
        (self.refused, self.setback) = (None, None);
        if self.ledger.release(&wish, &self.installed.0) == Changed::Yes {
            self.keep_quarantine();
        }
        Ok(Effect::Verdict { wish: shown })
    }

    /// Back to the good environment before the present one, and no wish after it.
    fn go_back(&mut self, who: Option<u32>) -> Answer {
        let after = self.numbers.run;
        let target = self
            .base
            .as_ref()
            .and_then(|base| self.ledger.fallback(&base.environment, &self.installed.0))
            .map(|good| (Base::of(good, self.now), good.environment.fingerprint()));
        let Some((base, fingerprint)) = target else {
            return Err("there is no other good environment to go back to".to_owned());
        };
        self.leave_road();
        self.note(who, format!("revert to {fingerprint}"));
        (self.trial, self.suspect, self.streak) = (None, None, Streak::default());
        self.superseded = 0;
        // A lictor that is started again during the hold must come back to this one.
        self.ledger.prefer(&base.environment);
        self.keep_good();
        self.base = Some(base);
        let reason = format!("an operator went back to {fingerprint}");
        self.set_hold(Some(Hold { reason, since_unix_ms: self.unix_ms(), until_unix_ms: None, who }));
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = None;
            self.reason = Reason::Revert;
        }
        self.stop(StopReason::Revert);
        Ok(self.proof_of_a_run(after))
    }

    /// One line of history about what an operator did.
    pub(super) fn note(&mut self, who: Option<u32>, what: impl Into<String>) {
        let subject = Subject { who, keys: Vec::new(), ..self.subject() };
        self.record(Outcome::Operator, subject, what);
    }
}
