//! The turns as a pure state machine: what to ask of Consul, what to write there, what to tell the machine, and when. It
//! has no I/O and no clock of its own; the task around it carries out its actions and tells it what came of them.
//!
//! One look or one write is under way at a time. Whatever is written is built out of the look before it and holds only if
//! nothing has changed since; after a write without an answer it looks again. So every path, a lost session and a lost
//! answer included, leads through "look, and see what is ours".

mod act;
mod compare;
mod queue;
mod session;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use self::compare::Comparison;
use self::session::{Hangs, Life};
pub use self::words::{Action, Event, Records};
use super::change::Change;
use super::decision::Ask;
use super::layout::{Member, Places};
use super::reason::Reason;
use super::record::{Record, Shown};
use super::rules::Rules;
use super::view::View;
use super::writes::Op;
use super::writes::{Back, CanaryEnd};
use crate::machine::Moment;
use crate::machine::event::TurnRefusal;
use crate::machine::numbers::TurnId;
use crate::machine::order::TurnVerdict;

/// A right that we have, or may have.
#[derive(Clone, Debug)]
struct Held {
    turn: TurnId,
    ask: Ask,
    session: String,
    canary: Option<super::decision::Canary>,
    stage: Stage,
}

impl Held {
    fn hangs(&self) -> Hangs {
        if matches!(self.stage, Stage::Returning(..)) { Hangs::Nothing } else { Hangs::Something }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The write that takes it is under way, or its answer was lost.
    Acquiring,
    /// The machine has it.
    Granted,
    /// The change is good here; the others wait until then.
    Baking(Moment),
    /// It is being given back.
    Returning(CanaryEnd, Back),
}

/// What must be written, whatever happens.
#[derive(Clone, Debug)]
enum Debt {
    Halt(Change, Option<String>, String),
    EndHalt(Change),
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    Nothing,
    Looking(Op, Haste),
    Writing(Op, WriteFor),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    Now,
    Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteFor {
    Acquire,
    Release,
    Debt,
    Unmark,
    Join,
}

/// Whether we are in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    /// Nothing is known yet.
    Unknown,
    /// Our record is locked by our session.
    Member,
    /// Somebody else has the record under our name.
    Outsider,
}

/// The turns of one instance.
#[derive(Debug)]
pub struct Turns {
    rules: Rules,
    places: Places,
    /// Says which lictor this is, to tell our own earlier life from somebody else's.
    owner: String,
    epoch_unix_ms: u64,
    random: fastrand::Rng,
    member: Member,
    life: Life,
    membership: Membership,
    shown: Shown,
    record: Record,
    /// Our own mark stands until the instance has been back for sure since then.
    unsure_until: Moment,
    ask: Option<Ask>,
    /// Why it is not granted, as far as nobody has taken the change back.
    waits: Option<Reason>,
    told: Option<TurnRefusal>,
    held: Option<Held>,
    debts: VecDeque<Debt>,
    busy: Busy,
    ops: u64,
    /// No look before this, after errors.
    not_before: Moment,
    failures: u32,
    /// Since when each silent one stands in the way.
    silent: BTreeMap<String, (u64, Moment)>,
    said: BTreeSet<String>,
    /// When that was last put into words.
    told_at: Option<Moment>,
    /// How the others' settings differ from ours, and when that is looked at again.
    comparison: Comparison,
    /// What was said of somebody else under our name.
    outside: Option<String>,
    /// Our own mark was seen, or written, and not taken away since.
    marked: bool,
    /// Our record was ours at some time in this life.
    was_member: bool,
    leaving: bool,
    actions: Vec<Action>,
}

/// How long what the board showed before a turn was lost, or a change taken back, may still be on its way.
const SETTLE: Duration = Duration::from_secs(5);
/// At most this many remarks are shown; the log has all of them.
const SHOWN: usize = 8;
/// At most this many debts are kept; older changes do not matter any more.
const DEBTS: usize = 16;

impl Turns {
    /// The turns of one instance. `owner` tells this lictor from others, over its restarts; the seed is for the jitter.
    pub fn new(rules: Rules, owner: String, seed: u64, now: Moment, epoch_unix_ms: u64) -> Self {
        let member = Member { node: String::new(), id: rules.id.clone() };
        Self {
            places: Places::below(&rules.prefix),
            rules,
            owner,
            epoch_unix_ms,
            random: fastrand::Rng::with_seed(seed),
            member,
            life: Life::None { not_before: now },
            membership: Membership::Unknown,
            shown: Shown::default(),
            record: Record::default(),
            unsure_until: now + SETTLE,
            ask: None,
            waits: None,
            told: None,
            held: None,
            debts: VecDeque::new(),
            busy: Busy::Nothing,
            ops: 0,
            not_before: now,
            failures: 0,
            silent: BTreeMap::new(),
            said: BTreeSet::new(),
            told_at: None,
            comparison: Comparison::due(now),
            outside: None,
            marked: false,
            was_member: false,
            leaving: false,
            actions: Vec::new(),
        }
    }

