//! Flags as the last file: they go through the same merge and the same readers as what is written in files.

use std::fmt;

use super::read::place::Place;
use super::read::report::Warning;
use super::read::tree::{Entry, Node, Object, Value};

/// What the command line sets, which wins over the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--prefix`, `--file` and `--directory`, in the order of the command line; they come after the files' sources.
    pub sources: Vec<SourceFlag>,
    /// `--no-prefix`: for the prefixes of the command line only, as in envconsul.
    pub no_prefix: Option<bool>,
    /// All others.
    pub overrides: Vec<Override>,
    /// Warnings about the flags themselves, such as old names.
    pub warnings: Vec<Warning>,
}

/// One source from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFlag {
    /// `--prefix PATH`.
    Prefix(String),
    /// `--file PATH`.
    File(String),
    /// `--directory PATH`.
    Directory(String),
}

/// One word of the configuration, as a flag gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The flag, with its dashes.
    pub flag: &'static str,
    /// The path of the word through the blocks, as in `["consul", "address"]`.
    pub path: &'static [&'static str],
    /// Its value.
    pub value: FlagValue,
}

/// The value of a flag. Shown by `Debug` without the text, which may be a token.
#[derive(Clone, PartialEq, Eq)]
pub enum FlagValue {
    /// `--name billing`.
    Text(String),
    /// `--upcase`, `--upcase=false`.
    Switch(bool),
}

impl fmt::Debug for FlagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Switch(switch) => write!(f, "Switch({switch})"),
        }
    }
}

/// The words after `--`.
const WORDS: &str = "the command line";

impl Flags {
    /// The flags and the words after `--` as a configuration.
    pub(crate) fn tree(&self, command: &[String]) -> Object {
        let mut root = Object::default();
        root.entries.extend(self.sources.iter().map(|source| self.source(source)));
        for Override { flag, path, value } in &self.overrides {
            let value = match value {
                FlagValue::Text(text) => Value::Text(text.clone()),
                FlagValue::Switch(switch) => Value::Bool(*switch),
            };
            root.set(path, Entry::attribute("", Place::Flag(flag), value));
        }
        if !command.is_empty() && !self.has_command() {
            let words = command.iter().map(|word| Node::text(Place::Flag(WORDS), word)).collect();
            root.set(&["exec", "command"], Entry::attribute("", Place::Flag(WORDS), Value::List(words)));
        }
        root
    }

    /// The warnings about them, and about the words after `--`.
    pub(crate) fn remarks(&self, command: &[String]) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        if self.has_command() && !command.is_empty() {
            warnings.push(Warning::new(Place::Flag(WORDS), "the command is not used: --exec is given too"));
        } else if let [only] = command
            && only.contains(char::is_whitespace)
        {
            let sentence = "the command is one word with spaces in it, and run as one program: write its words apart, \
                            or name a shell, as in -- sh -c '...'";
            warnings.push(Warning::new(Place::Flag(WORDS), sentence));
        }
        warnings
    }

    fn has_command(&self) -> bool {
        self.overrides.iter().any(|given| given.path == ["exec", "command"])
    }

    fn source(&self, source: &SourceFlag) -> Entry {
        let (word, flag, path) = match source {
            SourceFlag::Prefix(path) => ("prefix", "--prefix", path),
            SourceFlag::File(path) => ("file", "--file", path),
            SourceFlag::Directory(path) => ("directory", "--directory", path),
        };
        let place = Place::Flag(flag);
        let mut entries = vec![Entry::attribute("path", place.clone(), Value::Text(path.clone()))];
        if let (Some(no_prefix), SourceFlag::Prefix(_)) = (self.no_prefix, source) {
            entries.push(Entry::attribute("no_prefix", Place::Flag("--no-prefix"), Value::Bool(no_prefix)));
        }
        Entry::attribute(word, place, Value::Object(Object { entries }))
    }
}
