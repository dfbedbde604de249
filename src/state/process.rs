//! `process.json`: which process is the service, for a lictor that comes after this one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::environment::{Fingerprint, FingerprintKey};
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

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(flatten)]
    process: Cow<'a, KeptProcess>,
    /// The id of the key that its fingerprint is made with; lictor 0.1.0 had none.
    #[serde(rename = "fingerprint_key", default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
}

impl KeptProcess {
    pub(super) fn stored(&self, key: &FingerprintKey) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Stored { process: Cow::Borrowed(self), key: Some(key.id()) })
    }

    /// `None`: it is damaged. With a key that is lost its environment is one that nobody knows.
    pub(super) fn restored(bytes: &[u8], key: &FingerprintKey) -> Option<Self> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
        let mut process = stored.process.into_owned();
        if stored.key.is_none() {
            process.environment = key.of_unkeyed(process.environment);
        }
        Some(process)
    }

    /// No process has this number: a start has been begun, and lictor may be killed before it knows the number.
    pub const BEGUN: u32 = 0;
}

/// The id of this boot; empty where the kernel does not tell.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::KeptProcess;
    use crate::machine::Build;
    use crate::state::tests::key;

    #[test]
    fn what_an_older_lictor_kept_is_the_same_environment() {
        let environment = key().of_unkeyed("6fe2f63dbeb6".parse().unwrap());
        let process =
            KeptProcess { boot: "b".into(), pid: 7, start_time: 8, environment, build: Build("go:1".to_owned()) };
        assert_eq!(KeptProcess::restored(&process.stored(&key()).unwrap(), &key()), Some(process.clone()));
        let older = r#"{"boot":"b","pid":7,"start_time":8,"environment":"6fe2f63dbeb6","build":"go:1"}   "#;
        assert_eq!(KeptProcess::restored(older.as_bytes(), &key()), Some(process));
    }
}
