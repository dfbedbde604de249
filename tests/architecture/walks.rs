//! The walks in `ARCHITECTURE.md`: every file on them exists, defines the function that is named beside it, and some file on the
//! walk calls it. A walk does not get longer unnoticed.

use std::fs;

use super::{names, root, strip_comments};

/// How each walk is introduced, and how many files it has at the most.
const WALKS: [(&str, usize); 2] = [
    ("From a value in Consul's KV store to the environment of the child:", 15),
    ("From the answer to an HTTP probe to the verdict and the board:", 12),
];

/// A row of a walk, with the text of its file.
struct Stop {
    file: String,
    function: String,
    reason: String,
    text: String,
}

#[test]
fn the_walks_are_as_they_are_written_down() {
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (title, longest) in WALKS {
        let stops = walk(&document, title);
        let count = stops.len();
        assert!(count > 1, "ARCHITECTURE.md has lost the walk \"{title}\"");
        assert!(count <= longest, "{title} {count} files: which of them can go?");
        for Stop { file, function, reason, text } in &stops {
            assert!(!reason.is_empty(), "{file}: why is it on the walk?");
            assert!(defines(text, function), "{file} does not define `{function}`");
            assert!(
                stops.iter().any(|stop| calls(&stop.text, function)),
                "no file on the walk calls `{function}` of {file}"
            );
        }
    }
}

fn walk(document: &str, title: &str) -> Vec<Stop> {
    let rows = document.lines().skip_while(|line| *line != title).skip_while(|line| !line.starts_with('|')).skip(2);
    let stop = |row: &str| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        let mut cell = || cells.next().unwrap_or_default();
        let (file, function, reason) = (cell(), cell(), cell());
        let text = fs::read_to_string(root().join("src").join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        // A test module in the same file stands at its end.
        let text = strip_comments(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
        Stop { file, function, reason, text }
    };
    rows.take_while(|line| line.starts_with('|')).map(stop).collect()
}

fn defines(text: &str, function: &str) -> bool {
    text.lines().any(|line| names(line, &format!("fn {function}")))
}

fn calls(text: &str, function: &str) -> bool {
    let call = format!("{function}(");
    text.lines().any(|line| line.contains(&call) && names(line, function) && !line.contains(&format!("fn {function}")))
}