    /// Whether nothing is left to be done after [`Event::Leave`].
    pub fn is_finished(&self) -> bool {
        self.is_done() && self.life.session().is_none()
    }

    /// The same, but for the session.
    fn is_done(&self) -> bool {
        self.leaving && self.held.is_none() && self.debts.is_empty() && !self.marked
    }

    /// Which instance this is, as far as it is known.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// Our place in the fleet and the session that holds it, while it is ours for sure.
    pub(super) fn seat(&self) -> Option<(Member, String)> {
        let session = self.life.session().filter(|_| self.membership == Membership::Member)?;
        Some((self.member.clone(), session.to_owned()))
    }

    /// Takes up what happened and says what is to be done.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        self.lose_what_is_too_old(now);
        match event {
            Event::Ask(ask) => self.asked(now, ask),
            Event::Return(turn, verdict) => self.returned(now, turn, verdict),
            Event::Halt(change, build, reason) => self.halted(now, change, build, reason),
            Event::EndHalt(change) => self.owe(Debt::EndHalt(change)),
            Event::Shown(shown) => self.shown(now, shown),
            Event::Seen(op, look) => {
                if matches!(self.busy, Busy::Looking(current, _) if current == op) {
                    self.busy = Busy::Nothing;
                    self.failures = 0;
                    self.act(now, &View::of(&look));
                }
            }
            Event::Blind(op, why) => {
                if matches!(self.busy, Busy::Looking(current, _) if current == op) {
                    self.busy = Busy::Nothing;
                    self.failed(now, &why);
                }
            }
            Event::Written(op, written) => {
                if let Busy::Writing(current, write_for) = self.busy
                    && current == op
                {
                    self.busy = Busy::Nothing;
                    self.written(now, write_for, &written);
                } else {
                    self.record.written(now, op, &written);
                }
            }
            Event::Opened(session) => self.opened(now, session),
            Event::NotOpened(why) => self.not_opened(now, &why),
            Event::Renewed => self.renewed(now),
            Event::NotRenewed(why) => self.not_renewed(now, &why),
            Event::SessionGone => self.session_gone(now),
            Event::Leave => self.leave(now),
            Event::Tick => {}
        }
        self.keep_session(now);
        self.go_on(now);
        self.tell_how_long(now);
        std::mem::take(&mut self.actions)
    }

    /// When to come again with [`Event::Tick`], if nothing happens before.
    pub fn next_wake(&self) -> Option<Moment> {
        let pending = self.busy == Busy::Nothing || !self.debts.is_empty();
        let pending =
            pending && !self.is_done() && !matches!(self.busy, Busy::Writing(..)) && !self.member.node.is_empty();
        let record = self.record.due().filter(|_| self.membership == Membership::Member && !self.leaving);
        let life = self.life.next_wake().filter(|at| *at != Moment(u64::MAX));
        let too_old = self.life.cutoff_of(self.held.as_ref().map_or(Hangs::Nothing, Held::hangs));
        let words =
            self.ask.as_ref().and(self.told_at).and_then(|at| Some(at + self.waits.as_ref()?.holds(self.unix_ms(at))?));
        [life, too_old, pending.then_some(self.not_before), record, words].into_iter().flatten().min()
    }

    fn asked(&mut self, now: Moment, ask: Ask) {
        // Whoever asks has not begun to stop anything: what it was granted before is over.
        self.unsure_until = now;
        if let Some(held) = &mut self.held {
            match held.stage {
                Stage::Returning(..) => {}
                Stage::Baking(until) if now >= until => held.stage = Stage::Returning(CanaryEnd::Go, Back::Yes),
                Stage::Acquiring | Stage::Granted | Stage::Baking(_) => {
                    held.stage = Stage::Returning(CanaryEnd::Nothing, Back::Yes);
                }
            }
        }
        self.ask = Some(ask);
        self.comparison.hurry(now);
        (self.waits, self.told) = (None, None);
        self.hurry();
    }

