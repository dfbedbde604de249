//! One block while it is read: each word is asked for by name and type. Only words of the block's table can be asked
//! for, and all of them must be; others are unknown.

use super::legacy;
use super::place::Place;
use super::report::{Finding, Report};
use super::tree::{Entry, Form, Node, Object, Value};
use crate::config::reference::Block;

/// One block while it is read. It reports what is wrong, and its reader goes on with the rest.
#[derive(Debug)]
pub(crate) struct Section<'r> {
    /// What may stand in it.
    block: &'static Block,
    /// The path to it in words, as in `exec.env`, by which the tables know it.
    path: String,
    /// The path to it as a person wrote it, as in `check "Database"`.
    title: String,
    place: Place,
    entries: Vec<Entry>,
    asked: Vec<&'static str>,
    report: &'r mut Report,
}

/// Reads a whole configuration, of which `block` is the top.
pub(crate) fn read_root<T>(
    root: Object,
    block: &'static Block,
    report: &mut Report,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    Section {
        block,
        path: String::new(),
        title: String::new(),
        place: Place::Nowhere,
        entries: root.entries,
        asked: Vec::new(),
        report,
    }
    .whole(read)
}

impl Section<'_> {
    /// The place of a word that has not been read yet, else the beginning of the block.
    pub(crate) fn place_of(&self, word: &str) -> Place {
        self.entries.iter().find(|entry| entry.word == word).map_or(&self.place, |entry| &entry.node.place).clone()
    }

    /// Whether this word is given, and has not been read yet.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.entries.iter().any(|entry| entry.word == word)
    }

    /// Whether this word is given as text, where a block is the usual form.
    pub(crate) fn has_text(&self, word: &str) -> bool {
        self.entries.iter().any(|entry| entry.word == word && entry.node.value.is_text())
    }

    /// The value of a word as `parse` understands it; `None` if it is not given or (reported) wrong.
    pub(crate) fn read<T>(&mut self, word: &'static str, parse: impl FnOnce(&Node) -> Result<T, Finding>) -> Option<T> {
        let entry = self.take(word)?;
        if entry.node.value == Value::Broken {
            return None;
        }
        parse(&entry.node)
            .map_err(|finding| self.report.error(&finding.place, format!("{}: {}", self.name(word), finding.sentence)))
            .ok()
    }

    /// As `read`, for a word that must be given.
    pub(crate) fn needed<T>(
        &mut self,
        word: &'static str,
        parse: impl FnOnce(&Node) -> Result<T, Finding>,
    ) -> Option<T> {
        if !self.has(word) {
            let sentence = format!("{}: `{word}` is missing", self.title);
            self.report.error(&self.place, sentence);
        }
        self.read(word, parse)
    }

    /// Reads a block that may be given once.
    pub(crate) fn within<T>(&mut self, word: &'static str, read: impl FnOnce(&mut Section<'_>) -> T) -> Option<T> {
        let entry = self.take(word)?;
        self.refuse_labels(&entry);
        let object = match entry.node.value {
            Value::Object(object) => object,
            Value::List(nodes) if matches!(nodes.as_slice(), [Node { value: Value::Object(_), .. }]) => {
                nodes.into_iter().find_map(|node| node.value.object())?
            }
            Value::Broken => return None,
            _ => {
                let finding = entry.node.unlike("a block");
                self.report.error(&finding.place, format!("{}: {}", self.name(word), finding.sentence));
                return None;
            }
        };
        Some(self.inner(word, None, entry.place, object).whole(read))
    }

    /// Reads blocks of several kinds that may be given more than once, in the order of the file.
    pub(crate) fn each(&mut self, words: &[&'static str], mut read: impl FnMut(&'static str, &mut Section<'_>)) {
        for (word, entry) in self.take_all(words) {
            self.refuse_labels(&entry);
            for (place, object) in self.objects(word, entry) {
                self.inner(word, None, place, object).whole(|section| read(word, section));
            }
        }
    }

    /// Reads blocks with a label: `check "Database" { ... }`, in JSON `"check": {"Database": { ... }}`.
    pub(crate) fn each_labelled(&mut self, word: &'static str, mut read: impl FnMut(&str, &mut Section<'_>)) {
        for (_, entry) in self.take_all(&[word]) {
            let labelled = match &entry.form {
                Form::Block(labels) => {
                    if let [label] = labels.as_slice() {
                        vec![Entry { word: label.clone(), form: Form::Attribute, ..entry }]
                    } else {
                        self.error(&entry.place, format!("`{word}` takes one label: {word} \"NAME\" {{ ... }}"));
                        continue;
                    }
                }
                Form::Attribute => {
                    self.objects(word, entry).into_iter().flat_map(|(_, object)| object.entries).collect()
                }
            };
            for entry in labelled {
                let label = entry.word.clone();
                for (place, object) in self.objects(word, entry) {
                    self.inner(word, Some(&label), place, object).whole(|section| read(&label, section));
                }
            }
        }
    }

    /// The entries of an object with free names (tags), with their values.
    pub(crate) fn pairs(&mut self, word: &'static str) -> Vec<(String, Node)> {
        let Some(entry) = self.take(word) else { return Vec::new() };
        let objects = self.objects(word, entry);
        objects.into_iter().flat_map(|(_, object)| object.entries).map(|entry| (entry.word, entry.node)).collect()
    }

    /// Adds a warning about this word.
    pub(crate) fn warning(&mut self, place: &Place, word: &str, sentence: &str) {
        let sentence = format!("{}: {sentence}", self.name(word));
        self.report.warning(place, sentence);
    }

    /// Something is wrong here.
    pub(crate) fn error(&mut self, place: &Place, sentence: impl Into<String>) {
        self.report.error(place, sentence);
    }

    /// Something is wrong with the block as a whole.
    pub(crate) fn wrong(&mut self, sentence: &str) {
        let sentence = format!("{}: {sentence}", self.title);
        self.report.error(&self.place, sentence);
    }

    /// Something is missing in the whole configuration.
    pub(crate) fn missing(&mut self, sentence: &str) {
        self.report.missing(sentence);
    }

    /// A word of this block in the form for messages: `consul.address`.
    pub(crate) fn name(&self, word: &str) -> String {
        if self.title.is_empty() { word.to_owned() } else { format!("{}.{word}", self.title) }
    }

    fn inner(&mut self, word: &str, label: Option<&str>, place: Place, object: Object) -> Section<'_> {
        let title = self.name(word);
        Section {
            block: self.block.block(word).unwrap_or(&UNKNOWN),
            path: self.path_of(word),
            title: label.map_or(title.clone(), |label| format!("{title} {label:?}")),
            place,
            entries: object.entries,
            asked: Vec::new(),
            report: &mut *self.report,
        }
    }

    fn path_of(&self, word: &str) -> String {
        if self.path.is_empty() { word.to_owned() } else { format!("{}.{word}", self.path) }
    }

    fn take(&mut self, word: &'static str) -> Option<Entry> {
        self.take_all(&[word]).into_iter().next().map(|(_, entry)| entry)
    }

    /// Takes every entry of these words out, except for those that are not supported.
    fn take_all(&mut self, words: &[&'static str]) -> Vec<(&'static str, Entry)> {
        for word in words {
            let known = self.block.attribute(word).is_some() || self.block.block(word).is_some();
            debug_assert!(known, "`{word}` is read and is not in the table of `{}`", self.block.word);
        }
        self.asked.extend(words);
        let mut taken = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            match words.iter().find(|word| **word == entry.word) {
                Some(word) => match legacy::refused(&self.path_of(word)) {
                    Some(sentence) => self.report.error(&entry.place, sentence),
                    None => taken.push((*word, entry)),
                },
                None => self.entries.push(entry),
            }
        }
        taken
    }

    /// The block or blocks of an entry.
    fn objects(&mut self, word: &str, entry: Entry) -> Vec<(Place, Object)> {
        let nodes = match entry.node.value {
            Value::List(nodes) => nodes,
            value => vec![Node { place: entry.place, value }],
        };
        let mut objects = Vec::new();
        for node in nodes {
            match node.value {
                Value::Object(object) => objects.push((node.place, object)),
                Value::Broken => {}
                _ => {
                    let finding = node.unlike("a block");
                    self.report.error(&node.place, format!("{}: {}", self.name(word), finding.sentence));
                }
            }
        }
        objects
    }

    fn refuse_labels(&mut self, entry: &Entry) {
        if matches!(&entry.form, Form::Block(labels) if !labels.is_empty()) {
            self.report.error(&entry.place, format!("`{0}` takes no label: {0} {{ ... }}", entry.word));
        }
    }

    /// Ends the reading: what is left does nothing, or is unknown.
    fn whole<T>(mut self, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let value = read(&mut self);
        for word in self.block.words() {
            let read = self.asked.contains(&word);
            debug_assert!(read, "`{word}` is in the table of `{}` and is not read", self.block.word);
        }
        let mut said = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let ignored = self.block.attribute(&entry.word).filter(|attribute| attribute.is_ignored());
            match (legacy::refused(&self.path_of(&entry.word)), ignored) {
                (Some(sentence), _) => self.report.error(&entry.place, sentence),
                (None, Some(ignored)) if said.contains(&ignored.word) => {}
                (None, Some(ignored)) => {
                    said.push(ignored.word);
                    let sentence = format!("{} has no effect: {}", self.name(&entry.word), ignored.meaning);
                    self.report.warning(&entry.place, sentence);
                }
                (None, None) => self.report.error(&entry.place, self.unknown(&entry.word)),
            }
        }
        value
    }

    fn unknown(&self, word: &str) -> String {
        let place = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
        let hint =
            nearest(word, &self.block.words()).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        format!("unknown word `{}`{place}{hint}", word.escape_debug())
    }
}

/// The table for a block that is in no table: nothing may be in it.
static UNKNOWN: Block = Block::new("", "");

/// The nearest of `known` that differs by at most two edits.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const MAX_LENGTH: usize = 40;
    if word.chars().count() > MAX_LENGTH {
        return None;
    }
    known
        .iter()
        .map(|candidate| (strsim::levenshtein(word, candidate), *candidate))
        .filter(|(slips, candidate)| *slips <= 2 && *slips < candidate.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_or_two_are_forgiven() {
        let known = ["address", "token", "token_file"];
        assert_eq!(nearest("adress", &known), Some("address"));
        assert_eq!(nearest("tokenfile", &known), Some("token_file"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
