//! What a file of the machine may change: each file with methods of `Machine` says in a line `Changes:` which owners it
//! changes, and calls no method of any other that takes `&mut self`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex_lite::Regex;

use super::{root, shown, sources, strip_comments};

/// The owners of the machine's state, by their field in `Machine`, and the files with their methods.
const OWNERS: [(&str, &[&str]); 6] = [
    ("road", &["road.rs"]),
    ("targets", &["target.rs"]),
    ("process", &["process.rs", "process/beside.rs"]),
    ("trials", &["trial.rs"]),
    ("holds", &["hold.rs", "hold/guard.rs"]),
    ("traffic", &["process/traffic.rs"]),
];

/// The most files that have methods of `Machine`: each of them reaches every owner.
const MOST: usize = 8;

#[test]
fn a_file_of_the_machine_changes_only_the_owners_that_it_names() {
    let transitions = transitions();
    assert!(transitions.values().all(|methods| !methods.is_empty()), "an owner without a transition: {transitions:?}");
    let (mut faults, mut found) = (Vec::new(), 0);
    for file in sources()
        .iter()
        .filter(|file| file.strip_prefix(root().join("src/machine")).is_ok() || file.ends_with("src/machine.rs"))
    {
        let text = fs::read_to_string(file).unwrap();
        if !text.lines().any(|line| line.starts_with("impl Machine")) {
            continue;
        }
        found += 1;
        let (named, changed) = (named(&text), changed(&text, &transitions));
        if named != changed {
            faults.push(format!("{}: it names {named:?} and changes {changed:?}", shown(file)));
        }
    }
    assert!(faults.is_empty(), "against the line \"Changes:\" at the top of the file:\n{}", faults.join("\n"));
    assert!((2..=MOST).contains(&found), "{found} files have methods of Machine");
}

/// The methods by which each owner changes.
fn transitions() -> BTreeMap<&'static str, BTreeSet<String>> {
    let method = Regex::new(r"fn (\w+)\(\s*&mut self").unwrap();
    let of = |file: &&str| {
        let text = strip_comments(&fs::read_to_string(root().join("src/machine").join(file)).unwrap());
        method.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    };
    OWNERS.iter().map(|(owner, files)| (*owner, files.iter().flat_map(of).collect())).collect()
}

/// The owners in the line `Changes:` of the file's documentation.
fn named(text: &str) -> BTreeSet<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("//! Changes:")).unwrap_or_default();
    line.split(',').map(|name| name.trim_matches([' ', '`', '.']).to_owned()).filter(|name| !name.is_empty()).collect()
}

fn changed(text: &str, transitions: &BTreeMap<&'static str, BTreeSet<String>>) -> BTreeSet<String> {
    let program = strip_comments(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
    // A long call is broken before its dot.
    let program = Regex::new(r"\s+\.").unwrap().replace_all(&program, ".").into_owned();
    let call = Regex::new(r"self\.(\w+)(?:\.guard)?\.(\w+)\(").unwrap();
    let is_transition = |owner: &str, method: &str| transitions.get(owner).is_some_and(|known| known.contains(method));
    let calls = call.captures_iter(&program).filter(|found| is_transition(&found[1], &found[2]));
    calls.map(|found| found[1].to_owned()).collect()
}
