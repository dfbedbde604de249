//! The figures of lictor beside the floor that the machine sets, on real parts. `make bench` runs it.
//!
//! It has no verdict: times on a shared machine are read by a person. `make bench BENCH=starts` prints one part; the
//! parts are `puts`, `starts`, `footprint`, `status` and `binary`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on says why by its panic")]
#![allow(unreachable_pub, reason = "a program has no outside")]

#[path = "../../tests/it/harness"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod harness {
    pub mod address;
    pub mod client;
    pub mod consul;
    pub mod processes;
    pub mod program;
    pub mod wait;
}

mod bare;
mod footprint;
mod puts;
mod sidecar;
mod starts;
mod statistics;
mod status;

/// One line of the table.
struct Row {
    what: &'static str,
    measured: String,
    bar: &'static str,
}

/// Measures, and says what it found.
type Part = fn() -> Vec<Row>;

fn main() {
    // cargo hands `--bench` over; every other word is the name of a part.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let parts: [(&str, Part); 5] = [
        ("puts", puts::rows),
        ("starts", starts::rows),
        ("footprint", footprint::rows),
        ("status", status::rows),
        ("binary", binary),
    ];
    for name in &wanted {
        assert!(parts.iter().any(|(part, _)| part == name), "no such part: {name}");
    }
    println!("{}\n", machine());
    println!("| what | measured | bar |\n|---|---|---|");
    for (_, rows) in parts.iter().filter(|(part, _)| wanted.is_empty() || wanted.iter().any(|name| name == part)) {
        for Row { what, measured, bar } in rows() {
            println!("| {what} | {measured} | {bar} |");
        }
    }
}

fn binary() -> Vec<Row> {
    let bytes = std::fs::metadata(env!("CARGO_BIN_EXE_lictor")).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "a size in megabytes")]
    let measured = format!("{:.2} MB", bytes as f64 / 1e6);
    vec![Row { what: "release binary", measured, bar: "≤ 8 MB" }]
}

/// Where these figures come from.
fn machine() -> String {
    let uname = rustix::system::uname();
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> =
        cpus.lines().filter_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1)).collect();
    format!(
        "{}: {} x {}, Linux {}",
        uname.nodename().to_string_lossy(),
        models.len(),
        models.first().unwrap_or(&"an unnamed processor"),
        uname.release().to_string_lossy()
    )
}
