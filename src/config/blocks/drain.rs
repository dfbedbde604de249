//! `drain {}`: how a process that is in traffic leaves it before it is stopped.

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::registration::Drain;

/// The block, or its defaults. Without `registration {}` there is nothing that could take the service out of traffic.
pub(crate) fn read(root: &mut Section<'_>) -> Drain {
    let place = root.place_of("drain");
    if root.has("drain") && !root.has("registration") {
        root.error(
            &place,
            "drain needs registration: write a registration {} block, which says what is taken out of traffic",
        );
    }
    root.within("drain", block).unwrap_or_default()
}

fn block(section: &mut Section<'_>) -> Drain {
    let default = Drain::default();
    let place = section.place_of("max");
    let wait = section.read("wait", value::duration).unwrap_or(default.wait);
    let quiet = section.read("quiet", value::duration).unwrap_or(default.quiet);
    let max = section.read("max", value::duration).unwrap_or(default.max.max(wait.saturating_add(quiet)));
    if max < wait.saturating_add(quiet) {
        let sentence = format!("{}: must not be shorter than wait and quiet together", section.name("max"));
        section.error(&place, sentence);
    }
    Drain { wait, quiet, max }
}
