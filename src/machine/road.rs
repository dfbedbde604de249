//! The road of a wish, up to the switch: one file a step, each a small pure decision (what `guarded` waits for is in
//! `hold`).
//!
//! ```text
//! seen → settled → guarded → checked → turn → switched → on trial → good
//!           │          │         │        │                  │
//!        (waits)    (held)  (rejected) (waits · halted)  (reverted · superseded · inconclusive)
//! ```
//!
//! [`Road`] owns the newest wish and its place on the road; `travel` takes the steps.

pub(super) mod checked;
mod in_place;
pub(super) mod journey;
pub(super) mod settled;
pub(super) mod switched;
mod travel;
pub(super) mod turn;

use std::sync::Arc;

use super::build::Build;
use super::event::TurnRefusal;
use super::moment::Moment;
use super::numbers::{CheckId, TurnId};
use super::order::{Order, TurnVerdict};
use crate::environment::{Environment, Fingerprint};
use checked::{Judge, Refusal};
use journey::{Journey, Step};
use settled::Edits;
use turn::Turn;

/// What the sources compose to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// Nothing yet.
    Unheard,
    /// This.
    Environment(Arc<Environment>),
    /// They do not compose: no process could be started with the result. Why not.
    Unfit(Vec<String>),
}

/// The decision of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// On to the next step.
    Pass,
    /// Not yet; decide again at this moment, or when something happens.
    Wait(Option<Moment>),
    /// The step has to ask a question first.
    Ask,
    /// Back to *turn*, because a restart is needed after all.
    Back,
    /// This wish goes no further; why.
    Reject(String),
}

/// The newest wish, and how far it has come on the road.
#[derive(Clone, Debug)]
pub(super) struct Road {
    wish: Wish,
    /// Which rules of `key {}` the newest wish breaks.
    violations: Vec<String>,
    edits: Option<Edits>,
    journey: Option<Journey>,
    refusal: Option<Refusal>,
    turn: Turn,
    /// When it was asked for.
    turn_asked: Moment,
    /// The wish that an operator lets pass without a turn.
    waived: Option<Fingerprint>,
    /// The outcome of the restart that has the turn.
    verdict: TurnVerdict,
    /// The wish whose halt is in the history already.
    recorded_halt: Option<Fingerprint>,
}

impl Road {
    pub(super) fn new() -> Self {
        Self {
            wish: Wish::Unheard,
            violations: Vec::new(),
            edits: None,
            journey: None,
            refusal: None,
            turn: Turn::None,
            turn_asked: Moment(0),
            waived: None,
            verdict: TurnVerdict::Withdrawn,
            recorded_halt: None,
        }
    }

    pub(super) fn wish(&self) -> &Wish {
        &self.wish
    }

    /// The newest wish, if it composes.
    pub(super) fn wanted(&self) -> Option<&Arc<Environment>> {
        match &self.wish {
            Wish::Environment(wish) => Some(wish),
            Wish::Unheard | Wish::Unfit(_) => None,
        }
    }

    pub(super) fn is_unheard(&self) -> bool {
        self.wish == Wish::Unheard
    }

    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    pub(super) fn edits(&self) -> Option<Edits> {
        self.edits
    }

    pub(super) fn journey(&self) -> Option<&Journey> {
        self.journey.as_ref()
    }

    /// The step at which the wish stands, if one is on the road.
    pub(super) fn step(&self) -> Option<Step> {
        self.journey.as_ref().map(|journey| journey.step)
    }

