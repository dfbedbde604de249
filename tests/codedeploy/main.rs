//! `examples/codedeploy` deployed by an agent with the habits of CodeDeploy's own, inside a real systemd.
//!
//! `agent.rs` and the files below it are that agent; `habits.rs` holds it to what the real one was seen to do. It needs
//! root, and what `tests/rig/boot` names; without that each test fails and says so.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/service.rs"]
mod program;
#[path = "../systemd/rig.rs"]
#[allow(dead_code, reason = "tests/systemd uses the rest of it")]
mod rig;
#[path = "../it/harness/wait.rs"]
mod wait;

mod agent;
mod bundle;
mod host;

mod config;
mod deploys;
mod habits;
mod story;
mod troubles;
