//! The report about a configuration: all errors and warnings at once.

use std::fmt;

use super::place::Place;

/// One error or warning, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to do about it. It has no secret in it.
    pub sentence: String,
}

/// Something that works, but perhaps not as its author expects.
pub type Warning = Finding;

impl Finding {
    pub(crate) fn new(place: Place, sentence: impl Into<String>) -> Self {
        Self { place, sentence: sentence.into() }
    }
}

/// `file:line:column: sentence`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Nowhere => f.write_str(&self.sentence),
            _ => write!(f, "{}: {}", self.place, self.sentence),
        }
    }
}

/// The configuration is wrong (exit code 78). It is displayed with one line for each error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.errors))]
pub struct Errors {
    /// Every error, in the order of the files.
    pub errors: Vec<Finding>,
    /// The warnings that were found on the way.
    pub warnings: Vec<Warning>,
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects findings while the configuration is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    extent: Extent,
}

/// How much of what was written could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extent {
    #[default]
    Whole,
    Partial,
}

impl Report {
    /// Something is wrong here.
    pub(crate) fn error(&mut self, place: &Place, sentence: impl Into<String>) {
        self.errors.push(Finding::new(place.clone(), sentence));
    }

    /// Adds a warning at this place.
    pub(crate) fn warning(&mut self, place: &Place, sentence: impl Into<String>) {
        self.warnings.push(Finding::new(place.clone(), sentence));
    }

    /// A whole file could not be read.
    pub(crate) fn unreadable(&mut self, place: &Place, sentence: impl Into<String>) {
        self.extent = Extent::Partial;
        self.error(place, sentence);
    }

    /// Something is missing as a whole. This is not reported if it may be in a file that could not be read.
    pub(crate) fn missing(&mut self, sentence: impl Into<String>) {
        if self.extent == Extent::Whole {
            self.error(&Place::Nowhere, sentence);
        }
    }

    /// The result and the warnings, unless there are errors. Each is reported once, in the order of the files.
    pub(crate) fn close<T>(mut self, read: Option<T>) -> Result<(T, Vec<Warning>), Errors> {
        for findings in [&mut self.errors, &mut self.warnings] {
            findings.sort();
            findings.dedup();
        }
        match read {
            Some(read) if self.errors.is_empty() => Ok((read, self.warnings)),
            _ => Err(Errors { errors: self.errors, warnings: self.warnings }),
        }
    }
}
