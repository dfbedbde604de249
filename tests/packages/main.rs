//! The Debian package, the RPM and the tarball: installed, upgraded and removed on a machine with a real systemd.
//!
//! They are packed from what the tests are built from; `make deb`, `make rpm` and `make dist` pack the release. It needs
//! root, and what `tests/setup deb rpm` and `tests/rig/boot` name; without that each test fails and says so.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/service.rs"]
mod program;
#[path = "../systemd/rig.rs"]
#[allow(dead_code, reason = "tests/systemd uses the rest of it")]
mod rig;
#[path = "../it/harness/wait.rs"]
mod wait;

mod deb;
mod packed;
mod quickstart;
mod rpm;
mod tarball;
