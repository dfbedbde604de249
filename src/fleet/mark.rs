//! Keyed marks: equal values have equal marks on every host of a fleet, and without the fleet's key they reveal
//! nothing. A plain digest would confirm a guess at a short password.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::secret::Secret;

/// The fleet's key: random, made by whichever instance is first, kept in the fleet's folder under its ACL.
pub struct Key(hmac::Key);

/// The mark of a value, or of a set of values: sixteen hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(Box<str>);

/// The variables of an environment by their marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<String, Mark>);

impl Key {
    /// How many bytes a key has.
    pub const LENGTH: usize = 32;

    /// The key with these bytes.
    pub fn new(bytes: &[u8; Self::LENGTH]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The form in the fleet's folder: 64 hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits: Option<Vec<u8>> = text.trim_ascii().iter().map(|digit| hex(*digit)).collect();
        let bytes: Vec<u8> =
            digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect();
        Some(Self::new(bytes.as_slice().try_into().ok().filter(|_| text.trim_ascii().len() == 2 * Self::LENGTH)?))
    }

    /// The variables of an environment, marked.
    pub fn marks(&self, environment: &Environment) -> Marks {
        self.marks_of(environment.variables().iter().map(|(name, variable)| (name.as_str(), &variable.value)))
    }

    /// These variables, marked.
    pub fn marks_of<'a>(&self, variables: impl IntoIterator<Item = (&'a str, &'a Secret)>) -> Marks {
        let of = |(name, value): (&str, &Secret)| (name.to_owned(), self.mark(&[name.as_bytes(), value.expose()]));
        Marks(variables.into_iter().map(of).collect())
    }

    /// Each part is marked with its length, so that different splits give different marks.
    fn mark(&self, parts: &[&[u8]]) -> Mark {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Mark::first_of(context.sign().as_ref())
    }
}

/// Two digits for each byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Mark {
    fn first_of(bytes: &[u8]) -> Self {
        Self(hexadecimal(&bytes[..bytes.len().min(8)]).into())
    }

    /// The mark of something that is public anyway, or consists of marks.
    pub(super) fn of_text(text: &str) -> Self {
        Self::first_of(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn test(text: &str) -> Self {
        Self(text.into())
    }
}

impl Marks {
    /// The mark of one variable.
    pub fn get(&self, name: &str) -> Option<&Mark> {
        self.0.get(name)
    }

    /// The names with their marks.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Mark)> {
        self.0.iter()
    }

    /// One mark for all of them: hosts on the same config show the same.
    pub fn whole(&self) -> Mark {
        let mut text = String::new();
        for (name, mark) in &self.0 {
            text.extend([name, "=", mark.as_str(), "\n"]);
        }
        Mark::of_text(&text)
    }
}

#[cfg(test)]
impl FromIterator<(String, Mark)> for Marks {
    fn from_iter<I: IntoIterator<Item = (String, Mark)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::Key;
    use crate::environment::{Environment, Variable, Visibility};

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variable = |value: &str| Variable::new(value.into(), Arc::from("test"), Visibility::Secret);
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), variable(value)));
        Environment::new(pairs.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn equal_values_have_equal_marks_under_one_key_and_no_others() {
        let (key, other) = (Key::new(&[1; 32]), Key::new(&[2; 32]));
        let one = key.marks(&environment(&[("A", "x"), ("B", "x")]));
        assert_eq!(one, key.marks(&environment(&[("A", "x"), ("B", "x")])));
        assert_ne!(one.get("A"), one.get("B"), "the name is part of it");
        assert_ne!(one.get("A"), other.marks(&environment(&[("A", "x")])).get("A"));
        assert_ne!(one.whole(), key.marks(&environment(&[("A", "x")])).whole());
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert!(Key::parse(text.as_bytes()).is_some());
        assert!(Key::parse(format!("{text}\n").as_bytes()).is_some());
        for bad in [String::new(), text[1..].to_owned(), format!("{text}00"), text.replace('a', "x"), "\0".repeat(64)] {
            assert!(Key::parse(bad.as_bytes()).is_none(), "{bad:?}");
        }
        assert!(Key::parse(&vec![b'a'; 512 << 10]).is_none());
    }
}
