//! `wait {}`: the quiet time before a change is applied.

use crate::config::reference::{Block, Type, attribute, ignored};
use std::time::Duration;

use crate::config::read::section::Section;
use crate::config::read::{duration, value};

pub(crate) static BLOCK: Block =
    Block::new("wait", "The quiet time before a change is acted on, so that edits close together are one change.")
        .attributes(&[
            attribute("min", Type::Duration, "1s", "How long nothing may have changed; `0s` acts at once.")
                .default("100ms"),
            attribute(
                "max",
                Type::Duration,
                "30s",
                "The longest wait; the default is 2s, or four times `min` if that is more.",
            )
            .default("2s"),
            ignored("bool", "to act at once, write min = \"0s\""),
        ])
        .or_short("1s:5s");

/// The quiet time and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Wait {
    const MIN: Duration = Duration::from_millis(100);
    const LEAST_MAX: Duration = Duration::from_secs(2);

    /// The limit for a quiet time: four times as much, as in envconsul, and at least 2 s.
    fn from_min(min: Duration) -> Self {
        Self { min, max: Self::LEAST_MAX.max(min.saturating_mul(4)) }
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::from_min(Self::MIN)
    }
}

/// Reads the block, or envconsul's text `"min[:max]"`.
pub(crate) fn read(root: &mut Section<'_>) -> Wait {
    if root.has_text("wait") {
        return root.read("wait", value::parsed(text)).unwrap_or_default();
    }
    root.within("wait", block).unwrap_or_default()
}

fn text(text: &str) -> Result<Wait, String> {
    let Some((min, max)) = text.split_once(':') else { return duration::parse(text).map(Wait::from_min) };
    let wait = Wait { min: duration::parse(min)?, max: duration::parse(max)? };
    if wait.min > wait.max { Err(TURNED.to_owned()) } else { Ok(wait) }
}

const TURNED: &str = "min must not be longer than max";

fn block(section: &mut Section<'_>) -> Wait {
    let place = section.place_of("min");
    let wait = Wait::from_min(section.read("min", value::duration).unwrap_or(Wait::MIN));
    let max = section.read("max", value::duration).unwrap_or(wait.max);
    if wait.min > max {
        section.error(&place, format!("{}: {TURNED}", section.name("min")));
    }
    Wait { min: wait.min, max }
}
