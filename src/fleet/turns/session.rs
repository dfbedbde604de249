//! The session that everything of ours hangs on: renewed by thirds of its TTL, and not relied upon after two thirds.

use std::time::Duration;

use super::super::rules::{CUTOFF, RENEW, TTL};
use super::super::writes::{Back, CanaryEnd};
use super::{Action, Membership, SETTLE, Stage, Turns};
use crate::consul::session::Session;
use crate::machine::Moment;

/// The session, as far as there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// There is none; none is created before this.
    None { not_before: Moment },
    /// One has been asked for, then.
    Opening { sent: Moment },
    /// It lives, as far as we know.
    Open {
        id: String,
        /// When the last renewal that went well was sent.
        renewed: Moment,
        /// When the next one is due; `None`: one is under way.
        due: Option<Moment>,
        /// When that was sent.
        sent: Moment,
    },
}

/// Whether anything hangs on the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hangs {
    /// A right that is lost with it.
    Something,
    /// Nothing that needs to be lost in time.
    Nothing,
}

/// After a failed attempt.
const RETRY: Duration = Duration::from_secs(1);

impl Life {
    pub(super) fn session(&self) -> Option<&str> {
        if let Self::Open { id, .. } = self { Some(id) } else { None }
    }

    /// The session, if Consul cannot have ended it yet.
    pub(super) fn sure(&self, now: Moment) -> Option<&str> {
        self.session().filter(|_| now < self.cutoff())
    }

    fn cutoff(&self) -> Moment {
        if let Self::Open { renewed, .. } = self { *renewed + CUTOFF } else { Moment(0) }
    }

    /// When the session is not relied upon any more, if anything hangs on it.
    pub(super) fn cutoff_of(&self, hangs: Hangs) -> Option<Moment> {
        (hangs == Hangs::Something && self.session().is_some()).then(|| self.cutoff())
    }

    pub(super) fn next_wake(&self) -> Option<Moment> {
        match self {
            Self::None { not_before } => Some(*not_before),
            Self::Opening { .. } => None,
            Self::Open { due, .. } => *due,
        }
    }
}

impl Turns {
    /// Renews the session, or creates one.
    pub(super) fn keep_session(&mut self, now: Moment) {
        match &mut self.life {
            Life::None { not_before } if !self.leaving && now >= *not_before => {
                self.life = Life::Opening { sent: now };
                self.actions.push(Action::Open);
            }
            Life::Open { id, due: due @ Some(_), sent, .. } if due.is_some_and(|due| now >= due) => {
                (*due, *sent) = (None, now);
                self.actions.push(Action::Renew(id.clone()));
            }
            _ => {}
        }
    }

    pub(super) fn opened(&mut self, now: Moment, session: Session) {
        let Life::Opening { sent } = self.life else {
            self.actions.push(Action::Close(session.id));
            return;
        };
        self.member.node = session.node;
        self.membership = Membership::Unknown;
        self.life = Life::Open { id: session.id, renewed: sent, due: Some(sent + RENEW), sent };
        (self.not_before, self.failures) = (now, 0);
        self.hurry();
    }

    pub(super) fn not_opened(&mut self, now: Moment, why: &str) {
        if let Life::Opening { .. } = self.life {
            self.failed(now, why);
            self.life = Life::None { not_before: self.not_before.max(now + RETRY) };
        }
    }

    pub(super) fn renewed(&mut self, now: Moment) {
        if let Life::Open { renewed, due: due @ None, sent, .. } = &mut self.life {
            *renewed = *sent;
            *due = Some((*sent + RENEW).max(now));
        }
    }

    pub(super) fn not_renewed(&mut self, now: Moment, why: &str) {
        if let Life::Open { due: due @ None, .. } = &mut self.life {
            *due = Some(now + RETRY);
            if self.life.sure(now).is_none() {
                self.failed(now, why);
            }
        }
    }

    pub(super) fn session_gone(&mut self, now: Moment) {
        self.lose(now);
        self.life = Life::None { not_before: now };
        self.membership = Membership::Unknown;
        self.hurry();
    }

    /// Two thirds of the TTL without a renewal: Consul may end the session before we hear of it.
    pub(super) fn lose_what_is_too_old(&mut self, now: Moment) {
        if self.life.session().is_some() && self.life.sure(now).is_none() {
            self.lose(now);
        }
    }

    /// The right is gone, or may be. The mark stays: the instance may be out.
    pub(super) fn lose(&mut self, now: Moment) {
        let Some(held) = &mut self.held else { return };
        held.stage = match held.stage {
            Stage::Granted => {
                self.actions.push(Action::Lose(held.turn));
                self.unsure_until = now + SETTLE;
                Stage::Returning(CanaryEnd::Nothing, Back::Unknown)
            }
            // No session was announced yet.
            Stage::Acquiring | Stage::Baking(_) => Stage::Returning(CanaryEnd::Nothing, Back::Yes),
            returning @ Stage::Returning(..) => returning,
        };
    }

    /// Ends the session.
    pub(super) fn close(&mut self) {
        if let Some(id) = self.life.session() {
            self.actions.push(Action::Close(id.to_owned()));
        }
        self.life = Life::None { not_before: Moment(u64::MAX) };
    }

    /// The session's TTL.
    pub const fn ttl() -> Duration {
        TTL
    }
}
