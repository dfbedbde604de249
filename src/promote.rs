//! A set of configuration that is good at one Consul, written at another.
//!
//! What is to be written is planned first, out of one look at each side; it is written by check-and-set on every index of
//! that look, so that an edit of somebody else in between means that nothing is written. The instances at the source say
//! whether the set is good ([`proof`]), those at the target what they would do ([`effect`]) and what became of it
//! ([`follow`]).

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
