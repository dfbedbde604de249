//! One host of the simulated fleet: the turns as they are, and a stand-in for the machine and its service.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::machine::{Away, Road};
use crate::fleet::change::Change;
use crate::fleet::decision::{Ask, Place};
use crate::fleet::layout::Member;
use crate::fleet::mark::{Mark, Marks};
use crate::fleet::record::Shown;
use crate::fleet::turns::{Event, Turns};
use crate::fleet::writes::Op;
use crate::machine::Moment;
use crate::machine::event::TurnRefusal;
use crate::machine::numbers::TurnId;
use crate::machine::order::TurnVerdict;
use crate::machine::policy::Handover;

/// A config, and how a service fares on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Config {
    pub(super) number: u32,
    pub(super) nature: Nature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nature {
    Good,
    /// It ends at its start.
    Exits,
    /// It is ready and then fails its trial.
    Sickens,
    /// It fails some time after its trial.
    Relapses,
}

/// The stand-in's place on the road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    Asked(TurnId),
    /// Out of traffic, about to stop.
    Leaving(TurnId),
    /// No process serves; the next one runs on `to`.
    Starting {
        turn: Option<TurnId>,
        to: Config,
    },
    Trial(Option<TurnId>),
}

/// A look that waits for a change.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) op: Op,
    pub(super) on: Vec<(Place, u64)>,
    pub(super) until: Moment,
    pub(super) delay: Duration,
}

/// What decides on a simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mind {
    /// A few lines that do what the machine should.
    StandIn,
    /// The machine itself.
    Machine,
    /// The machine itself, with `handover = "overlap"`.
    Overlapping,
}

impl Mind {
    /// How one process takes the place of another, where the machine decides.
    fn handover(self) -> Option<Handover> {
        match self {
            Self::StandIn => None,
            Self::Machine => Some(Handover::Restart),
            Self::Overlapping => Some(Handover::Overlap { share: 100 }),
        }
    }
}

#[derive(Debug)]
pub(super) struct Host {
    /// The real machine, where that decides; the rest is what it looks like from outside then.
    road: Option<Box<Road>>,
    pub(super) member: Member,
    /// `None`: lictor is dead.
    pub(super) turns: Option<Turns>,
    /// Which of its lives.
    pub(super) life: u64,
    pub(super) stage: Stage,
    pub(super) runs: Config,
    pub(super) good: Config,
    pub(super) wish: Config,
    pub(super) quarantine: BTreeSet<Config>,
    pub(super) turn: TurnId,
    /// In traffic.
    pub(super) ready: bool,
    /// Out of traffic for config.
    pub(super) out: bool,
    /// It goes back without a turn: what ran had gone bad by itself.
    pub(super) relapsed: bool,
    /// When the stage moves on.
    pub(super) timer: Option<Moment>,
    pub(super) cut_off: Option<Moment>,
    pub(super) paused: Option<Moment>,
    pub(super) dead_since: Option<Moment>,
    pub(super) waiting: Option<Waiting>,
    pub(super) refusal: Option<TurnRefusal>,
    /// Where what it is tried on is written down.
    pub(super) tried: Vec<Config>,
}

const TRIAL: Duration = Duration::from_secs(3);
/// Within the bake.
const RELAPSE: Duration = Duration::from_secs(3);

impl Host {
    pub(super) fn new(number: usize, config: Config, mind: Mind) -> Self {
        let node = format!("host-{number}");
        Self {
            road: mind.handover().map(|handover| Box::new(Road::new(&node, handover))),
            member: Member { node, id: "billing".into() },
            turns: None,
            life: 0,
            stage: Stage::Serving,
            runs: config,
            good: config,
            wish: config,
            quarantine: BTreeSet::new(),
            turn: TurnId(0),
            ready: mind == Mind::StandIn,
            out: false,
            relapsed: false,
            timer: None,
            cut_off: None,
            paused: None,
            dead_since: None,
            waiting: None,
            refusal: None,
            tried: Vec::new(),
        }
    }

