//! What people type: one file a subcommand.

pub mod buildinfo;
pub mod client;
pub mod locate;
pub mod paint;
pub mod status;
pub mod validate;

#[cfg(test)]
mod served;
