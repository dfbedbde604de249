//! lictor as a unit of a real systemd: `systemd/lictor@.service` as it is, booted for each test in namespaces of its own.
//!
//! It needs root, and the tools that `tests/rig/boot` names; without them each test fails and says so.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../it/harness/client.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod client;
#[path = "../support/service.rs"]
mod program;
#[path = "../it/harness/wait.rs"]
mod wait;

mod rig;

mod doctor;
mod envfile;
mod kills;
mod life;
mod listen;
mod reexec;
mod start;
mod stop;
mod unit;
