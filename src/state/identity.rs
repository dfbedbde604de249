//! What a stored environment belongs to.

use std::fs::File;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::environment::{Fingerprint, FingerprintKey};

/// A stored environment is used only where it was made: for the same service with the same sources on the same machine. This
/// protects against copies of the directory, or of the whole machine's image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateIdentity {
    machine: String,
    service: String,
    consul: String,
    sources: Vec<String>,
    /// The ID of the key that its fingerprints are made with. Lictor 0.1.0 had none: its fingerprints are plain digests.
    #[serde(rename = "fingerprint_key", default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
}

/// The key that the fingerprints in a file were made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MadeWith {
    /// The key in use: they can be compared as they are.
    This,
    /// No key: they can be converted.
    Nothing,
    /// A key that is lost: they are useless.
    Another,
}

impl StateIdentity {
    /// The identity for the machine's ID (see [`machine_id`]), the service's name, Consul's address as configured (without a user
    /// and password in it) and the names of the sources in their order.
    pub fn new<S: Into<String>>(
        machine: impl Into<String>,
        service: impl Into<String>,
        consul: &str,
        sources: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            machine: machine.into(),
            service: service.into(),
            consul: without_user(consul),
            sources: sources.into_iter().map(Into::into).collect(),
            key: None,
        }
    }

    /// The same, for files whose fingerprints are made with this key.
    #[must_use]
    pub(super) fn with_key(self, key: &FingerprintKey) -> Self {
        Self { key: Some(key.id()), ..self }
    }

    /// The key that the fingerprints in a file with this identity were made with.
    pub(super) fn made_with(&self, key: &FingerprintKey) -> MadeWith {
        match self.key {
            None => MadeWith::Nothing,
            Some(id) if id == key.id() => MadeWith::This,
            Some(_) => MadeWith::Another,
        }
    }

    /// If `kept` belongs to another machine or service, the reason, as the end of a sentence.
    pub(super) fn elsewhere(&self, kept: &Self) -> Option<&'static str> {
        if self.machine != kept.machine {
            Some("it was kept on another machine")
        } else if self.service != kept.service {
            Some("it was kept for another service")
        } else {
            None
        }
    }

    /// How `kept` differs from this one, as the end of a sentence.
    pub(super) fn difference(&self, kept: &Self) -> Option<&'static str> {
        if let Some(elsewhere) = self.elsewhere(kept) {
            Some(elsewhere)
        } else if self.consul != kept.consul {
            Some("it was kept with another Consul address")
        } else if self.sources != kept.sources {
            Some("it was kept with another list of sources")
        } else {
            None
        }
    }
}

/// `http://user:password@host/` without the user and password.
fn without_user(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    if scheme.is_empty() { rest[host..].to_owned() } else { format!("{scheme}://{}", &rest[host..]) }
}

/// The machine's ID from systemd; empty on a machine without one.
pub fn machine_id() -> String {
    let mut id = String::new();
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
        if let Ok(file) = File::open(path)
            && file.take(64).read_to_string(&mut id).is_ok()
            && !id.trim().is_empty()
        {
            return id.trim().to_owned();
        }
        id.clear();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::{StateIdentity, without_user};

    #[test]
    fn every_part_counts() {
        let here = StateIdentity::new("m1", "billing", "127.0.0.1:8500", ["consul a/", "consul b/"]);
        let others = [
            (StateIdentity::new("m2", "billing", "127.0.0.1:8500", ["consul a/", "consul b/"]), "machine"),
            (StateIdentity::new("m1", "other", "127.0.0.1:8500", ["consul a/", "consul b/"]), "service"),
            (StateIdentity::new("m1", "billing", "10.0.0.1:8500", ["consul a/", "consul b/"]), "Consul"),
            (StateIdentity::new("m1", "billing", "127.0.0.1:8500", ["consul b/", "consul a/"]), "sources"),
        ];
        for (other, word) in others {
            assert!(here.difference(&other).is_some_and(|text| text.contains(word)), "{word}");
        }
        assert_eq!(here.difference(&here.clone()), None);
    }

    #[test]
    fn a_password_is_no_part_of_the_address() {
        assert_eq!(without_user("https://u:p@h:8501/p@th"), "https://h:8501/p@th");
        assert_eq!(without_user("u:p@h:8500"), "h:8500");
        assert_eq!(without_user("127.0.0.1:8500"), "127.0.0.1:8500");
        assert_eq!(without_user("unix:///run/consul@1.sock"), "unix:///run/consul@1.sock");
    }
}