    /// The newest refusal; it may be about an earlier wish.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    pub(super) fn turn(&self) -> &Turn {
        &self.turn
    }

    // What is wished for.

    /// The sources compose to this environment; returns what is new about it.
    pub(super) fn hear(&mut self, environment: Arc<Environment>, violations: Vec<String>, now: Moment) -> News {
        let rules_changed = std::mem::replace(&mut self.violations, violations) != self.violations;
        if matches!(&self.wish, Wish::Environment(wish) if *wish == environment) {
            self.wish = Wish::Environment(environment);
            if !rules_changed {
                return News::Nothing;
            }
            // The rules have changed, so the wish is judged again.
            self.refusal = None;
            return News::Rules;
        }
        self.note_edit(now);
        self.refusal = None;
        self.wish = Wish::Environment(environment);
        News::Wish
    }

    /// The sources do not compose; returns whether that is new.
    pub(super) fn hear_unfit(&mut self, reasons: Vec<String>, now: Moment) -> bool {
        if matches!(&self.wish, Wish::Unfit(known) if *known == reasons) {
            return false;
        }
        self.note_edit(now);
        self.wish = Wish::Unfit(reasons);
        true
    }

    /// The wish runs already: there is nothing to settle.
    pub(super) fn forget_edits(&mut self) {
        self.edits = None;
    }

    /// The sources now give these same variables from other keys.
    pub(super) fn renew(&mut self, environment: &Arc<Environment>) {
        if let Some(journey) = self.journey.as_mut().filter(|journey| journey.environment == *environment) {
            journey.environment = Arc::clone(environment);
        }
    }

    /// The environments on the road, for a change of what may be shown.
    pub(super) fn environments(&mut self) -> impl Iterator<Item = &mut Arc<Environment>> {
        let wish = match &mut self.wish {
            Wish::Environment(environment) => Some(environment),
            _ => None,
        };
        wish.into_iter().chain(self.journey.as_mut().map(|journey| &mut journey.environment))
    }

    fn note_edit(&mut self, now: Moment) {
        // Edits belong together while the first of them has not settled.
        let settling = self.step() == Some(Step::Settled);
        let first = self.edits.filter(|_| settling).map_or(now, |edits| edits.first);
        self.edits = Some(Edits { first, last: now });
    }

    // How far it comes.

    pub(super) fn set_out(&mut self, environment: Arc<Environment>, now: Moment) {
        self.journey = Some(Journey::new(environment, now));
    }

    /// Moves the wish to this step, forwards or back. A question that is open at its present step is withdrawn.
    pub(super) fn go(&mut self, step: Step, now: Moment) -> Option<Order> {
        let order = self.cancel_check();
        if let Some(journey) = &mut self.journey {
            journey.go(step, now);
        }
        order
    }

    /// The check command has been asked, under this number.
    pub(super) fn ask_check(&mut self, check: CheckId) {
        if let Some(journey) = &mut self.journey {
            journey.step = Step::Checked(Some(check));
        }
    }

    /// The check command has ended. Returns whether its answer was awaited.
    pub(super) fn check_ended(&mut self, check: CheckId) -> bool {
        match &mut self.journey {
            Some(journey) if journey.step == Step::Checked(Some(check)) => {
                journey.step = Step::Checked(None);
                true
            }
            _ => false,
        }
    }

    /// The wish leaves the road, because it was overtaken or rejected, or because lictor stops.
    pub(super) fn leave(&mut self) -> (Option<Journey>, Option<Order>) {
        let order = self.cancel_check();
        self.waived = None;
        (self.journey.take(), order)
    }

    /// The wish has come to the end of the road. Returns it, and when it was first seen.
    pub(super) fn arrive(&mut self) -> Option<(Journey, Moment)> {
        let journey = self.journey.take()?;
        self.waived = None;
        let seen = self.edits.take().map_or(journey.since, |edits| edits.first);
        Some((journey, seen))
    }

    fn cancel_check(&mut self) -> Option<Order> {
        match &mut self.journey {
            Some(journey) => match journey.step {
                Step::Checked(Some(check)) => {
                    journey.step = Step::Checked(None);
                    Some(Order::CancelCheck { check })
                }
                _ => None,
            },
            None => None,
        }
    }

    // Refusals.

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    /// The newest wish is no longer refused.
    pub(super) fn forgive(&mut self) {
        self.refusal = None;
    }

    /// A refusal by the check command no longer counts, nor does its silence. A refusal by the rules of `key {}` still
    /// does.
    pub(super) fn forgive_command(&mut self) {
        self.refusal = self.refusal.take().filter(|refusal| refusal.by == Judge::Schema);
    }

    /// This environment has proved itself, so a refusal by the check command no longer counts for it.
    pub(super) fn forgive_proved(&mut self, environment: &Environment) {
        let stands = |refusal: &Refusal| refusal.by == Judge::Schema || !refusal.is_about(environment);
        self.refusal = self.refusal.take().filter(stands);
    }

    // The turn: the right to restart.

    /// The fleet is asked for its turn.
    pub(super) fn ask_turn(
        &mut self,
        turn: TurnId,
        running: Option<Arc<Environment>>,
        build: Build,
        now: Moment,
    ) -> Option<Order> {
        let wish = Arc::clone(&self.journey.as_ref()?.environment);
        self.turn_asked = now;
        (self.turn, self.verdict) = (Turn::Asked(turn, None), TurnVerdict::Withdrawn);
        Some(Order::AskTurn { turn, wish, running, build })
    }

    /// This wish needs no turn; if one was asked for, the request is withdrawn.
    pub(super) fn waive_turn(&mut self, wish: Fingerprint) -> Option<Order> {
        self.waived = Some(wish);
        if self.turn.is_held() { None } else { self.return_turn() }
    }

    /// Whether the wish on the road needs no turn.
    pub(super) fn turn_is_waived(&self) -> bool {
        let wish = self.journey.as_ref().map(|journey| journey.environment.fingerprint());
        wish.is_some() && self.waived == wish
    }

    /// The turn is granted. Returns when it was asked for; `None`: it is no longer wanted.
    pub(super) fn turn_granted(&mut self, turn: TurnId) -> Option<Moment> {
        let wanted = matches!(&self.turn, Turn::Asked(asked, _) if *asked == turn);
        wanted.then(|| {
            self.turn = Turn::Held(turn);
            self.turn_asked
        })
    }

    pub(super) fn turn_refused(&mut self, turn: TurnId, why: TurnRefusal) {
        if let Turn::Asked(asked, reason) = &mut self.turn
            && *asked == turn
        {
            *reason = Some(why);
        }
    }

    /// The turn is lost; returns whether we had it. Before the switch the wish goes back and waits for another turn;
    /// after the switch that changes nothing.
    pub(super) fn turn_lost(&mut self, turn: TurnId, now: Moment) -> bool {
        if self.turn.id() != Some(turn) {
            return false;
        }
        let held = self.turn.is_held();
        self.turn = Turn::None;
        if self.step() == Some(Step::Switched) {
            self.go(Step::Turn, now);
        }
        held
    }

    /// The outcome of the restart that has the turn.
    pub(super) fn set_verdict(&mut self, verdict: TurnVerdict) {
        self.verdict = verdict;
    }

    /// The turn is given back, or the request for it withdrawn.
    pub(super) fn return_turn(&mut self) -> Option<Order> {
        let turn = self.turn.id()?;
        self.turn = Turn::None;
        Some(Order::ReturnTurn { turn, verdict: self.verdict })
    }

    /// Why the fleet has halted the wish on the road, if it has and history does not have that line yet. The caller
    /// writes it.
    pub(super) fn take_new_halt(&mut self) -> Option<String> {
        let TurnRefusal::Halted { by, why } = self.turn.refusal()? else { return None };
        let halted = Some(self.journey.as_ref()?.environment.fingerprint());
        if self.recorded_halt == halted {
            return None;
        }
        self.recorded_halt = halted;
        Some(format!("taken back by {by}: {why}"))
    }
}

/// What is new about a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The wish differs.
    Wish,
    /// The wish is the same, but the rules of `key {}` now find other faults.
    Rules,
    /// Nothing.
    Nothing,
}
