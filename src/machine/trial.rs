//! On trial: what is known of what was tried. [`Trials`] owns what was good, what failed, what is suspected and what
//! has to wait; how one run is judged stands in `judge`.

mod judge;
pub mod ledger;
pub(super) mod setback;
pub(super) mod suspicion;

use std::sync::Arc;
use std::time::Duration;

use super::build::Build;
use super::moment::Moment;
use super::numbers::GenerationId;
use super::order::Order;
use crate::environment::Environment;
use ledger::{Changed, Good, Ledger, Pair, Quarantined, Standing};
use setback::{Setback, SetbackKind};
use suspicion::Suspicion;

pub(super) use judge::{Evidence, Judgement, Trial, TrialKind};

/// What is known of what was tried. Only the transitions here change it; they return the order that writes the change.
#[derive(Clone, Debug)]
pub(super) struct Trials {
    ledger: Ledger,
    suspicion: Option<Suspicion>,
    setback: Option<Setback>,
    /// When this lictor promoted the newest good environment, as long as that may still be taken back for an older one.
    promoted: Option<Moment>,
    /// How many trials in a row were ended by a newer wish.
    superseded: u32,
}

impl Trials {
    pub(super) fn new(good: Vec<Good>, quarantine: Vec<Quarantined>) -> Self {
        let ledger = Ledger::new(good, quarantine);
        Self { ledger, suspicion: None, setback: None, promoted: None, superseded: 0 }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The good environments, for a change of what may be shown.
    pub(super) fn environments(&mut self) -> impl Iterator<Item = &mut Arc<Environment>> {
        self.ledger.environments()
    }

    /// The candidate that has failed, until the good environment shows whether it was the cause.
    pub(super) fn suspicion(&self) -> Option<&Suspicion> {
        self.suspicion.as_ref()
    }

    pub(super) fn setback(&self) -> Option<&Setback> {
        self.setback.as_ref()
    }

    pub(super) fn promoted(&self) -> Option<Moment> {
        self.promoted
    }

    pub(super) fn superseded(&self) -> u32 {
        self.superseded
    }

    /// One more trial was ended by a newer wish.
    pub(super) fn count_superseded(&mut self) {
        self.superseded = self.superseded.saturating_add(1);
    }

    /// A trial has ended, with a verdict or with its process.
    pub(super) fn come_to_an_end(&mut self) {
        self.superseded = 0;
    }

    /// The good environment is started for the first time after a failure: by this moment it has to be healthy.
    pub(super) fn decide_by(&mut self, at: Moment) {
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.decided_by.get_or_insert(at);
        }
    }

    /// Nothing moved for this long: what is due becomes due that much later.
    pub(super) fn paused(&mut self, length: Duration) {
        if let Some(at) = self.suspicion.as_mut().and_then(|suspicion| suspicion.decided_by.as_mut()) {
            *at = *at + length;
        }
    }

    /// The suspicion is over, with a verdict or without.
    pub(super) fn end_suspicion(&mut self) -> Option<Suspicion> {
        self.suspicion.take()
    }

    /// The environment that was promoted just now may be taken back if it turns out not to be good.
    pub(super) fn promote(&mut self, now: Moment) {
        self.promoted = Some(now);
    }

    /// What was good before is good again: going back to an older environment would not help it.
    pub(super) fn promote_again(&mut self) {
        self.promoted = None;
    }

    /// A new build failed beside the process that it was to take over from.
    pub(super) fn build_failed(&mut self, environment: Arc<Environment>, build: Build, why: &str, now: Moment) {
        let (kind, reason) = (SetbackKind::BuildFailed, why.to_owned());
        self.setback = Some(Setback { kind, environment, build, reason, since: now, attempts: 1, retry_at: None });
    }

    /// The service was healthy on neither environment: the candidate waits, longer each time.
    pub(super) fn set_back(&mut self, suspicion: Suspicion, kind: SetbackKind, reason: String, now: Moment) {
        let Suspicion { environment, build, .. } = suspicion;
        let before = self.setback.take().filter(|setback| setback.environment == environment);
        let attempts = before.map_or(0, |setback| setback.attempts).saturating_add(1);
        self.setback = Some(Setback { kind, environment, build, reason, since: now, attempts, retry_at: None });
    }

    /// Nothing has to wait any more.
    pub(super) fn end_setback(&mut self) {
        self.setback = None;
    }

    /// The service is healthy: the wish that had to wait is tried again at this moment.
    pub(super) fn retry_at(&mut self, at: Moment) {
        if let Some(setback) = &mut self.setback {
            setback.retry_at = Some(at);
        }
    }

