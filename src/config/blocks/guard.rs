//! `guard {}`: which losses of a source are held back.

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::config::reference::{Block, Type, attribute};
use crate::machine::policy::{Empty, GuardRules};

pub(crate) static BLOCK: Block =
    Block::new("guard", "Which losses of keys are held back until an operator has looked at them.").attributes(&[
        attribute(
            "empty",
            Type::OneOf(&["hold", "apply"]),
            "apply",
            "What happens if a source that had keys now has none: the change is held, or treated like any other.",
        )
        .default("hold"),
        attribute(
            "max_loss",
            Type::Share,
            "20%",
            "A change is held if a source loses more than this share of its keys ...",
        )
        .default("50%"),
        attribute("min_loss", Type::Count("keys"), "5", "... and at least this many.").default("3"),
        attribute("window", Type::Duration, "1h", "Losses within this time add up.").default("10m"),
    ]);

pub(crate) const EMPTY: &[(&str, Empty)] = &[("hold", Empty::Hold), ("apply", Empty::Apply)];

pub(crate) fn read(section: &mut Section<'_>) -> GuardRules {
    let default = GuardRules::default();
    GuardRules {
        empty: section.read("empty", value::one_of(EMPTY)).unwrap_or(default.empty),
        max_loss_percent: section.read("max_loss", value::parsed(percent)).unwrap_or(default.max_loss_percent),
        min_loss: section.read("min_loss", value::count(0)).unwrap_or(default.min_loss),
        window: section.read("window", value::duration).unwrap_or(default.window),
        ..default
    }
}

fn percent(text: &str) -> Result<u8, &'static str> {
    text.strip_suffix('%')
        .filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|percent| *percent <= 100)
        .ok_or("expected a share from \"0%\" to \"100%\"")
}
