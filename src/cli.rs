//! What people type: one file a subcommand.

pub mod args;
pub mod buildinfo;
pub mod check;
pub mod client;
pub mod locate;
pub mod paint;
pub mod status;
pub mod validate;

#[cfg(test)]
mod served;
