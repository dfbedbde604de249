//! The transactions of a turn, from one look at the fleet: each succeeds only if nothing that matters has changed since.

use super::change::Change;
use super::decision::{Canary, Plan};
use super::layout::{Member, OutMark, Places, Rollout, RolloutState, SEMAPHORE, Semaphore, json};
use super::view::{Lock, View};
use crate::consul::transaction::Operation;

/// How many records of good changes are kept, and twice as many of changes that failed.
const KEPT: usize = 16;

/// One look or one write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Op(pub u64);

/// The result of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was carried out.
    Done,
    /// It was not carried out, because something had changed.
    Refused,
    /// It is not known whether it was carried out; the reason.
    Unknown(String),
}

/// The writer, and the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) places: &'a Places,
    pub(super) member: &'a Member,
    pub(super) session: &'a str,
    /// Unix milliseconds.
    pub(super) at: u64,
}

/// How the first try of a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CanaryEnd {
    /// It is good: the others may try it.
    Go,
    /// There was no verdict: another instance becomes the first.
    Nothing,
}

/// Whether the instance is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// It is back, or was never out.
    Yes,
    /// Not as far as we know.
    Unknown,
}

impl Writer<'_> {
    /// Takes a place in the semaphore and marks us as out.
    pub(super) fn acquire(&self, view: &View, plan: &Plan, turn: u64) -> Vec<Operation> {
        let session = self.session.to_owned();
        let mut holders: std::collections::BTreeMap<_, _> =
            view.holders().map(|holder| (holder.clone(), true)).collect();
        holders.insert(session.clone(), true);
        let semaphore = Semaphore { limit: plan.limit as u64, holders };
        let mark = OutMark { member: self.member.clone(), session: session.clone(), turn, since: self.at };
        let mut operations = vec![
            // If another lictor has taken our place in the fleet, it has our turns too.
            Operation::CheckSession { key: self.places.instance(self.member), session: session.clone() },
            Operation::CheckNotExists { key: self.places.hold() },
            Operation::Lock {
                key: self.places.holder(&session),
                value: self.member.key().into_bytes(),
                flags: SEMAPHORE,
                session: session.clone(),
            },
            Operation::Cas { key: self.places.lock(), value: json(&semaphore), flags: SEMAPHORE, index: index(view) },
        ];
        if let Some(canary) = &plan.canary {
            let key = self.places.rollout(canary.change.id());
            operations.push(match canary.over {
                Some(index) => Operation::CheckIndex { key: key.clone(), index },
                None => Operation::CheckNotExists { key: key.clone() },
            });
            operations.push(Operation::Set { key, value: json(&self.canary(canary)) });
        }
        operations.push(Operation::Set { key: self.places.out(self.member), value: json(&mark) });
        operations
    }

    /// Gives back everything that this look shows of our turn; empty: nothing is left of it.
    pub(super) fn release(&self, view: &View, canary: Option<(&Canary, CanaryEnd)>, back: Back) -> Vec<Operation> {
        let mut operations = Vec::new();
        if let Lock::Read { index, semaphore } = &view.lock
            && semaphore.holders.contains_key(self.session)
        {
            let mut semaphore = semaphore.clone();
            semaphore.holders.retain(|holder, held| *held && holder != self.session && view.alive.contains(holder));
            let value = json(&semaphore);
            operations.push(Operation::Cas { key: self.places.lock(), value, flags: SEMAPHORE, index: *index });
        }
        if view.alive.contains(self.session) {
            operations.push(Operation::Delete { key: self.places.holder(self.session) });
        }
        if let (Back::Yes, Some(marked)) = (back, view.mark_of(self.member)) {
            operations.push(self.unmark(marked.index));
        }
        if let Some((canary, end)) = canary
            && let Some(known) = view.rollout(canary.change.id())
            && known.rollout.state == RolloutState::Canary
            && known.rollout.session == self.session
        {
            let key = self.places.rollout(canary.change.id());
            match end {
                CanaryEnd::Go => {
                    let went_well = Rollout { state: RolloutState::Go, ..self.canary(canary) };
                    operations.push(Operation::CheckIndex { key: key.clone(), index: known.index });
                    operations.push(Operation::Set { key, value: json(&went_well) });
                    operations.extend(self.prune(view));
                }
                CanaryEnd::Nothing => operations.push(Operation::DeleteCas { key, index: known.index }),
            }
        }
        operations
    }

    /// We are back: deletes the mark that was seen, but not a newer one.
    pub(super) fn unmark(&self, index: u64) -> Operation {
        Operation::DeleteCas { key: self.places.out(self.member), index }
    }

    /// Halts this change for all instances. It needs no session, because a failure must be published even if our session has ended.
    pub(super) fn halt(&self, change: &Change, build: Option<String>, reason: &str) -> Operation {
        let halt = Rollout {
            state: RolloutState::Halt,
            by: self.member.clone(),
            session: String::new(),
            reason: super::layout::short_line(reason),
            at: self.at,
            build,
            pairs: change.pairs(),
        };
        Operation::Set { key: self.places.rollout(change.id()), value: json(&halt) }
    }

    /// Marks us as out, whether we have a turn or not.
    pub(super) fn mark(&self, turn: u64) -> Operation {
        let mark = OutMark { member: self.member.clone(), session: self.session.to_owned(), turn, since: self.at };
        Operation::Set { key: self.places.out(self.member), value: json(&mark) }
    }

    fn canary(&self, canary: &Canary) -> Rollout {
        Rollout {
            state: RolloutState::Canary,
            by: self.member.clone(),
            session: self.session.to_owned(),
            reason: String::new(),
            at: self.at,
            build: Some(canary.build.clone()),
            pairs: canary.change.pairs(),
        }
    }

    /// The records that are not needed any more: the oldest, and first tries of instances that are gone.
    fn prune(&self, view: &View) -> Vec<Operation> {
        let mut spent = Vec::new();
        for (state, kept) in [(RolloutState::Go, KEPT), (RolloutState::Halt, 2 * KEPT)] {
            let mut known: Vec<_> = view.in_state(state).collect();
            known.sort_by_key(|known| std::cmp::Reverse(known.rollout.at));
            spent.extend(known.into_iter().skip(kept));
        }
        spent.extend(
            view.in_state(RolloutState::Canary)
                .filter(|known| known.rollout.session != self.session && !view.alive.contains(&known.rollout.session)),
        );
        let gone = |known: &super::view::Known| Operation::DeleteCas {
            key: self.places.rollout(&known.id),
            index: known.index,
        };
        spent.into_iter().take(20).map(gone).collect()
    }
}

fn index(view: &View) -> u64 {
    if let Lock::Read { index, .. } = view.lock { index } else { 0 }
}