    fn returned(&mut self, now: Moment, turn: TurnId, verdict: TurnVerdict) {
        if self.ask.as_ref().is_some_and(|ask| ask.turn == turn) {
            self.forget_ask();
        }
        let Some(held) = self.held.as_mut().filter(|held| held.turn == turn) else { return };
        held.stage = match (verdict, held.stage, &held.canary) {
            (TurnVerdict::Good, Stage::Granted, Some(_)) if self.rules.bake > Duration::ZERO => {
                Stage::Baking(now + self.rules.bake)
            }
            (TurnVerdict::Good, Stage::Granted, _) => Stage::Returning(CanaryEnd::Go, Back::Yes),
            (TurnVerdict::Failed, _, _) | (_, Stage::Acquiring, _) => Stage::Returning(CanaryEnd::Nothing, Back::Yes),
            // Whether it is back is seen by what it looks like, not by this.
            _ => {
                self.unsure_until = now + SETTLE;
                Stage::Returning(CanaryEnd::Nothing, Back::Unknown)
            }
        };
        self.hurry();
    }

    /// Written before anything else, with or without a session. The instance is on its way out to be brought back.
    fn halted(&mut self, now: Moment, change: Change, build: Option<String>, reason: String) {
        self.unsure_until = now + SETTLE;
        if let Some(held) = &mut self.held
            && let Stage::Baking(_) = held.stage
        {
            held.stage = Stage::Returning(CanaryEnd::Nothing, Back::Unknown);
        }
        if !change.is_empty() {
            self.owe(Debt::Halt(change, build, reason));
        }
    }

    fn owe(&mut self, debt: Debt) {
        if self.debts.len() < DEBTS {
            self.debts.push_back(debt);
        }
        self.hurry();
    }

    fn shown(&mut self, now: Moment, shown: Shown) {
        if shown == self.shown {
            return;
        }
        if shown.is_back() != self.shown.is_back() {
            self.hurry();
        }
        self.record.changed(now);
        self.shown = shown;
    }

    fn leave(&mut self, now: Moment) {
        self.leaving = true;
        self.forget_ask();
        if let Some(held) = &mut self.held {
            held.stage = match held.stage {
                Stage::Returning(end, _) => Stage::Returning(end, Back::Yes),
                _ => Stage::Returning(CanaryEnd::Nothing, Back::Yes),
            };
        }
        self.unsure_until = now;
        self.hurry();
    }

    /// Nothing waits any longer: a look that only waits for a change is replaced by one that looks now.
    fn hurry(&mut self) {
        if let Busy::Looking(_, Haste::Waiting) = self.busy {
            self.busy = Busy::Nothing;
        }
    }

    fn failed(&mut self, now: Moment, why: &str) {
        const FIRST: u64 = 250;
        const LONGEST: u64 = 8_000;
        let bound = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + Duration::from_millis(FIRST / 5 + self.random.u64(0..=bound));
        self.wait(now, Reason::Plain(format!("Consul cannot be asked: {why}")));
    }

    fn forget_ask(&mut self) {
        (self.ask, self.waits, self.told) = (None, None, None);
    }

    /// Tells the machine that it waits, and why.
    fn wait(&mut self, now: Moment, why: Reason) {
        self.waits = Some(why);
        self.tell_how_long(now);
    }

    /// What it waits for, with the time that it has taken by now.
    fn tell_how_long(&mut self, now: Moment) {
        let Some(waits) = self.waits.as_ref().filter(|_| self.ask.is_some()) else { return };
        let text = waits.text(self.unix_ms(now));
        self.told_at = Some(now);
        self.refuse(TurnRefusal::Waits(text));
    }

    /// Tells the machine why it waits, once for each reason.
    fn refuse(&mut self, refusal: TurnRefusal) {
        let Some(ask) = &self.ask else { return };
        if self.told.as_ref() != Some(&refusal) {
            self.actions.push(Action::Refuse(ask.turn, refusal.clone()));
            self.told = Some(refusal);
        }
    }

    /// Says it in the log, once for as long as it is so, and shows all that is so now.
    fn say(&mut self, remarks: BTreeSet<String>) {
        if remarks == self.said {
            return;
        }
        for new in remarks.difference(&self.said) {
            self.actions.push(Action::Say(new.clone()));
        }
        self.said = remarks;
        self.actions.push(Action::Show(self.said.iter().take(SHOWN).cloned().collect()));
    }

    fn op(&mut self) -> Op {
        self.ops += 1;
        Op(self.ops)
    }

    fn unix_ms(&self, now: Moment) -> u64 {
        self.epoch_unix_ms.saturating_add(now.0)
    }
}
