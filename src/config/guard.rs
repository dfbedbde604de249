//! `guard {}`: what of a source's loss is held back.

use std::sync::Arc;

use super::section::Section;
use super::value;

/// `guard {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// A source that had keys and now has none.
    pub empty: Empty,
    /// `prefix.empty`, by the name of the source: wins over `empty`.
    pub empty_of: Vec<(Arc<str>, Empty)>,
    /// Percent of one source's keys, lost at once ...
    pub max_loss_percent: u8,
    /// ... and at least this many.
    pub min_loss: u32,
}

/// What happens when a source that had keys has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// The service keeps what it has.
    Hold,
    /// It is a change like any other.
    Apply,
}

impl Empty {
    pub(crate) const WORDS: &[(&str, Self)] = &[("hold", Self::Hold), ("apply", Self::Apply)];
}

impl Default for Guard {
    fn default() -> Self {
        Self { empty: Empty::Hold, empty_of: Vec::new(), max_loss_percent: 50, min_loss: 3 }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Guard {
    let default = Guard::default();
    Guard {
        empty: section.read("empty", value::one_of(Empty::WORDS)).unwrap_or(default.empty),
        empty_of: default.empty_of,
        max_loss_percent: section.read("max_loss", value::parsed(percent)).unwrap_or(default.max_loss_percent),
        min_loss: section.read("min_loss", value::count(0)).unwrap_or(default.min_loss),
    }
}

fn percent(text: &str) -> Result<u8, &'static str> {
    text.strip_suffix('%')
        .filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|percent| *percent <= 100)
        .ok_or("expected a share from \"0%\" to \"100%\"")
}
