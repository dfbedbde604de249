//! The figures of lictor beside the floor that the machine sets, on real parts. `make bench` runs it.
//!
//! It has no verdict: times on a shared machine are read by a person. `make bench BENCH=starts` prints one part, of those
//! that are listed below. `BENCH_QUICK=1` is for a first look.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on says why by its panic")]
#![allow(unreachable_pub, reason = "a program has no outside")]

#[path = "../../tests/it/harness"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod harness {
    pub mod address;
    pub mod client;
    pub mod consul;
    pub mod lictor;
    pub mod processes;
    pub mod program;
    pub mod setup;
    pub mod wait;

    pub use lictor::Lictor;
    pub use setup::Setup;
}

#[path = "../../tests/codedeploy"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod codedeploy {
    pub mod agent;
    pub mod bundle;
    pub mod host;
}
#[path = "../../tests/fleet"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod theatre {
    pub mod balancer;
    pub mod cluster;
    pub mod history;
    pub mod load;
    pub mod stage;
}
#[path = "../../tests/support/service.rs"]
mod program;
#[path = "../../tests/systemd/rig.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod rig;

mod abrupt;
mod bare;
mod checks;
#[path = "../../tests/page/chromium.rs"]
mod chromium;
mod deploys;
mod effort;
mod figure;
mod fleet;
mod flood;
mod footprint;
#[path = "../../tests/listen/go.rs"]
mod go;
mod held;
mod large;
#[path = "../../tests/listen/load.rs"]
mod load;
mod machine;
mod nginx;
mod page;
mod puts;
mod rejected;
mod rollouts;
mod sidecar;
mod starts;
mod statistics;
mod status;
#[path = "../../tests/page/tab.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod tab;
mod table;
mod tick;

use std::ffi::OsString;

use codedeploy::{agent, bundle, host};
use effort::Effort;
use figure::{Bar, Figure, Unit};
use harness::wait;

/// Measures, and says what it found.
type Part = fn(Effort) -> Vec<Figure>;

const PARTS: &[(&str, Part)] = &[
    ("puts", puts::figures),
    ("starts", starts::figures),
    ("large", large::figures),
    ("rejected", rejected::figures),
    ("footprint", footprint::figures),
    ("status", status::figures),
    ("flood", flood::figures),
    ("tick", tick::figures),
    ("deploys", deploys::figures),
    ("checks", checks::figures),
    ("held", held::figures),
    ("rollouts", rollouts::rollouts),
    ("fleet", fleet::idle),
    ("many", fleet::many),
    ("page", page::figures),
    ("binary", binary),
];

fn main() {
    // cargo hands `--bench` over; every other word is the name of a part.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for name in &wanted {
        assert!(PARTS.iter().any(|(part, _)| part == name), "no such part: {name}");
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let effort = Effort::asked();
    println!("{}\n", machine::machine());
    let run = || -> Vec<Figure> {
        PARTS.iter().filter(|(name, _)| is_wanted(name)).flat_map(|(_, part)| part(effort)).collect()
    };
    let runs: Vec<_> = (0..effort.runs()).map(|_| run()).collect();
    println!("{}", table::table(&runs));
}

/// The program that is measured: what `make build` makes. The one that cargo links for a benchmark has the features in it
/// that only tests use, such as a clock that can be stopped.
fn lictor() -> OsString {
    std::env::var_os("LICTOR").expect("LICTOR names the release binary: run `make bench`")
}

fn binary(_: Effort) -> Vec<Figure> {
    let bytes = std::fs::metadata(lictor()).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "a size in megabytes")]
    let found = bytes as f64 / 1e6;
    vec![Figure { what: "release binary", found, bar: Bar::AtMost(12.0, Unit::Megabytes), beside: String::new() }]
}
