//! The hosts that run one service take turns: one change reaches one host at a time, and stops at the first host that
//! takes it back. Consul is all that stands between them: sessions, keys, and the catalog.
//!
//! [`Turns`] decides and does nothing: the task beside it asks Consul and writes what it says. What the fleet's folder
//! holds stands in [`layout`].

mod access;
mod change;
mod chronicle;
mod chronicler;
mod decision;
mod details;
mod handle;
#[cfg(test)]
mod laws;
pub mod layout;
mod mark;
pub mod operator;
mod promotions;
mod reading;
mod reason;
mod record;
mod rules;
mod task;
mod turns;
mod unreadable;
mod view;
mod writes;

pub use change::{Change, Pairs};
pub use chronicle::{Happening, HistoryRecord, InstanceEvent, What, WrittenBy};
pub use decision::{Ask, Place};
pub use details::{CandidateShown, CheckShown, Details, ExitShown};
pub use handle::Fleet;
pub use mark::{Key, Mark, Marks};
pub use promotions::{Promotion, Promotions};
pub use reading::{Folder, FolderShown, Reading, ReadingShown};
pub use record::{DeploymentShown, InstanceRecord, Shown};
pub use rules::{Limit, Rules};
pub use task::{Parts, spawn};
pub use turns::{Action, Event, Records, Turns};
pub use unreadable::{Unreadable, parse};
pub use view::Look;
pub use writes::{Op, Written};
