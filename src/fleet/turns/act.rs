//! What follows from one look.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::decision::{Ask, Asking, Decision, Place, Waits, halt, silent};
use super::super::layout::json;
use super::super::reason::Reason;
use super::super::record::InstanceRecord;
use super::super::rules::PATIENCE;
use super::super::view::{Ours, View};
use super::super::writes::{Back, CanaryEnd, Writer};
use super::queue;
use super::{Action, Busy, Debt, Haste, Held, Membership, Records, Stage, Turns, WriteFor};
use crate::consul::transaction::Operation;
use crate::fleet::writes::Written;
use crate::machine::Moment;
use crate::machine::event::TurnRefusal;

/// The longest that a change is waited for: a change that does not end the wait is seen after this.
const WAIT: Duration = Duration::from_secs(10);
/// The same while nothing is asked for: only our own stale mark is looked for.
const IDLE: Duration = Duration::from_mins(1);
/// After somebody else was found under our name.
const OUTSIDE: Duration = Duration::from_secs(5);
/// Each instance of the fleet adds this much to the time over which all spread their next look.
const SPREAD_US: u64 = 2_500;

impl Turns {
    /// Begins what is due, if nothing is under way.
    pub(super) fn go_on(&mut self, now: Moment) {
        self.write_record(now);
        if matches!(self.busy, Busy::Writing(..)) || self.member.node.is_empty() || now < self.not_before {
            self.finish();
            return;
        }
        if let Some(debt) = self.debts.front() {
            let operations = self.pay(now, debt);
            return self.write(operations, WriteFor::Debt);
        }
        if self.busy == Busy::Nothing && !self.finish() {
            self.look(now, Vec::new(), Duration::ZERO, Duration::ZERO);
        }
    }

    /// After the last thing that there was to do; says whether that is so.
    fn finish(&mut self) -> bool {
        let done = self.is_done();
        if done && self.life.session().is_some() {
            self.close();
        }
        done
    }

    fn pay(&self, now: Moment, debt: &Debt) -> Vec<Operation> {
        let writer = self.writer(now, self.life.session().unwrap_or_default());
        match debt {
            Debt::Halt(change, build, reason) => {
                let turn = self.held.as_ref().map_or(0, |held| held.turn.0);
                let session = self.held.as_ref().map(|held| held.session.clone());
                let marker = self.writer(now, session.as_deref().unwrap_or(writer.session));
                vec![writer.halt(change, build.clone(), reason), marker.mark(turn)]
            }
            Debt::EndHalt(change) => vec![Operation::Delete { key: self.places.rollout(change.id()) }],
        }
    }

    pub(super) fn act(&mut self, now: Moment, view: &View) {
        self.marked = view.mark_of(&self.member).is_some();
        self.watch_the_silent(now, view);
        let folder = self.places.path("");
        let remarks = view.remarks.iter().map(|remark| format!("the fleet's folder {folder}: {remark}"));
        // Whether that still is so, is seen below.
        let differences = self.comparison.take_up(now, view, &self.member, &self.rules);
        let remarks = remarks.chain(differences).chain(self.outside.take()).collect();
        self.say(remarks);
        if !self.act_on_right(now, view) {
            return;
        }
        if let Some(marked) = view.mark_of(&self.member)
            && self.held.is_none()
            && now >= self.unsure_until
            && (self.shown.is_back() || self.leaving)
        {
            let unmark = self.writer(now, "").unmark(marked.index);
            return self.write(vec![unmark], WriteFor::Unmark);
        }
        if self.leaving || !self.belongs(now, view) {
            return;
        }
        match self.ask.clone() {
            Some(ask) if self.held.is_none() => self.try_for(now, view, ask),
            _ => self.rest(now, view),
        }
    }

