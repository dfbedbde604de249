//! Short names for contents: equal contents have equal fingerprints as long as the key is the same.
//!
//! A plain digest of a value would confirm guesses: a PIN or a password from a word list is found in a moment by
//! anybody who may see the digest. So the digest never leaves this file; what is shown is its HMAC under a key that
//! only this host has (see `state`), or, later, only the hosts of one fleet.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::Variable;
use crate::secret::Secret;

/// The key that fingerprints are made with. Anybody who knows it can confirm guesses of values, so it is kept as secret
/// as they are.
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// Its length in bytes.
    pub const LENGTH: usize = 32;

    /// From bytes that nobody can guess.
    pub fn new(bytes: &[u8; Self::LENGTH]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Identifies this key among others. It reveals nothing about the key, and may be shown.
    pub fn id(&self) -> Fingerprint {
        self.mark(b"lictor fingerprint key")
    }

    /// The fingerprint for what lictor 0.1.0 called `unkeyed`: its fingerprints were plain digests.
    #[must_use]
    pub fn of_unkeyed(&self, unkeyed: Fingerprint) -> Fingerprint {
        self.mark(&unkeyed.0)
    }

    fn mark(&self, message: &[u8]) -> Fingerprint {
        Fingerprint::first_of(hmac::sign(&self.0, message).as_ref())
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintKey({})", self.id())
    }
}

/// 48 bits, written as twelve hexadecimal digits. Of a value or an environment they are the first of an HMAC-SHA-256.
///
/// They distinguish contents and are short enough to be typed; they are not meant to withstand somebody who crafts
/// collisions, who could write the KV store as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 6]);

impl Fingerprint {
    /// Of a whole environment: every name and value, each with its length so that no two splits look alike.
    pub fn of_variables(key: &FingerprintKey, variables: &BTreeMap<String, Variable>) -> Self {
        let mut context = Context::new(&SHA256);
        for (name, variable) in variables {
            feed(&mut context, name.as_bytes());
            feed(&mut context, variable.value.expose());
        }
        key.of_unkeyed(Self::digest(context))
    }

    /// Of one variable. The name is part of it, so that equal values under two names do not show.
    pub fn of_variable(key: &FingerprintKey, name: &str, value: &Secret) -> Self {
        let mut context = Context::new(&SHA256);
        feed(&mut context, name.as_bytes());
        feed(&mut context, value.expose());
        key.of_unkeyed(Self::digest(context))
    }

    /// The plain digest of bytes that are not secret, such as the content of a small executable.
    pub fn of_public(bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        feed(&mut context, bytes);
        Self::digest(context)
    }

    fn digest(context: Context) -> Self {
        Self::first_of(context.finish().as_ref())
    }

    fn first_of(bytes: &[u8]) -> Self {
        let mut first = [0; 6];
        first.copy_from_slice(&bytes[..6]);
        Self(first)
    }
}

fn feed(context: &mut Context, bytes: &[u8]) {
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not twelve hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint is twelve hexadecimal digits, such as 3f9a0c12be77")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAFingerprint);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| NotAFingerprint)?;
        let mut first = [0; 6];
        first.copy_from_slice(&number.to_be_bytes()[2..]);
        Ok(Self(first))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Variable, Visibility};
    use super::{Fingerprint, FingerprintKey};
    use crate::secret::Secret;

    const KEY: [u8; 32] = [7; 32];

    fn of(name: &str, value: &str) -> Fingerprint {
        Fingerprint::of_variable(&FingerprintKey::new(&KEY), name, &Secret::from(value))
    }

    #[test]
    fn text_round_trip() {
        let one = of("A", "x");
        assert_eq!(one.to_string().parse::<Fingerprint>().unwrap(), one);
        assert!("3f9a0c12be7".parse::<Fingerprint>().is_err());
        assert!("+f9a0c12be77".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn the_split_between_name_and_value_counts() {
        assert_ne!(of("AB", "C"), of("A", "BC"));
    }

    /// What lictor 0.1.0 said of `PIN=1234`, as a variable and, since there was no other, as an environment.
    const UNKEYED: &str = "51fa1b27a88d";

    #[test]
    fn a_fingerprint_confirms_no_guess_without_the_key() {
        let variable = Variable::new("1234".into(), "x".into(), Visibility::Secret);
        let variables = [("PIN".to_owned(), variable)].into();
        let under = |key: &FingerprintKey| Fingerprint::of_variables(key, &variables);
        let (one, other) = (FingerprintKey::new(&KEY), FingerprintKey::new(&[8; 32]));
        assert_ne!(under(&one).to_string(), UNKEYED);
        assert_ne!(under(&one), under(&other));
        assert_eq!(under(&one), under(&one.clone()));
        assert_ne!(one.id(), other.id());
        assert_eq!(format!("{one:?}"), format!("FingerprintKey({})", one.id()));
    }

    #[test]
    fn what_an_older_lictor_kept_is_found_again() {
        let key = FingerprintKey::new(&KEY);
        assert_eq!(key.of_unkeyed(UNKEYED.parse().unwrap()), of("PIN", "1234"));
    }
}
