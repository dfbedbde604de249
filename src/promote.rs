//! Copies a set of configuration that is good at one Consul to another.
//!
//! The plan is made from one look at each side. It is written by check-and-set with every index of that look, so that nothing is
//! written if somebody edits a key in between. The records of the source's instances show whether the set is good ([`proof`]), those
//! of the target's instances what they would do ([`effect`]) and the result ([`follow`]).

pub mod backup;
pub mod effect;
pub mod follow;
pub mod plan;
pub mod proof;
pub mod side;
mod steps;

pub use plan::{Change, Plan, Rules, Sealing};
pub use side::{Side, Written};
pub use steps::TooMany;
