//! Masks the values of the environment in what a program wrote. Pure.
//!
//! Known values are found as they are, line by line if they have several, and by the password if they are URLs. A
//! program that encodes a value before it prints it is not seen through.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use percent_encoding::percent_decode;

use super::{Environment, Visibility};
use crate::secret::Secret;

/// A shorter value is masked only where it stands alone: `1` is in too many words. In bytes.
const CERTAIN: usize = 4;

/// Variables that every process has and that are not secret.
const HARMLESS: [&str; 19] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "TZ",
    "PWD",
    "OLDPWD",
    "HOSTNAME",
    "MAIL",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
];

/// Finds the values of one environment.
#[derive(Debug, Default)]
pub struct Redactor {
    /// By their first byte, longest first, so that a value within a value does not spoil it.
    needles: BTreeMap<u8, Vec<Needle>>,
}

#[derive(Debug)]
struct Needle {
    value: Secret,
    name: Arc<str>,
}

/// Where the text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At its beginning.
    Whole,
    /// Anywhere: perhaps in the middle of a value.
    Cut,
}

impl Redactor {
    /// For every value of this environment that is not public.
    pub fn of(environment: &Environment) -> Self {
        let mut needles: BTreeMap<u8, Vec<Needle>> = BTreeMap::new();
        for (name, variable) in environment.variables() {
            if variable.visibility == Visibility::Public {
                continue;
            }
            let name: Arc<str> = name.as_str().into();
            for value in pieces(variable.value.expose()) {
                if let Some(&first) = value.expose().first() {
                    needles.entry(first).or_default().push(Needle { value, name: Arc::clone(&name) });
                }
            }
        }
        Self { needles }.sorted()
    }

    /// Also for what a process of this environment inherits beside it: the other ones of its variables. Words that are on
    /// every host, and values that are too short to be found with certainty, are left.
    #[must_use]
    pub fn with_inherited(mut self, environment: &Environment, process: &[(OsString, OsString)]) -> Self {
        for (name, value) in process {
            let (name, value) = (name.to_string_lossy(), value.as_bytes());
            let known = environment.variables().contains_key(&*name) || HARMLESS.contains(&&*name);
            if known || name.starts_with("LC_") || name.starts_with("XDG_") {
                continue;
            }
            let name: Arc<str> = (*name).into();
            for value in pieces(value).into_iter().filter(|value| value.len() >= CERTAIN) {
                let needle = Needle { value, name: Arc::clone(&name) };
                self.needles.entry(needle.value.expose()[0]).or_default().push(needle);
            }
        }
        self.sorted()
    }

    /// Without the values that are not of this kind.
    #[must_use]
    pub fn only(mut self, kind: impl Fn(&[u8]) -> bool) -> Self {
        for same in self.needles.values_mut() {
            same.retain(|needle| kind(needle.value.expose()));
        }
        self
    }

    fn sorted(mut self) -> Self {
        for same in self.needles.values_mut() {
            same.sort_by_key(|needle| std::cmp::Reverse(needle.value.len()));
        }
        self
    }

    /// The text with every value replaced by `[NAME]`.
    pub fn mask(&self, text: &[u8], start: Start) -> Vec<u8> {
        let mut masked = Vec::with_capacity(text.len());
        let mut at = 0;
        if start == Start::Cut
            && let Some((name, length)) = self.cut_value(text)
        {
            put(&mut masked, name);
            at = length;
        }
        while at < text.len() {
            if let Some(needle) = self.value_at(text, at) {
                put(&mut masked, &needle.name);
                at += needle.value.len();
            } else {
                masked.push(text[at]);
                at += 1;
            }
        }
        masked
    }

    fn value_at(&self, text: &[u8], at: usize) -> Option<&Needle> {
        let same = self.needles.get(&text[at])?;
        same.iter().find(|needle| {
            let value = needle.value.expose();
            text[at..].starts_with(value) && (value.len() >= CERTAIN || stands_alone(text, at, value.len()))
        })
    }

    /// The longest end of a value that the text begins with, and its length.
    fn cut_value(&self, text: &[u8]) -> Option<(&str, usize)> {
        let ends = self.needles.values().flatten().filter_map(|needle| {
            let value = needle.value.expose();
            let end = (1..value.len()).map(|skip| &value[skip..]).find(|end| text.starts_with(end))?;
            Some((&*needle.name, end.len()))
        });
        ends.max_by_key(|(_, length)| *length)
    }
}

fn put(masked: &mut Vec<u8>, name: &str) {
    masked.push(b'[');
    masked.extend_from_slice(name.as_bytes());
    masked.push(b']');
}

/// Whether no letter, digit or underscore touches this part of the text.
fn stands_alone(text: &[u8], at: usize, length: usize) -> bool {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii());
    !in_word(at.checked_sub(1).and_then(|before| text.get(before))) && !in_word(text.get(at + length))
}

/// What to look for: the value, each of its lines, and the password in it.
fn pieces(value: &[u8]) -> Vec<Secret> {
    let mut pieces = vec![Secret::from(value.to_vec())];
    if value.contains(&b'\n') {
        let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        pieces.extend(lines.filter(|line| line.len() >= CERTAIN).map(|line| Secret::from(line.to_vec())));
    }
    if let Some(password) = password(value) {
        pieces.push(Secret::from(password.to_vec()));
        pieces.push(Secret::from(percent_decode(password).collect::<Vec<u8>>()));
    }
    pieces
}

/// The password of a URL: `scheme://user:PASSWORD@host/`.
fn password(value: &[u8]) -> Option<&[u8]> {
    let authority = value.windows(3).position(|three| three == b"://").map(|at| &value[at + 3..])?;
    let end = authority.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(authority.len());
    let user_info = &authority[..authority[..end].iter().rposition(|byte| *byte == b'@')?];
    let colon = user_info.iter().position(|byte| *byte == b':')?;
    Some(&user_info[colon + 1..])
}

#[cfg(test)]
mod tests;
