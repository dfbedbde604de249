//! The reference of the configuration. Each block's table stands beside its reader in `blocks`. A table cannot be
//! wrong: a reader cannot read a word that its table lacks, and has to read all that the table has (`read/section`).
//! `tests/reference` compares types, defaults and examples with the result of reading them. `lictor help config`,
//! `lictor.hcl(5)` and `docs/configuration.md` are made from the tables.

mod find;
mod kind;
mod markdown;
pub(crate) mod written;

pub use find::{Found, find};
pub use kind::Type;
pub use markdown::markdown;
pub use written::example;

/// One block of the configuration, or its top.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its word; empty for the top.
    pub word: &'static str,
    /// An example of the label that it takes, if it takes one.
    pub label: Option<&'static str>,
    /// How often it may be written.
    pub occurs: Occurs,
    /// What it is for, in a sentence or two.
    pub meaning: &'static str,
    /// Its attributes, in the order in which they are shown.
    pub attributes: &'static [Attribute],
    /// The blocks in it.
    pub blocks: &'static [&'static Block],
    /// Which of these blocks must be written.
    pub needs: Needs,
    /// The short form as one text, which envconsul has: an example, unquoted.
    pub short: Option<&'static str>,
    /// What must be written at the top beside it.
    pub beside: &'static str,
    /// When a change of its attributes takes effect, unless one of them has its own setting.
    taken_up: TakenUp,
}

/// How often a block may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    /// Once; if it is in several files, its attributes add up, and the later file wins.
    Once,
    /// Any number of times.
    Repeatedly,
}

/// Which of its blocks a block must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None of them.
    Nothing,
    /// Exactly one.
    OneOfItsBlocks,
}

/// One attribute of a block.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its word.
    pub word: &'static str,
    /// What its value looks like.
    pub kind: Type,
    /// The value if it is not written.
    pub preset: Preset,
    /// A value other than the default; texts without their quotes.
    pub example: &'static str,
    /// What it does, in a sentence or two.
    pub meaning: &'static str,
    /// Lines of the same block that it needs.
    pub with: &'static str,
    /// What must be written at the top beside its block.
    pub beside: &'static str,
    taken_up: Option<TakenUp>,
}

/// The value if an attribute is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// It must be written.
    Needed,
    /// This value; texts without their quotes.
    Value(&'static str),
    /// As described by these words.
    Words(&'static str),
}

/// When a change of the configuration takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenUp {
    /// `lictor reload`, at once.
    ByReload,
    /// The next start of the service, after `lictor reload`.
    ByStartOfTheService,
    /// The next start of lictor.
    ByStartOfLictor,
}

impl TakenUp {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ByReload => "reload",
            Self::ByStartOfTheService => "restart of the service",
            Self::ByStartOfLictor => "restart of lictor",
        }
    }
}

impl Block {
    /// Something that is written as `word { ... }`.
    pub(crate) const fn new(word: &'static str, meaning: &'static str) -> Self {
        Self {
            word,
            label: None,
            occurs: Occurs::Once,
            meaning,
            attributes: &[],
            blocks: &[],
            needs: Needs::Nothing,
            short: None,
            beside: "",
            taken_up: TakenUp::ByReload,
        }
    }

    pub(crate) const fn attributes(self, attributes: &'static [Attribute]) -> Self {
        Self { attributes, ..self }
    }

    pub(crate) const fn holding(self, blocks: &'static [&'static Self]) -> Self {
        Self { blocks, ..self }
    }

    /// Exactly one of these blocks has to be in it.
    pub(crate) const fn choosing(self, blocks: &'static [&'static Self]) -> Self {
        Self { blocks, needs: Needs::OneOfItsBlocks, ..self }
    }

    /// It may be written any number of times.
    pub(crate) const fn repeated(self) -> Self {
        Self { occurs: Occurs::Repeatedly, ..self }
    }

    /// It takes a label, and may be written any number of times.
    pub(crate) const fn labelled(self, example: &'static str) -> Self {
        Self { label: Some(example), ..self }.repeated()
    }

    pub(crate) const fn or_short(self, example: &'static str) -> Self {
        Self { short: Some(example), ..self }
    }

    pub(crate) const fn beside(self, text: &'static str) -> Self {
        Self { beside: text, ..self }
    }

    pub(crate) const fn taken_up(self, taken_up: TakenUp) -> Self {
        Self { taken_up, ..self }
    }

    /// The attributes that have an effect.
    pub fn effective(&self) -> impl Iterator<Item = &'static Attribute> {
        self.attributes.iter().filter(|attribute| !attribute.is_ignored())
    }

    /// When a change of one of its attributes takes effect.
    pub fn taken_up_of(&self, attribute: &Attribute) -> TakenUp {
        attribute.taken_up.unwrap_or(self.taken_up)
    }

    pub(crate) fn attribute(&self, word: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.word == word)
    }

    pub(crate) fn block(&self, word: &str) -> Option<&'static Self> {
        self.blocks.iter().find(|block| block.word == word).copied()
    }

    /// The words that have an effect.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.effective().map(|attribute| attribute.word).chain(self.blocks.iter().map(|block| block.word)).collect()
    }
}

/// An attribute with an example, which is a value other than the default; without a default it is off or empty.
pub(crate) const fn attribute(
    word: &'static str,
    kind: Type,
    example: &'static str,
    meaning: &'static str,
) -> Attribute {
    Attribute { word, kind, preset: Preset::Words("none"), example, meaning, with: "", beside: "", taken_up: None }
}

/// A word of envconsul that is accepted and has no effect; the reader warns and says why.
pub(crate) const fn ignored(word: &'static str, why: &'static str) -> Attribute {
    attribute(word, Type::Ignored, "", why)
}

impl Attribute {
    pub(crate) const fn default(self, value: &'static str) -> Self {
        Self { preset: Preset::Value(value), ..self }
    }

    pub(crate) const fn otherwise(self, words: &'static str) -> Self {
        Self { preset: Preset::Words(words), ..self }
    }

    pub(crate) const fn needed(self) -> Self {
        Self { preset: Preset::Needed, ..self }
    }

    pub(crate) const fn with(self, lines: &'static str) -> Self {
        Self { with: lines, ..self }
    }

    pub(crate) const fn beside(self, text: &'static str) -> Self {
        Self { beside: text, ..self }
    }

    pub(crate) const fn taken_up(self, taken_up: TakenUp) -> Self {
        Self { taken_up: Some(taken_up), ..self }
    }

    /// Whether it is accepted without an effect.
    pub fn is_ignored(&self) -> bool {
        self.kind == Type::Ignored
    }

    /// The example as it is written in a file.
    pub fn written_example(&self) -> String {
        self.kind.written(self.example)
    }

    /// The default as it is written in a file; `None` if it is not a single value.
    pub fn written_default(&self) -> Option<String> {
        match self.preset {
            Preset::Value(value) => Some(self.kind.written(value)),
            Preset::Needed | Preset::Words(_) => None,
        }
    }
}
