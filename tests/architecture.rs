//! Holds `src/` to the table of allowed imports in `ARCHITECTURE.md`, and the tree to a few rules of the house.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/owners.rs"]
mod owners;
#[path = "architecture/shown.rs"]
mod shown_modules;
#[path = "architecture/walks.rs"]
mod walks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that decide and never act, and what would be acting.
const PURE: [&str; 2] = ["machine", "environment"];
const ACTING: [&str; 13] = [
    "tokio",
    "reqwest",
    "hyper",
    "rustix",
    "libc",
    "tracing",
    "fastrand",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
];

/// What no room names outside its tests, and why.
const NOWHERE: [(&str, &str); 3] = [
    ("Mutex", "nothing is locked: level data travels by watch, edge data by the driver's inbox"),
    ("RwLock", "nothing is locked"),
    (
        "std::time::Instant",
        "the machine's time is a Moment, handed in; timers use tokio::time::Instant, which tests can pause",
    ),
];

/// Where tasks and threads are begun without the help of `revive`, and what becomes of one that panics.
const SEEN: [(&str, &str); 9] = [
    ("src/offload.rs", "whoever waits for it gets an error"),
    ("src/bulkhead.rs", "all who wait for it get an error, and its place is free"),
    ("src/check/round.rs", "each poll of a probe is caught, and what is caught is its finding"),
    ("src/check/net/web.rs", "it carries one connection: whoever asked gets its end as an error"),
    ("src/metrics/statsd/address.rs", "a look-up is begun again half a minute later"),
    ("src/listen/relay.rs", "it carries one connection, which ends"),
    ("src/driver/pending_answers.rs", "it is logged, and the operator gets an error"),
    ("src/source/watched.rs", "the panic goes on in the source's task, which is begun anew"),
    ("src/cli/served.rs", "compiled for tests only"),
];

