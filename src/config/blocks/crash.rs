//! `crash {}`: the backoff between two starts of a service that keeps crashing.

use crate::config::reference::{Block, Type, attribute};
use std::time::Duration;

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::machine::policy::Crash;

pub(crate) static BLOCK: Block = Block::new(
    "crash",
    "The pauses before a service that has ended by itself is started again. lictor never gives up.",
)
.attributes(&[
    attribute("backoff", Type::Duration, "5s", "The first pause. Each further one is twice as long, more or less.")
        .default("1s"),
    attribute("max_backoff", Type::Duration, "5m", "The longest pause; at least `backoff`.").default("1m"),
    attribute(
        "reset_after",
        Type::Duration,
        "10m",
        "Once the service has run for this long, the pauses begin with `backoff` again.",
    )
    .default("1m"),
]);

pub(crate) fn read(section: &mut Section<'_>, crash: &mut Crash) {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let place = section.place_of("max_backoff");
    crash.backoff = section.read("backoff", value::duration_from(MILLISECOND)).unwrap_or(crash.backoff);
    match section.read("max_backoff", value::duration_from(MILLISECOND)) {
        Some(max) if max < crash.backoff => {
            section.error(&place, format!("{}: must not be shorter than backoff", section.name("max_backoff")));
        }
        Some(max) => crash.max_backoff = max,
        None => crash.max_backoff = crash.max_backoff.max(crash.backoff),
    }
    crash.reset_after = section.read("reset_after", value::duration).unwrap_or(crash.reset_after);
}
