//! `drain {}`: how a process that is in traffic leaves it before it is stopped.

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::config::reference::{Block, TakenUp, Type, attribute};
use crate::registration::Drain;

pub(crate) static BLOCK: Block = Block::new(
    "drain",
    "How long a process in traffic has to leave it before it is stopped, for whatever reason. It needs a \
     `registration` block.",
)
.attributes(&[
    attribute("wait", Type::Duration, "5s", "The least time, which Consul and the load balancer need to notice.")
        .default("2s"),
    attribute(
        "quiet",
        Type::Duration,
        "3s",
        "After that lictor waits until there has been no new connection and no data for this long.",
    )
    .default("1s"),
    attribute("max", Type::Duration, "1m", "The longest time; at least `wait` and `quiet` together.").default("30s"),
])
.beside("registration {\n}\n")
.taken_up(TakenUp::ByStartOfLictor);

/// The block, or its defaults. Without `registration {}` lictor cannot take the service out of traffic.
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