    /// What the look shows about our turn; says whether there is more to do with this look.
    fn act_on_right(&mut self, now: Moment, view: &View) -> bool {
        let Some(held) = &self.held else { return true };
        let (turn, session) = (held.turn, held.session.clone());
        if held.stage == Stage::Acquiring {
            if view.is_held_by(&self.member, &session, turn.0) {
                self.grant();
            } else {
                self.held = None;
            }
            return true;
        }
        let lost = !view.holders().any(|holder| *holder == session)
            || view.ours.as_ref().is_some_and(|ours| {
                self.membership == Membership::Member && ours.session.as_deref() != self.life.session()
            });
        // Somebody else's word; our own is about what we are bringing back in this very turn.
        let halted =
            held.stage == Stage::Granted && halt(view, &held.ask).is_some_and(|known| known.rollout.by != self.member);
        if lost || halted {
            self.lose(now);
        }
        let Some(held) = &mut self.held else { return true };
        if let Stage::Baking(until) = held.stage
            && now >= until
            && self.shown.ready
        {
            held.stage = Stage::Returning(CanaryEnd::Go, Back::Yes);
        }
        let Stage::Returning(end, back) = held.stage else { return true };
        let held = held.clone();
        // Overtaken on its way: what is good here is not what the turn was for.
        let another = self.shown.config.as_ref().is_some_and(|config| *config != held.ask.wish.whole());
        let end = if another { CanaryEnd::Nothing } else { end };
        let canary = held.canary.as_ref().map(|canary| (canary, end));
        let operations = self.writer(now, &session).release(view, canary, back);
        if operations.is_empty() {
            self.held = None;
            return true;
        }
        self.write(operations, WriteFor::Release);
        false
    }

    /// Whether our record is ours; if not, what is done about it is under way.
    fn belongs(&mut self, now: Moment, view: &View) -> bool {
        let Some(session) = self.life.session().map(str::to_owned) else { return false };
        match &view.ours {
            Some(Ours { session: Some(holder), owner }) if *holder == session => {
                if self.membership != Membership::Member {
                    self.membership = Membership::Member;
                    self.was_member = true;
                    self.record.changed(now);
                    self.comparison.hurry(now);
                }
                if owner.is_none() {
                    // Somebody has written over it.
                    self.record.changed(now);
                }
                return true;
            }
            Some(Ours { session: Some(holder), owner }) => {
                self.membership = Membership::Unknown;
                // Our own earlier life, which a kill has cut short. Once we were in the fleet there is none any more.
                if owner.as_deref() == Some(self.owner.as_str()) && !self.was_member {
                    self.actions.push(Action::Close(holder.clone()));
                    self.not_before = now + Duration::from_millis(100);
                    return false;
                }
                self.membership = Membership::Outsider;
                let why = format!(
                    "another lictor is in the fleet as {} (it has {}): give each its own registration.id or name",
                    self.member,
                    self.places.instance(&self.member)
                );
                let remark = format!("{why}; until then this one takes no turns");
                self.say(self.said.iter().cloned().chain([remark.clone()]).collect());
                self.outside = Some(remark);
                self.wait(now, Reason::Plain(why));
                self.look(now, Vec::new(), OUTSIDE, Duration::ZERO);
            }
            Some(Ours { session: None, .. }) | None => {
                let join = self.lock_record(now, session);
                self.write(vec![join], WriteFor::Join);
            }
        }
        false
    }

    fn lock_record(&self, now: Moment, session: String) -> Operation {
        let record = InstanceRecord::new(&self.member, &self.owner, &self.rules, &self.shown, self.unix_ms(now));
        Operation::Lock { key: self.places.instance(&self.member), value: json(&record), flags: 0, session }
    }

    fn write_record(&mut self, now: Moment) {
        let due = self.record.due().is_some_and(|due| now >= due) && self.membership == Membership::Member;
        if !due || self.leaving {
            return;
        }
        let Some(session) = self.life.sure(now).map(str::to_owned) else { return self.record.postpone(now) };
        let op = self.op();
        self.record.begin(now, op);
        let key = self.places.instance(&self.member);
        let check = Operation::CheckSession { key, session: session.clone() };
        let operations = vec![check, self.lock_record(now, session)];
        self.actions.push(Action::Record(op, operations));
    }

    fn try_for(&mut self, now: Moment, view: &View, ask: Ask) {
        let Some(session) = self.life.sure(now).map(str::to_owned) else {
            self.wait(now, Reason::Plain("our session in Consul could not be renewed".into()));
            return self.look(now, Vec::new(), Duration::from_secs(1), Duration::ZERO);
        };
        let given_up: BTreeSet<String> = self
            .silent
            .iter()
            .filter(|(_, (_, since))| now.since(*since) >= PATIENCE)
            .map(|(key, _)| key.clone())
            .collect();
        match self.asking(now, &session, &given_up).decide(view, &ask) {
            Decision::Free(plan) => {
                let operations = self.writer(now, &session).acquire(view, &plan, ask.turn.0);
                let canary = plan.canary;
                self.held = Some(Held { turn: ask.turn, ask, session, canary, stage: Stage::Acquiring });
                self.write(operations, WriteFor::Acquire);
            }
            Decision::Waits(Waits { why, on }) => {
                self.wait(now, why);
                let wait = if on.is_empty() { Duration::from_secs(1) } else { WAIT };
                self.wait_for(now, view, on, wait);
            }
            Decision::Halted { by, why, on } => {
                self.waits = None;
                self.refuse(TurnRefusal::Halted { by, why });
                self.wait_for(now, view, on, WAIT);
            }
        }
    }

