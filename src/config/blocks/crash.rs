//! `crash {}`: what happens between two starts of a service that keeps ending.

use std::time::Duration;

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::machine::policy::Crash;

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
