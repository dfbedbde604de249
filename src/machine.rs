//! Decides everything, does nothing: the road of a wish and the life of the process.

pub mod board;
pub mod build;
pub mod event;
pub mod history;
pub mod ledger;
pub mod moment;
pub mod numbers;
pub mod order;
pub mod policy;

pub use board::Board;
pub use build::{Build, Version};
pub use event::Event;
pub use moment::Moment;
pub use numbers::{GenerationId, RunId};
pub use order::Order;
pub use policy::Policy;
