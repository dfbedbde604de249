//! The service room against a real Go service. The tests take turns: lictor's sweep takes every child of the process
//! that is not on record, so two of them at a time would sweep each other's.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod errands;
mod harness;
mod once;
mod start;
mod stop;
mod takeover;
mod users;

#[path = "../support/frozen.rs"]
mod frozen;
#[path = "../support/service.rs"]
mod service;
