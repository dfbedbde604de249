//! `process.json`: which process is the service, for a lictor that comes after this one.

use serde::{Deserialize, Serialize};

use crate::environment::Fingerprint;
use crate::machine::Build;

/// The service's process, and what it was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProcess {
    /// The boot in which it was started: process numbers and start times mean nothing in another one.
    pub boot: String,
    /// Its number; [`KeptProcess::BEGUN`] while it is being started.
    pub pid: u32,
    /// When it was started: field 22 of `/proc/PID/stat`, in clock ticks since boot. When its start was begun, if its number
    /// is not known.
    pub start_time: u64,
    /// Its environment.
    pub environment: Fingerprint,
    /// Its build.
    pub build: Build,
}

impl KeptProcess {
    /// No process has this number: a start has been begun, and lictor may be killed before it knows the number.
    pub const BEGUN: u32 = 0;
}

/// The id of this boot; empty where the kernel does not tell.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
