//! A configuration as written, in either syntax: words with values, each with its place.

use super::place::Place;
use super::report::Finding;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Node>),
    Object(Object),
    /// `env_of_service("NAME")`.
    OfService(String),
    /// `file("PATH")`.
    InFile(String),
    /// It could not be read and that has been reported; it counts as given.
    Broken,
}

/// Words with values, in the order of writing: a block's body, or an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) entries: Vec<Entry>,
}

/// One word with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) word: String,
    /// The place of the word.
    pub(crate) place: Place,
    pub(crate) form: Form,
    pub(crate) node: Node,
}

/// How a word was given its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    /// `word = value`, and everything in JSON and from flags.
    Attribute,
    /// `word "label" { ... }`.
    Block(Vec<String>),
}

impl Node {
    pub(crate) fn new(place: Place, value: Value) -> Self {
        Self { place, value }
    }

    pub(crate) fn text(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, Value::Text(text.into()))
    }

    /// Something is wrong with this value. The sentence must not repeat it, because it may be a secret.
    pub(crate) fn wrong(&self, sentence: impl Into<String>) -> Finding {
        Finding::new(self.place.clone(), sentence)
    }

    /// It should be something else, such as `"a number"`.
    pub(crate) fn unlike(&self, expected: &str) -> Finding {
        self.wrong(format!("expected {expected}, found {}", self.value.kind()))
    }
}

impl Value {
    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Object(_) => "a block",
            Self::OfService(_) => "env_of_service(...), which is for checks",
            Self::InFile(_) => "file(...), which is for checks",
            Self::Broken => "something else",
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    pub(crate) fn object(self) -> Option<Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl Entry {
    fn is_block(&self, word: &str) -> bool {
        self.word == word && matches!(self.node.value, Value::Object(_))
    }

    pub(crate) fn attribute(word: impl Into<String>, place: Place, value: Value) -> Self {
        Self { word: word.into(), place: place.clone(), form: Form::Attribute, node: Node::new(place, value) }
    }
}

impl Object {
    /// Takes the first entry of this word out.
    pub(crate) fn remove(&mut self, word: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.word == word)?;
        Some(self.entries.remove(at))
    }

    /// Gives the word at the end of this path a value. The blocks on the path are created, even beside a value of
    /// another kind (the word is then given twice).
    pub(crate) fn set(&mut self, path: &[&str], entry: Entry) {
        let Some((word, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.entries.push(Entry { word: (*word).to_owned(), ..entry });
            return;
        }
        let at = self.entries.iter().position(|known| known.is_block(word)).unwrap_or_else(|| {
            self.entries.push(Entry::attribute(*word, entry.place.clone(), Value::Object(Object::default())));
            self.entries.len() - 1
        });
        if let Value::Object(inner) = &mut self.entries[at].node.value {
            inner.set(rest, entry);
        }
    }
}
