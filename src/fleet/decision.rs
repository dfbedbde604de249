//! Decides whether a turn may begin, from one look at the fleet and the request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Change;
use super::layout::{FleetHold, Member, Rollout, RolloutState, short_line};
use super::mark::Marks;
use super::reason::{Blocker, Blocking, Queue, Reason};
use super::rules::{ENOUGH, Rules};
use super::view::{Known, Lock, View};
use crate::consul::health::Standing;
use crate::machine::numbers::TurnId;

/// A request for a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its ID.
    pub turn: TurnId,
    /// The wanted environment.
    pub wish: Arc<Marks>,
    /// The running environment.
    pub running: Arc<Marks>,
    /// The build on the disk.
    pub build: String,
}

impl Ask {
    pub(super) fn change(&self) -> Change {
        Change::between(&self.running, &self.wish, &self.build)
    }
}

/// Where a change can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The semaphore's own key.
    Lock,
    /// The folder of the out-marks.
    Out,
    /// The folder of the changes' records.
    Rollout,
    /// The catalog.
    Catalog,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The turn may begin, in this way.
    Free(Plan),
    /// It may not begin yet.
    Waits(Waits),
    /// The change is halted: no instance tries it any more.
    Halted { by: String, why: String, on: Vec<(Place, u64)> },
}

/// Why a turn may not begin yet, and where that may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) why: Reason,
    pub(super) on: Vec<(Place, u64)>,
}

/// What has to be written for a turn to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The limit that is written into the semaphore.
    pub(super) limit: usize,
    /// We are the first to try this change.
    pub(super) canary: Option<Canary>,
}

/// The first try of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Canary {
    pub(super) change: Change,
    pub(super) build: String,
    /// The index of an earlier record that is replaced.
    pub(super) over: Option<u64>,
}

/// The instance that asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    pub(super) rules: &'a Rules,
    pub(super) member: &'a Member,
    pub(super) session: &'a str,
    /// The instances that have been silent for too long to wait for them, by the keys of their marks.
    pub(super) given_up: &'a BTreeSet<String>,
    /// Now, in Unix milliseconds.
    pub(super) unix_ms: u64,
}

impl Asking<'_> {
    /// Whether this turn may begin.
    pub(super) fn decide(&self, view: &View, ask: &Ask) -> Decision {
        let lasts = |hold: &&FleetHold| hold.until.is_none_or(|until| self.unix_ms < until);
        if let Some(hold) = view.hold.as_ref().filter(lasts) {
            let by = if hold.by.is_empty() { "an operator".to_owned() } else { hold.by.clone() };
            let why = if hold.reason.is_empty() { String::new() } else { format!(": {}", hold.reason) };
            return waits(format!("{by} holds the whole fleet{why}"), Vec::new());
        }
        if let Some(halt) = halt(view, ask) {
            let Rollout { by, reason, .. } = &halt.rollout;
            let on = vec![(Place::Rollout, view.indexes.rollout)];
            return Decision::Halted { by: self.shown(by), why: short_line(reason), on };
        }
        let limit = match self.places(view) {
            Ok(limit) => limit,
            Err(wait) => return Decision::Waits(wait),
        };
        let canary = match self.canary(view, ask) {
            Ok(canary) => canary,
            Err(wait) => return Decision::Waits(wait),
        };
        Decision::Free(Plan { limit, canary })
    }

    /// The limit, if fewer turns than that are taken.
    fn places(&self, view: &View) -> Result<usize, Waits> {
        let lock = vec![(Place::Lock, lock_index(&view.lock)), (Place::Rollout, view.indexes.rollout)];
        let catalog = vec![(Place::Catalog, view.indexes.catalog)];
        let own = view.catalog.get(self.member).copied();
        if own.is_none() && self.rules.min_passing > 0 {
            let Rules { service, .. } = self.rules;
            let why = format!(
                "Consul's catalog does not list {} as an instance of {service}: check that it is registered and that lictor's token may read its service and node",
                self.member
            );
            return Err(wait(why, catalog));
        }
        let limit = self.rules.limit.of(view.catalog.len());
        let limit = match &view.lock {
            Lock::Foreign { .. } => {
                let key = format!("{}turn/.lock", self.rules.prefix);
                return Err(wait(
                    format!("{key} is not a semaphore of lictor or of `consul lock -n`: delete it"),
                    lock,
                ));
            }
            // The holders rely on the limit that is written there.
            Lock::Read { semaphore, .. } if view.holders().any(|holder| holder != self.session) => {
                limit.min(usize::try_from(semaphore.limit).unwrap_or(usize::MAX))
            }
            Lock::Read { .. } | Lock::None => limit,
        };
        let others = view.catalog.iter().filter(|(member, _)| *member != self.member);
        let passing = others.clone().filter(|(_, standing)| **standing == Standing::Passing).count();
        let count = others.clone().count();
        let patient = passing * 100 < count * ENOUGH;
        let waited_for = |key: &str| patient || !self.given_up.contains(key);

        let own_key = self.member.key();
        let marks = view.marks.iter().filter(|marked| marked.key != own_key);
        let alive =
            |marked: &super::view::Marked| marked.mark.as_ref().is_some_and(|mark| view.alive.contains(&mark.session));
        // Each with whether its session lives.
        let mut out: BTreeMap<String, (bool, Blocker)> = BTreeMap::new();
        for marked in marks.filter(|marked| alive(marked) || waited_for(&marked.key)) {
            let since = marked.mark.as_ref().map(|mark| mark.since);
            let who = marked.mark.as_ref().map_or_else(|| short_line(&marked.key), |mark| self.shown(&mark.member));
            out.insert(marked.key.clone(), (alive(marked), Blocker { who, what: Blocking::Turn { since } }));
        }
        let sessions: BTreeSet<&String> =
            view.marks.iter().filter_map(|marked| marked.mark.as_ref()).map(|mark| &mark.session).collect();
        for holder in view.holders().filter(|holder| *holder != self.session && !sessions.contains(holder)) {
            let who = format!("session {}", short_line(holder));
            out.insert(holder.clone(), (true, Blocker { who, what: Blocking::Turn { since: None } }));
        }
        // An instance that does not pass may always be restarted: otherwise two of them would wait for each other for ever.
        if own == Some(Standing::Passing) {
            let not_passing = others.filter(|(_, standing)| **standing != Standing::Passing);
            for (member, _) in not_passing.filter(|(member, _)| waited_for(&member.key())) {
                let who = self.shown(member);
                out.entry(member.key()).or_insert((false, Blocker { who, what: Blocking::NotPassing }));
            }
            let needed = usize::try_from(self.rules.min_passing).unwrap_or(usize::MAX).min(count);
            if out.len() < limit && passing < needed {
                let why = format!("{passing} others pass in Consul's catalog where min_passing asks for {needed}");
                return Err(wait(why, catalog));
            }
        }
        if out.len() < limit {
            return Ok(limit);
        }
        let mut on = if out.values().any(|(alive, _)| *alive) { lock } else { Vec::new() };
        if !out.values().all(|(alive, _)| *alive) {
            on.extend([(Place::Out, view.indexes.out), catalog[0]]);
        }
        Err(Waits { why: queue(out, limit), on })
    }

    /// Whether we would be the first to try this change, or which instance is the first, so that we wait for it.
    fn canary(&self, view: &View, ask: &Ask) -> Result<Option<Canary>, Waits> {
        let change = ask.change();
        let same_build = |known: &&Known| known.rollout.build.as_ref().is_none_or(|build| *build == ask.build);
        let own = view.rollout(change.id());
        let went_well = view.in_state(RolloutState::Go).filter(same_build);
        if change.is_covered_by(&went_well.clone().map(|known| &known.rollout.pairs))
            || went_well.clone().any(|known| known.id == change.id())
        {
            return Ok(None);
        }
        let others = view.in_state(RolloutState::Canary).filter(same_build).find(|known| {
            let Rollout { session, pairs, .. } = &known.rollout;
            let same = known.id == change.id()
                || (pairs.are_in(&ask.wish) == Some(true) && pairs.are_in(&ask.running) == Some(false));
            same && session != self.session && view.alive.contains(session)
        });
        if let Some(other) = others {
            let why = format!("{} tries this change first", self.shown(&other.rollout.by));
            return Err(wait(why, vec![(Place::Rollout, view.indexes.rollout)]));
        }
        Ok(Some(Canary { change, build: ask.build.clone(), over: own.map(|known| known.index) }))
    }

    /// The name for people: only its node if the IDs are the same everywhere.
    fn shown(&self, member: &Member) -> String {
        let Member { node, id } = member;
        if *id == self.member.id { short_line(node) } else { format!("{} on {}", short_line(id), short_line(node)) }
    }
}

