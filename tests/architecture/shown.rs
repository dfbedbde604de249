//! `pub` is what another room uses: a module that a room shows is named by another room, a test, a benchmark or a fuzz
//! target; and what `closed` lets out of the crate for those is named there. (What is dead behind a name, the compiler
//! finds in `closed`.)

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use super::circles::expand;
use super::{ROOTS, first_word, is_word, members, names, room_of, root, shown, sources, strip_comments, tree};

/// Each two names that follow each other in a path.
type Neighbours = BTreeSet<(String, String)>;

#[test]
fn a_room_shows_only_modules_that_are_named_outside_of_it() {
    let inside = sources().into_iter().map(|file| (Some(room_of(&file)), text(&file)));
    let outside = users().into_iter().map(|file| (None, text(&file)));
    let named: Vec<(Option<String>, Neighbours)> =
        inside.chain(outside).map(|(room, text)| (room, neighbours(&text))).collect();
    let mut faults = String::new();
    for file in sources().iter().filter(|file| !ROOTS.contains(&room_of(file).as_str())) {
        let room = room_of(file);
        let above = file.file_stem().unwrap().to_str().unwrap();
        for module in text(file).lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
            // The room may hand on what a module of it shows.
            let ways = [above, &room].map(|above| (above.to_owned(), module.to_owned()));
            let is_named = |pairs: &Neighbours| ways.iter().any(|way| pairs.contains(way));
            if !named.iter().any(|(by, pairs)| by.as_ref() != Some(&room) && is_named(pairs)) {
                writeln!(faults, "{}: nobody else names pub mod {module}", shown(file)).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "`pub` is what another room uses:\n{faults}");
}

#[test]
fn what_is_let_out_of_the_crate_is_used_there() {
    let closed = text(&root().join("src/closed.rs"));
    let users: Vec<String> = users().iter().map(|file| text(file)).collect();
    let mut faults = String::new();
    for found in Regex::new(r"pub use ([^;]+);").unwrap().captures_iter(&closed) {
        for name in expand(&found[1]).iter().filter_map(|path| path.last()) {
            // The program itself begins there.
            if name != "main" && !users.iter().any(|text| names(text, name)) {
                writeln!(faults, "{name}: no test, benchmark or fuzz target names it").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "src/closed.rs lets out too much:\n{faults}");
}

/// What uses the library from outside.
fn users() -> Vec<PathBuf> {
    let folders = ["tests", "benches", "fuzz", "packaging"].map(|folder| tree(&root().join(folder)));
    folders.into_iter().flatten().filter(|file| file.extension().is_some_and(|end| end == "rs")).collect()
}

fn text(file: &Path) -> String {
    strip_comments(&fs::read_to_string(file).unwrap())
}

fn neighbours(text: &str) -> Neighbours {
    let mut pairs = BTreeSet::new();
    for (at, _) in text.match_indices("::") {
        let before = text[..at].rsplit(|letter| !is_word(letter)).next().unwrap();
        let after = &text[at + 2..];
        let followers = if after.starts_with('{') { members(after) } else { vec![first_word(after)] };
        pairs.extend(followers.into_iter().map(|follower| (before.to_owned(), follower)));
    }
    pairs
}
