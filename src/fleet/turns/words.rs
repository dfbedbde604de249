//! The events that the turns receive, and the actions that they order.

use std::time::Duration;

use super::super::change::Change;
use super::super::decision::{Ask, Place};
use super::super::record::Shown;
use super::super::view::Look;
use super::super::writes::{Op, Written};
use crate::consul::session::Session;
use crate::consul::transaction::Operation;
use crate::machine::event::TurnRefusal;
use crate::machine::numbers::TurnId;
use crate::machine::order::TurnVerdict;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The machine asks for a turn; a newer one replaces an older one.
    Ask(Ask),
    /// It gives one back, or withdraws the request.
    Return(TurnId, TurnVerdict),
    /// It takes a change back: everybody stops on it.
    Halt(Change, Option<String>, String),
    /// It was not the change after all.
    EndHalt(Change),
    /// What the instance looks like from outside has changed.
    Shown(Shown),
    /// A look has come back.
    Seen(Op, Box<Look>),
    /// A look has failed, and why.
    Blind(Op, String),
    /// A write has come back.
    Written(Op, Written),
    /// A session has been created.
    Opened(Session),
    /// None could be created, and why.
    NotOpened(String),
    /// The session was renewed.
    Renewed,
    /// It was not, and why: it may live on.
    NotRenewed(String),
    /// It has ended.
    SessionGone,
    /// lictor ends.
    Leave,
    /// Time has passed; nothing else.
    Tick,
}

/// Whether a look reads the records of all instances: that is much for a large fleet, and seldom needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// It does.
    Read,
    /// Only our own.
    Left,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look at everything, once one of these places has changed or the wait is over. It ends a look that is under way.
    Look {
        /// Which one.
        op: Op,
        /// Where a change ends the wait.
        on: Vec<(Place, u64)>,
        /// How long to wait for one; zero: not at all.
        wait: Duration,
        /// After the wait, how long to hold back, so that not all come at once.
        delay: Duration,
        /// Whether the records of all instances are read as well.
        records: Records,
    },
    /// Commit these. It ends a look that is under way.
    Write(Op, Vec<Operation>),
    /// Write our record; beside everything else.
    Record(Op, Vec<Operation>),
    /// Create a session.
    Open,
    /// Renew it.
    Renew(String),
    /// End it.
    Close(String),
    /// Tell the machine that it has its turn.
    Grant(TurnId),
    /// That it has lost it.
    Lose(TurnId),
    /// That it waits, and why.
    Refuse(TurnId, TurnRefusal),
    /// Say this in the log.
    Say(String),
    /// Show these: all that a person should look at in the fleet, now.
    Show(Vec<String>),
}