/// A halted change that the wanted environment includes completely and the running one does not.
pub(super) fn halt<'v>(view: &'v View, ask: &Ask) -> Option<&'v Known> {
    let change = ask.change();
    view.in_state(RolloutState::Halt).find(|known| {
        let Rollout { pairs, build, .. } = &known.rollout;
        let built = build.as_ref().is_none_or(|build| *build == ask.build);
        built
            && match (pairs.are_in(&ask.wish), pairs.are_in(&ask.running)) {
                (Some(wanted), Some(runs)) => wanted && !runs && pairs.count() != Some(0),
                _ => known.id == change.id(),
            }
    })
}

/// The instances that block the turn; the one that has had its turn for longest comes first.
fn queue(out: BTreeMap<String, (bool, Blocker)>, limit: usize) -> Reason {
    let before = out.len() + 1 - limit;
    let mut blockers: Vec<Blocker> = out.into_values().map(|(_, blocker)| blocker).collect();
    blockers.sort_by_key(|Blocker { who, what }| match what {
        Blocking::Turn { since } => (0, since.unwrap_or(u64::MAX), who.clone()),
        Blocking::NotPassing => (1, 0, who.clone()),
    });
    Reason::Queue(Queue { before, blockers })
}

/// An instance that blocks the turn without a live session, with its last record: we wait for it only for a limited time.
pub(super) fn silent(view: &View, member: &Member) -> BTreeMap<String, u64> {
    let own = member.key();
    let dead = view.marks.iter().filter(|marked| {
        marked.key != own && marked.mark.as_ref().is_none_or(|mark| !view.alive.contains(&mark.session))
    });
    let dead = dead.map(|marked| (marked.key.clone(), marked.index));
    let sick = view.catalog.iter().filter(|(other, standing)| *other != member && **standing != Standing::Passing);
    let mut silent: BTreeMap<String, u64> = sick.map(|(member, _)| (member.key(), 0)).collect();
    silent.extend(dead);
    // An instance with a turn has a live session.
    let alive =
        view.marks.iter().filter(|marked| marked.mark.as_ref().is_some_and(|mark| view.alive.contains(&mark.session)));
    for marked in alive {
        silent.remove(&marked.key);
    }
    silent
}

fn wait(why: String, on: Vec<(Place, u64)>) -> Waits {
    Waits { why: Reason::Plain(why), on }
}

fn waits(why: String, on: Vec<(Place, u64)>) -> Decision {
    Decision::Waits(wait(why, on))
}

fn lock_index(lock: &Lock) -> u64 {
    match lock {
        Lock::None => 0,
        Lock::Read { index, .. } | Lock::Foreign { index } => *index,
    }
}

#[cfg(test)]
mod tests;