    /// Nothing is asked for, or what was asked for is granted.
    fn rest(&mut self, now: Moment, view: &View) {
        match &self.held {
            Some(_) => {
                let lock = if let super::super::view::Lock::Read { index, .. } = view.lock { index } else { 0 };
                let on = vec![(Place::Lock, lock), (Place::Rollout, view.indexes.rollout)];
                self.wait_for(now, view, on, WAIT);
            }
            None => self.wait_for(now, view, Vec::new(), IDLE),
        }
    }

    fn wait_for(&mut self, now: Moment, view: &View, on: Vec<(Place, u64)>, wait: Duration) {
        let baked = match &self.held {
            Some(Held { stage: Stage::Baking(until), .. }) if *until > now => Some(*until),
            _ => None,
        };
        let sure = Some(self.unsure_until).filter(|until| self.marked && *until > now);
        let compared = (self.membership == Membership::Member).then(|| self.comparison.at()).filter(|at| *at > now);
        let wait =
            [baked, sure, compared].into_iter().flatten().map(|until| until.since(now)).fold(wait, Duration::min);
        // Instances that are not registered are known by their marks alone, and most of them have none.
        let instances = view.catalog.len().max(view.marks.len() * 4);
        let delay = queue::delay(view, &self.member).unwrap_or_else(|| self.spread(instances));
        self.look(now, on, wait, delay);
    }

    /// Full jitter, over more time the more there are who wake at once.
    fn spread(&mut self, instances: usize) -> Duration {
        let bound = SPREAD_US.saturating_mul(instances as u64).min(queue::LONGEST_SPREAD_US);
        Duration::from_micros(self.random.u64(0..=bound))
    }

    pub(super) fn written(&mut self, now: Moment, write_for: WriteFor, written: &Written) {
        if let Written::Unknown(why) = written {
            return self.failed(now, why);
        }
        self.failures = 0;
        match (write_for, written) {
            (WriteFor::Acquire, Written::Done) => {
                self.marked = true;
                // Withdrawn or too old meanwhile: it goes back.
                if let Some(Held { stage: Stage::Acquiring, .. }) = &self.held {
                    self.grant();
                }
            }
            (WriteFor::Acquire, _) => {
                self.held = None;
                self.not_before = now + self.spread(8);
            }
            (WriteFor::Release, Written::Done) => self.held = None,
            (WriteFor::Debt, _) => drop(self.debts.pop_front()),
            (WriteFor::Unmark, Written::Done) => self.marked = false,
            (WriteFor::Join, Written::Refused) => self.not_before = now + Duration::from_millis(300),
            _ => {}
        }
    }

    fn grant(&mut self) {
        if let Some(held) = &mut self.held {
            held.stage = Stage::Granted;
            self.actions.push(Action::Grant(held.turn));
            self.forget_ask();
        }
    }

    /// Since when each silent one stands in the way, by what it last wrote.
    fn watch_the_silent(&mut self, now: Moment, view: &View) {
        let silent = silent(view, &self.member);
        self.silent.retain(|key, (index, _)| silent.get(key) == Some(index));
        for (key, index) in silent {
            self.silent.entry(key).or_insert((index, now));
        }
    }

    fn look(&mut self, now: Moment, on: Vec<(Place, u64)>, wait: Duration, delay: Duration) {
        let op = self.op();
        let haste = if wait.is_zero() { Haste::Now } else { Haste::Waiting };
        self.busy = Busy::Looking(op, haste);
        let compares = self.membership == Membership::Member && self.comparison.is_due(now + wait);
        let records = if compares { Records::Read } else { Records::Left };
        self.actions.push(Action::Look { op, on, wait, delay, records });
    }

    fn write(&mut self, operations: Vec<Operation>, write_for: WriteFor) {
        let op = self.op();
        self.busy = Busy::Writing(op, write_for);
        self.actions.push(Action::Write(op, operations));
    }

    fn writer<'a>(&'a self, now: Moment, session: &'a str) -> Writer<'a> {
        Writer { places: &self.places, member: &self.member, session, at: self.unix_ms(now) }
    }

    fn asking<'a>(&'a self, now: Moment, session: &'a str, given_up: &'a BTreeSet<String>) -> Asking<'a> {
        let unix_ms = self.unix_ms(now);
        Asking { rules: &self.rules, member: &self.member, session, given_up, unix_ms }
    }
}