    fn marks(&self, config: Config) -> Marks {
        let pairs = [("CONFIG", config.number.to_string()), ("HOST", self.member.node.clone())];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), Mark::test(&value))).collect()
    }

    fn change(&self, from: Config, to: Config) -> Change {
        Change::between(&self.marks(from), &self.marks(to), "go:1")
    }

    pub(super) fn shown(&self) -> Shown {
        let on_trial = match &self.road {
            Some(road) => road.on_trial(),
            None => matches!(self.stage, Stage::Trial(_)),
        };
        Shown { ready: self.ready, on_trial, ..Shown::default() }
    }

    /// What the real machine does shows from outside.
    fn by_machine(&mut self, does: impl FnOnce(&mut Road) -> Vec<Event>) -> Option<Vec<Event>> {
        let road = self.road.as_mut()?;
        let events = does(road);
        (self.ready, self.timer) = (road.ready, road.timer());
        (self.out, self.relapsed) = (road.away != Away::No, road.away == Away::Otherwise);
        self.tried.append(&mut road.tried);
        if let Some(runs) = road.runs() {
            self.runs = runs;
        }
        self.stage = if road.is_settled() { Stage::Serving } else { Stage::Trial(None) };
        Some(events)
    }

    /// The road from a standstill: what is to be told to the turns.
    pub(super) fn travel(&mut self) -> Vec<Event> {
        if self.road.is_some() {
            return Vec::new();
        }
        let wanted = self.wish != self.runs && !self.quarantine.contains(&self.wish);
        match self.stage {
            Stage::Serving if wanted => vec![self.ask()],
            Stage::Asked(turn) if !wanted => {
                self.stage = Stage::Serving;
                self.refusal = None;
                vec![Event::Return(turn, TurnVerdict::Withdrawn)]
            }
            _ => Vec::new(),
        }
    }

    /// Another wish, at any time.
    pub(super) fn wish(&mut self, now: Moment, wish: Config) -> Vec<Event> {
        if self.wish == wish {
            return Vec::new();
        }
        self.wish = wish;
        if let Some(events) = self.by_machine(|road| road.wish(now, wish)) {
            return events;
        }
        let mut events = Vec::new();
        if let Stage::Asked(turn) = self.stage {
            self.stage = Stage::Serving;
            events.push(Event::Return(turn, TurnVerdict::Withdrawn));
        }
        events.extend(self.travel());
        events
    }

    fn ask(&mut self) -> Event {
        self.turn = self.turn.next();
        self.stage = Stage::Asked(self.turn);
        self.refusal = None;
        Event::Ask(Ask {
            turn: self.turn,
            wish: Arc::new(self.marks(self.wish)),
            running: Arc::new(self.marks(self.runs)),
            build: "go:1".into(),
        })
    }

    pub(super) fn granted(&mut self, now: Moment, turn: TurnId, whim: u64) -> Vec<Event> {
        if let Some(events) = self.by_machine(|road| road.granted(now, turn)) {
            return events;
        }
        if self.stage != Stage::Asked(turn) {
            return Vec::new();
        }
        self.stage = Stage::Leaving(turn);
        (self.ready, self.out, self.relapsed) = (false, true, false);
        self.timer = Some(now + Duration::from_millis(200 + whim % 2_000));
        Vec::new()
    }

    pub(super) fn refused(&mut self, now: Moment, turn: TurnId, refusal: &TurnRefusal) -> Vec<Event> {
        self.refusal = Some(refusal.clone());
        self.by_machine(|road| road.refused(now, turn, refusal.clone())).unwrap_or_default()
    }

    pub(super) fn lost(&mut self, now: Moment, turn: TurnId) -> Vec<Event> {
        if let Some(events) = self.by_machine(|road| road.lost(now, turn)) {
            return events;
        }
        match &mut self.stage {
            Stage::Leaving(held) if *held == turn => {
                (self.ready, self.out, self.timer) = (true, false, None);
                self.stage = Stage::Serving;
                self.travel()
            }
            Stage::Starting { turn: held, .. } | Stage::Trial(held) if *held == Some(turn) => {
                *held = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn start(&mut self, now: Moment, turn: Option<TurnId>, to: Config, whim: u64) {
        (self.ready, self.out) = (false, true);
        self.stage = Stage::Starting { turn, to };
        self.timer = Some(now + Duration::from_millis(500 + whim % 1_500));
    }

    /// Back to what was good; everybody is told first.
    fn take_back(&mut self, now: Moment, turn: Option<TurnId>, bad: Config, whim: u64) -> Vec<Event> {
        self.quarantine.insert(bad);
        let halt = Event::Halt(self.change(self.good, bad), Some("go:1".into()), "it is sick".into());
        self.start(now, turn, self.good, whim);
        vec![halt]
    }

    /// The stage's time is over.
    pub(super) fn on_timer(&mut self, now: Moment, whim: u64) -> Vec<Event> {
        if let Some(events) = self.by_machine(|road| road.on_timer(now)) {
            return events;
        }
        self.timer = None;
        match self.stage {
            Stage::Leaving(turn) => {
                self.tried.push(self.wish);
                self.start(now, Some(turn), self.wish, whim);
                Vec::new()
            }
            Stage::Starting { turn, to } if to.nature == Nature::Exits => self.take_back(now, turn, to, whim),
            Stage::Starting { turn, to } => {
                self.runs = to;
                (self.ready, self.out, self.relapsed) = (true, false, false);
                if to == self.good {
                    self.stage = Stage::Serving;
                    let back = turn.map(|turn| Event::Return(turn, TurnVerdict::Failed));
                    return back.into_iter().chain(self.travel()).collect();
                }
                self.stage = Stage::Trial(turn);
                self.timer = Some(now + TRIAL);
                Vec::new()
            }
            Stage::Trial(turn) if self.runs.nature == Nature::Sickens => self.take_back(now, turn, self.runs, whim),
            Stage::Trial(turn) => {
                self.stage = Stage::Serving;
                if self.runs.nature == Nature::Relapses {
                    self.timer = Some(now + RELAPSE);
                } else {
                    self.good = self.runs;
                }
                let back = turn.map(|turn| Event::Return(turn, TurnVerdict::Good));
                back.into_iter().chain(self.travel()).collect()
            }
            Stage::Serving | Stage::Asked(_) if self.runs.nature == Nature::Relapses => {
                let mut events = Vec::new();
                if let Stage::Asked(turn) = self.stage {
                    events.push(Event::Return(turn, TurnVerdict::Withdrawn));
                }
                self.relapsed = true;
                events.extend(self.take_back(now, None, self.runs, whim));
                events
            }
            Stage::Serving | Stage::Asked(_) => Vec::new(),
        }
    }

    /// lictor is killed: whatever was on its way stays as it is.
    pub(super) fn kill(&mut self, now: Moment) {
        (self.turns, self.timer, self.waiting, self.refusal) = (None, None, None, None);
        self.dead_since = Some(now);
        self.by_machine(|road| {
            road.kill();
            Vec::new()
        });
    }

    /// lictor is back, and finds its service as it is.
    pub(super) fn revive(&mut self, now: Moment, turns: Turns, whim: u64) -> Vec<Event> {
        (self.turns, self.dead_since) = (Some(turns), None);
        self.life += 1;
        let wish = self.wish;
        if let Some(events) = self.by_machine(|road| road.revive(now, whim, wish)) {
            return events;
        }
        if self.ready && self.runs == self.good {
            self.stage = Stage::Serving;
        } else if self.ready {
            self.stage = Stage::Trial(None);
            self.timer = Some(now + TRIAL);
        } else {
            self.start(now, None, self.good, whim);
        }
        Vec::new()
    }
}
