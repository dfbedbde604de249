//! The road of a wish, up to the switch: one file a step, each a small pure decision (what `guarded` waits for is in
//! `hold`).
//!
//! ```text
//! seen → settled → guarded → checked → turn → switched → on trial → good
//!           │          │         │        │                  │
//!        (waits)    (held)  (rejected) (waits · halted)  (reverted · superseded · inconclusive)
//! ```
//!
//! [`Road`] owns what is wished for and how far it has come; `travel` takes the steps.

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

/// What the sources want, all of them heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// Nothing yet.
    Unheard,
    /// This.
    Environment(Arc<Environment>),
    /// Something that no process could be started with.
    Unfit(Vec<String>),
}

/// What a step says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// On to the next step.
    Pass,
    /// Not yet; look again then, or when something happens.
    Wait(Option<Moment>),
    /// The step has a question that must be asked first.
    Ask,
    /// It needs the turn after all.
    Back,
    /// This wish goes no further, and why.
    Reject(String),
}

/// What is wished for, and how far it has come.
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
    /// The wish that an operator lets go without a turn.
    waived: Option<Fingerprint>,
    /// What came of the restart that has the turn.
    verdict: TurnVerdict,
    /// The wish whose halt is a line of history already.
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

    /// The sources compose to this; says what is new about it.
    pub(super) fn hear(&mut self, environment: Arc<Environment>, violations: Vec<String>, now: Moment) -> News {
        let rules_changed = std::mem::replace(&mut self.violations, violations) != self.violations;
        if matches!(&self.wish, Wish::Environment(wish) if *wish == environment) {
            self.wish = Wish::Environment(environment);
            if !rules_changed {
                return News::Nothing;
            }
            // Other rules: what was judged by the old ones is judged again.
            self.refusal = None;
            return News::Rules;
        }
        self.note_edit(now);
        self.refusal = None;
        self.wish = Wish::Environment(environment);
        News::Wish
    }

    /// The sources do not compose; says whether that is new.
    pub(super) fn hear_unfit(&mut self, reasons: Vec<String>, now: Moment) -> bool {
        if matches!(&self.wish, Wish::Unfit(known) if *known == reasons) {
            return false;
        }
        self.note_edit(now);
        self.wish = Wish::Unfit(reasons);
        true
    }

    /// What is wished for runs already: there is nothing to settle.
    pub(super) fn forget_edits(&mut self) {
        self.edits = None;
    }

    /// The environment is the one that is known, with other keys behind it.
    pub(super) fn renew(&mut self, environment: &Arc<Environment>) {
        if let Some(journey) = self.journey.as_mut().filter(|journey| journey.environment == *environment) {
            journey.environment = Arc::clone(environment);
        }
    }

    /// The environments on it, to be shown by other rules.
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

    /// On to this step, or back to it. A question that is open at the step that it leaves is taken back.
    pub(super) fn go(&mut self, step: Step, now: Moment) -> Option<Order> {
        let order = self.cancel_check();
        if let Some(journey) = &mut self.journey {
            journey.go(step, now);
        }
        order
    }

    /// The check command is asked under this number.
    pub(super) fn ask_check(&mut self, check: CheckId) {
        if let Some(journey) = &mut self.journey {
            journey.step = Step::Checked(Some(check));
        }
    }

    /// The check command has ended: its answer is not waited for any more. Says whether it was.
    pub(super) fn check_ended(&mut self, check: CheckId) -> bool {
        match &mut self.journey {
            Some(journey) if journey.step == Step::Checked(Some(check)) => {
                journey.step = Step::Checked(None);
                true
            }
            _ => false,
        }
    }

    /// The wish leaves the road: overtaken, rejected, or since lictor ends.
    pub(super) fn leave(&mut self) -> (Option<Journey>, Option<Order>) {
        let order = self.cancel_check();
        self.waived = None;
        (self.journey.take(), order)
    }

    /// The wish has come to the end of the road; gives it, and when it was first seen.
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

    // What stands against it.

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    /// Nothing stands against the newest wish any more.
    pub(super) fn forgive(&mut self) {
        self.refusal = None;
    }

    /// What the check command said, or did not say, counts no longer; what the rules say does.
    pub(super) fn forgive_command(&mut self) {
        self.refusal = self.refusal.take().filter(|refusal| refusal.by == Judge::Schema);
    }

    /// This environment has proved itself: the check command was wrong about it, or has changed its mind.
    pub(super) fn forgive_proved(&mut self, environment: &Environment) {
        let stands = |refusal: &Refusal| refusal.by == Judge::Schema || !refusal.is_about(environment);
        self.refusal = self.refusal.take().filter(stands);
    }

    // The right to restart.

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

    /// This wish needs no turn; a request for one is withdrawn.
    pub(super) fn waive_turn(&mut self, wish: Fingerprint) -> Option<Order> {
        self.waived = Some(wish);
        if self.turn.is_held() { None } else { self.return_turn() }
    }

    /// Whether the wish on the road needs no turn.
    pub(super) fn turn_is_waived(&self) -> bool {
        let wish = self.journey.as_ref().map(|journey| journey.environment.fingerprint());
        wish.is_some() && self.waived == wish
    }

    /// The turn is granted; gives when it was asked for, unless it is not wanted any more.
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

    /// The turn is lost; says whether we had it. Before the switch the wish goes back to wait for another one; later that
    /// changes nothing.
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

    /// What came of the restart that has the turn.
    pub(super) fn set_verdict(&mut self, verdict: TurnVerdict) {
        self.verdict = verdict;
    }

    /// The turn is given back, or the request for it withdrawn.
    pub(super) fn return_turn(&mut self) -> Option<Order> {
        let turn = self.turn.id()?;
        self.turn = Turn::None;
        Some(Order::ReturnTurn { turn, verdict: self.verdict })
    }

    /// Why the fleet has halted the wish on the road, if it has and history does not have that line yet. The caller writes it.
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
    /// The wish is the same, and the rules of `key {}` now find other faults.
    Rules,
    /// Nothing.
    Nothing,
}