/// The longest a file of the program may be, in lines.
const LONGEST: usize = 500;

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let table = allowed_imports(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let rooms = rooms();
    let mut faults = String::new();
    for room in rooms.iter().filter(|room| !table.contains_key(*room)) {
        writeln!(faults, "src/{room}.rs: the room has no row in the table of ARCHITECTURE.md").unwrap();
    }
    for file in sources() {
        let room = room_of(&file);
        let Some(allowed) = table.get(&room) else { continue };
        for (line, used) in rooms_named_in(&strip_comments(&fs::read_to_string(&file).unwrap())) {
            if used != room && rooms.contains(&used) && !allowed.contains(&used) {
                writeln!(faults, "{}:{line}: {room} may not import {used}", shown(&file)).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "against the table in ARCHITECTURE.md:\n{faults}");
}

#[test]
fn the_table_has_no_circle() {
    let table = allowed_imports(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let mut placed = BTreeSet::new();
    while placed.len() < table.len() {
        let next: Vec<&String> = table
            .iter()
            .filter(|(room, uses)| !placed.contains(*room) && uses.iter().all(|used| placed.contains(used)))
            .map(|(room, _)| room)
            .collect();
        assert!(!next.is_empty(), "these import each other in a circle, or a room without a row: {:?}", {
            table.keys().filter(|room| !placed.contains(*room)).collect::<Vec<_>>()
        });
        placed.extend(next.into_iter().cloned());
    }
}

#[test]
fn the_deciding_rooms_do_not_act() {
    let mut faults = String::new();
    for (file, number, line) in lines_outside_tests().filter(|(file, ..)| PURE.contains(&room_of(file).as_str())) {
        for word in ACTING.iter().filter(|word| names(&line, word)) {
            writeln!(faults, "{}:{number}: {word} acts, and this room only decides", shown(&file)).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn no_room_locks_or_has_a_clock_of_its_own() {
    let mut faults = String::new();
    for (file, number, line) in lines_outside_tests() {
        // `use std::time::{Duration, Instant}` names it as well.
        let line = if line.contains("std::time::{") { line.replace("Instant", "std::time::Instant") } else { line };
        for (word, why) in NOWHERE.iter().filter(|(word, _)| names(&line, word)) {
            writeln!(faults, "{}:{number}: {word}: {why}", shown(&file)).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn no_panic_of_a_task_goes_unseen() {
    let mut lines: BTreeMap<PathBuf, Vec<(usize, String)>> = BTreeMap::new();
    for (file, number, line) in lines_outside_tests() {
        lines.entry(file).or_default().push((number, line));
    }
    let mut faults = String::new();
    for (file, lines) in lines {
        let spawns = |line: &str| line.contains("spawn_blocking(") || line.replace(".spawn()", "").contains(".spawn(");
        let Some((number, _)) = lines.iter().find(|(_, line)| spawns(line)) else { continue };
        let seen = lines.iter().any(|(_, line)| names(line, "revived") || names(line, "caught"));
        if !seen && !SEEN.iter().any(|(known, _)| *known == shown(&file)) {
            writeln!(faults, "{}:{number}: who begins this anew, or answers in its place, if it panics?", shown(&file))
                .unwrap();
        }
    }
    assert!(faults.is_empty(), "begin it by `revive::revived`, or answer for it by `revive::caught`:\n{faults}");
}

#[test]
fn files_are_short_and_rooms_stand_beside_their_folder() {
    let mut faults = String::new();
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        if lines > LONGEST {
            writeln!(faults, "{}: {lines} lines: split it, one idea a file", shown(&file)).unwrap();
        }
        if file.file_name().unwrap() == "mod.rs" {
            writeln!(faults, "{}: a room is a file beside its folder", shown(&file)).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn nothing_unfinished_or_local_is_left_in_the_text() {
    // Put together here, so that this file does not find itself.
    let unfinished =
        ["TO-DO", "FIX-ME", "XX-X", "HA-CK", "todo-!", "unimplemented-!"].map(|word| word.replace('-', ""));
    let local = ["-work/", "-Users/"].map(|word| word.replace('-', "/"));
    let hosts = ["proxy.golang-org", "sum.golang-org", "static.crates-io", "index.crates-io", "files.pythonhosted-org"]
        .map(|word| word.replace('-', "."));
    let mut faults = String::new();
    for file in tree(root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            let found = unfinished
                .iter()
                .filter(|word| names(line, word))
                .chain(local.iter().chain(&hosts).filter(|word| line.contains(word.as_str())));
            for word in found {
                writeln!(faults, "{}:{number}: {word}", shown(&file)).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "unfinished work, a path of one machine or a registry's host:\n{faults}");
}

#[test]
fn the_finder_of_imports_finds_them_in_every_form() {
    let text = "use crate::consul;\nuse crate::{\n    check::{Kind, Spec},\n    machine as core,\n};\nfn f() { lictor::http::serve(crate::secret::X) }\n";
    let found: Vec<(usize, String)> = rooms_named_in(text);
    let expected = [(1, "consul"), (2, "check"), (2, "machine"), (6, "http"), (6, "secret")];
    assert_eq!(found, expected.map(|(line, room)| (line, room.to_owned())));
}

/// The rows of the table that begins with `| room | may import |`.
fn allowed_imports(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = document.lines().skip_while(|line| !line.starts_with("| room | may import")).skip(2);
    let table: BTreeMap<_, _> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let room = cells.next().unwrap().to_owned();
            let uses = cells.next().unwrap().split(',').map(str::trim).filter(|name| !name.is_empty());
            (room, uses.map(str::to_owned).collect())
        })
        .collect();
    assert!(table.len() > 10, "ARCHITECTURE.md has lost its table of allowed imports");
    table
}

/// What stands right after `crate::` or `lictor::`, with its line; a group `crate::{a, b::{..}}` counts for each.
fn rooms_named_in(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "lictor::"] {
        let (mut line, mut counted) = (1, 0);
        for (at, _) in text.match_indices(prefix) {
            line += text[counted..at].matches('\n').count();
            counted = at;
            if text[..at].chars().next_back().is_some_and(is_word) {
                continue;
            }
            let rest = &text[at + prefix.len()..];
            let names = if rest.starts_with('{') { members(rest) } else { vec![first_word(rest)] };
            found.extend(names.into_iter().map(|name| (line, name)));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The first word of each member of a group that begins at `{`.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut member = String::new();
    let mut all = Vec::new();
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (depth, letter) {
            (0, _) | (1, ',') => all.push(std::mem::take(&mut member)),
            (1, '{') => {}
            _ => member.push(letter),
        }
        if depth == 0 {
            break;
        }
    }
    all.iter().map(|member| first_word(member.trim())).filter(|word| !word.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|&letter| is_word(letter)).collect()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether `line` has `word` as a whole word.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_word)
            && !line[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

/// The same lines without what follows `//`, so that a doc link is no import.
fn strip_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

/// The two roots of the library: as it is built, and as the linter reads it.
const ROOTS: [&str; 2] = ["lib", "closed"];

/// The modules right under the crate's root.
fn rooms() -> BTreeSet<String> {
    sources().iter().map(|file| room_of(file)).filter(|room| !ROOTS.contains(&room.as_str())).collect()
}

/// `machine` for `src/machine.rs` and for every file in `src/machine/`.
fn room_of(file: &Path) -> String {
    let first = file.strip_prefix(root().join("src")).unwrap().iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Every line of the program with its file and number, but for comments and what is only compiled for tests.
fn lines_outside_tests() -> impl Iterator<Item = (PathBuf, usize, String)> {
    let is_test = |file: &PathBuf| {
        let parts = file.iter().filter_map(|part| part.to_str());
        parts.into_iter().any(|part| matches!(part, "tests" | "tests.rs" | "laws" | "laws.rs"))
    };
    sources().into_iter().filter(move |file| !is_test(file)).flat_map(|file| {
        let text = strip_comments(&fs::read_to_string(&file).unwrap());
        // A test module in the same file stands at its end.
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines: Vec<String> = program.lines().map(str::to_owned).collect();
        (1..).zip(lines).map(move |(number, line)| (file.clone(), number, line))
    })
}

fn sources() -> Vec<PathBuf> {
    tree(&root().join("src")).into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs")).collect()
}

/// Every file of the project, but for what is built, found by fuzzing, locked or kept by version control.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if matches!(name.to_str(), Some(".git" | "target" | "corpus" | "artifacts" | "Cargo.lock" | "go.sum")) {
            continue;
        }
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(tree(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files.sort();
    files
}