    /// Whether this environment, on this build, is being taken back.
    pub(super) fn is_suspected(&self, environment: &Environment, build: &Build) -> bool {
        self.suspicion.as_ref().is_some_and(|suspicion| suspicion.is(environment, build))
    }

    // What was good.

    /// This pair was healthy for long enough. The environment that the process was started with stays on the list.
    pub(super) fn note_good(
        &mut self,
        environment: &Arc<Environment>,
        build: &Build,
        generation: GenerationId,
        at_unix_ms: u64,
        started_with: &Environment,
    ) -> Option<Order> {
        let changed = self.ledger.promote(environment, build, generation, at_unix_ms, started_with);
        self.keep_good_if(changed)
    }

    /// This pair was not good after all.
    pub(super) fn demote(&mut self, environment: &Environment, build: &Build) -> Order {
        self.ledger.demote(environment, build);
        self.keep_good()
    }

    /// A lictor that starts while no source answers goes back to this one first.
    pub(super) fn prefer(&mut self, environment: &Environment) -> Order {
        self.ledger.prefer(environment);
        self.keep_good()
    }

    /// The sources now give these same variables from other keys.
    pub(super) fn renew(&mut self, environment: &Arc<Environment>) -> Option<Order> {
        let changed = self.ledger.renew_keys(environment);
        self.keep_good_if(changed)
    }

    // What failed.

    /// This candidate has failed. That is written down at once, so that a lictor that starts before there is a verdict
    /// does not try it once more.
    pub(super) fn suspect(&mut self, suspicion: Suspicion, at_unix_ms: u64) -> Order {
        self.put_in_quarantine(&suspicion, Standing::Suspected, at_unix_ms);
        self.suspicion = Some(suspicion);
        self.keep_quarantine()
    }

    /// The good environment is healthy again, so the candidate was to blame.
    pub(super) fn convict(&mut self, suspicion: &Suspicion, at_unix_ms: u64) -> Order {
        self.put_in_quarantine(suspicion, Standing::Proved, at_unix_ms);
        self.setback = None;
        self.keep_quarantine()
    }

    /// The suspicion ends without a verdict.
    pub(super) fn drop_suspicion(&mut self) -> (Option<Suspicion>, Option<Order>) {
        let changed = self.ledger.forget_suspected();
        (self.suspicion.take(), self.keep_quarantine_if(changed))
    }

    /// This good pair is healthy: the pairs that an earlier lictor suspected on the same build were to blame. Returns
    /// them.
    pub(super) fn confirm_suspected(&mut self, good: &Environment, build: &Build) -> (Vec<Quarantined>, Option<Order>) {
        if self.ledger.holds(good, build).is_none() {
            return (Vec::new(), None);
        }
        let confirmed = self.ledger.confirm_suspected(build);
        let order = (!confirmed.is_empty()).then(|| self.keep_quarantine());
        (confirmed, order)
    }

    /// This pair may be tried again.
    pub(super) fn release(&mut self, environment: &Environment, build: &Build) -> Option<Order> {
        let changed = self.ledger.release(environment, build);
        self.keep_quarantine_if(changed)
    }

    fn put_in_quarantine(&mut self, suspicion: &Suspicion, standing: Standing, at_unix_ms: u64) {
        let pair = Pair { environment: suspicion.environment.fingerprint(), build: suspicion.build.clone() };
        let reason = suspicion.reason.clone();
        self.ledger.put_in_quarantine(Quarantined { pair, reason, at_unix_ms, standing });
    }

    // What is written to the disk.

    /// Writes everything again: the list of sources, which the files name, may have changed.
    pub(super) fn keep_again(&self) -> impl Iterator<Item = Order> {
        let good = (!self.ledger.good().is_empty()).then(|| self.keep_good());
        let quarantine = (!self.ledger.quarantine().is_empty()).then(|| self.keep_quarantine());
        good.into_iter().chain(quarantine)
    }

    fn keep_good(&self) -> Order {
        Order::KeepGood { good: self.ledger.good().to_vec() }
    }

    fn keep_good_if(&self, changed: Changed) -> Option<Order> {
        (changed == Changed::Yes).then(|| self.keep_good())
    }

    fn keep_quarantine(&self) -> Order {
        Order::KeepQuarantine { quarantine: self.ledger.quarantine().to_vec() }
    }

    fn keep_quarantine_if(&self, changed: Changed) -> Option<Order> {
        (changed == Changed::Yes).then(|| self.keep_quarantine())
    }
}
