//! Short names for contents: equal contents have equal fingerprints, on every host.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::Variable;
use crate::secret::Secret;

/// The first 48 bits of a SHA-256, written as twelve hexadecimal digits.
///
/// It tells contents apart and is short enough to be typed; it is not meant to stand against somebody who crafts
/// collisions, who could write the KV store as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 6]);

impl Fingerprint {
    /// Of a whole environment: every name and value, each with its length so that no two splits look alike.
    pub fn of_variables(variables: &BTreeMap<String, Variable>) -> Self {
        let mut context = Context::new(&SHA256);
        for (name, variable) in variables {
            feed(&mut context, name.as_bytes());
            feed(&mut context, variable.value.expose());
        }
        Self::first_of(context)
    }

    /// Of one variable. The name is part of it, so that equal values under two names do not show.
    pub fn of_variable(name: &str, value: &Secret) -> Self {
        let mut context = Context::new(&SHA256);
        feed(&mut context, name.as_bytes());
        feed(&mut context, value.expose());
        Self::first_of(context)
    }

    /// Of any bytes, such as a small executable's content.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        feed(&mut context, bytes);
        Self::first_of(context)
    }

    fn first_of(context: Context) -> Self {
        let digest = context.finish();
        let mut first = [0; 6];
        first.copy_from_slice(&digest.as_ref()[..6]);
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
    use super::Fingerprint;
    use crate::secret::Secret;

    #[test]
    fn text_round_trip() {
        let one = Fingerprint::of_variable("A", &Secret::from("x"));
        assert_eq!(one.to_string().parse::<Fingerprint>().unwrap(), one);
        assert!("3f9a0c12be7".parse::<Fingerprint>().is_err());
        assert!("+f9a0c12be77".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn the_split_between_name_and_value_counts() {
        let a = Fingerprint::of_variable("AB", &Secret::from("C"));
        let b = Fingerprint::of_variable("A", &Secret::from("BC"));
        assert_ne!(a, b);
    }
}
