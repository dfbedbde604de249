//! The Debian package, installed, upgraded and purged on a machine with a real systemd.
//!
//! It is packed from what the tests are built from; `make deb` packs the release. It needs root, and what `tests/setup deb`
//! and `tests/rig/boot` name; without that each test fails and says so.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/service.rs"]
mod program;
#[path = "../systemd/rig.rs"]
#[allow(dead_code, reason = "tests/systemd uses the rest of it")]
mod rig;
#[path = "../it/harness/wait.rs"]
mod wait;

mod package;
mod quickstart;
