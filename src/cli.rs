//! What speaks with people: one file a subcommand.

pub mod args;
pub mod check;
