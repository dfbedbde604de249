//! What the README and `docs/` promise is what the program has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says why by its panic")]

#[path = "readme/members.rs"]
mod members;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lictor::cli::args::flags;
use lictor::config::{PROMOTION, TOP, reference};
use lictor::machine::board::{CheckState, ConfigState, Phase, StepName};
use lictor::machine::{Machine, Moment, Policy, Restored};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The README and everything in `docs/`.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let docs = docs.filter(|name| name.extension().is_some_and(|ending| ending == "md"));
    let docs = docs.map(|name| format!("docs/{}", name.display()));
    let names = docs.chain(["README.md".to_owned(), "CONTRIBUTING.md".to_owned()]);
    names.map(|name| (name.clone(), page(&name))).collect()
}

/// The program's text without its tests, by file.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") && !path.ends_with("laws") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned()));
            }
        }
    }
    found
}

#[test]
fn the_readme_is_short() {
    let lines = page("README.md").lines().count();
    assert!(lines < 150, "{lines} lines: move something to docs/");
}

#[test]
fn the_reference_is_made_from_the_tables_and_the_flags() {
    let made = reference::markdown(&TOP, &PROMOTION, flags());
    let committed = page("docs/configuration.md");
    let differs = committed.lines().zip(made.lines()).find(|(committed, made)| committed != made);
    assert!(
        committed == made,
        "docs/configuration.md is not what the tables say ({differs:?}); cargo run --example pages -- docs/configuration.md \
         writes it anew"
    );
    for row in ["| `--exec-kill-timeout` | `exec.kill_timeout` |", "| `--consul-addr` | `consul.address` |"] {
        assert!(made.lines().any(|line| line == row), "{row}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut broken = String::new();
    for (name, text) in pages() {
        let folder = root().join(&name).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            if link.starts_with("http") {
                continue;
            }
            let target = if file.is_empty() { root().join(&name) } else { folder.join(file) };
            let headings = fs::read_to_string(&target).unwrap_or_default();
            let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            let there =
                section.is_empty() || headings.lines().any(|line| line.starts_with('#') && heading(line) == section);
            if !target.exists() || !there {
                writeln!(broken, "{name}: {link}").unwrap();
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

/// Each block of HCL is read by the program, beside what every configuration needs.
#[test]
fn every_configuration_that_is_shown_is_valid() {
    let folder = tempfile::TempDir::new().unwrap();
    let base = folder.path().join("0.hcl");
    fs::write(&base, "file {\n  path = \"/etc/x.env\"\n}\nexec {\n  command = [\"/bin/true\"]\n}\n").unwrap();
    let (mut wrong, mut read) = (String::new(), 0);
    for (name, text) in pages() {
        for block in text.split("```hcl\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
            read += 1;
            let file = folder.path().join("shown.hcl");
            fs::write(&file, format!("{block}\n")).unwrap();
            let mut check = Command::new(env!("CARGO_BIN_EXE_lictor"));
            let output = check.args(["check", "-c"]).arg(&base).arg("-c").arg(&file).output().unwrap();
            if !output.status.success() {
                let said = [output.stdout, output.stderr].concat();
                writeln!(wrong, "{name}:\n{block}\n{}", String::from_utf8_lossy(&said)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty() && read >= 10, "{read} were read; wrong are:\n{wrong}");
}

/// Every sentence that `"Config"` may begin with, as the program's text has it.
fn sentences() -> BTreeSet<String> {
    let begins = regex_lite::Regex::new(r#""([A-Z][a-z]+(?: [a-z]+){0,3}(?::| since)) [a-z: ]*\{"#).unwrap();
    let mut found = BTreeSet::new();
    for (_, text) in sources("src/machine") {
        found.extend(begins.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    found
}

#[test]
fn every_sentence_of_config_has_its_remedy() {
    let text = page("docs/troubleshooting.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### `")).collect();
    let sentences = sentences();
    assert!(sentences.contains("Held:") && sentences.contains("Stale since"), "{sentences:?}");
    for sentence in &sentences {
        let there = headings.iter().any(|heading| heading.starts_with(sentence.as_str()));
        assert!(there, "docs/troubleshooting.md has no heading for \"{sentence} ..\"");
    }
    for heading in headings {
        let said = sentences.iter().any(|sentence| heading.starts_with(sentence.as_str()));
        assert!(said, "nothing says \"{heading}\" any more");
    }
}

#[test]
fn every_path_is_described() {
    let resources = page("src/http/resources.rs");
    let served = regex_lite::Regex::new(r#""(/[a-z]+)" => Self::"#).unwrap();
    let served: BTreeSet<String> = served.captures_iter(&resources).map(|found| found[1].to_owned()).collect();
    let text = page("docs/http.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `/"));
    let described: BTreeSet<String> = rows.map(|row| format!("/{}", row.split(['`', '?']).next().unwrap())).collect();
    assert_eq!(described, served);
}

/// The exit codes in the documentation are those of `lictor --help`, and no other number is in the program's text.
#[test]
fn every_exit_code_is_described() {
    let help = Command::new(env!("CARGO_BIN_EXE_lictor")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let codes: BTreeSet<u8> = codes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    let text = page("docs/operating.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    assert_eq!(rows.collect::<BTreeSet<u8>>(), codes);
    let constant = regex_lite::Regex::new(r"const [A-Z_]+: u8 = (\d+);").unwrap();
    for (path, text) in sources("src/cli").into_iter().chain(sources("src/app")) {
        for code in constant.captures_iter(&text).map(|found| found[1].parse::<u8>().unwrap()) {
            assert!(codes.contains(&code), "{}: {code} is described nowhere", path.display());
        }
    }
}

/// What a board is made of. Where both rooms have a type of one name, that of the machine is meant.
fn deciding() -> Vec<(PathBuf, String)> {
    [sources("src/environment"), sources("src/machine")].concat()
}

#[test]
fn every_member_of_the_board_is_described() {
    let members = members::of("Board", &deciding());
    are_described(&members, "docs/board.md");
    assert!(members.contains("checks[].latency_ms") && members.contains("beside.pid"), "{members:?}");
}

#[test]
fn every_member_of_a_fleet_is_described() {
    let members = members::of("Picture", &sources("src/fleet"));
    are_described(&members, "docs/fleet.md");
    assert!(
        members.contains("instances[].node") && members.contains("instances[].details.checks[].state"),
        "{members:?}"
    );
}

/// The table of a page has these members and no other.
fn are_described(members: &BTreeSet<String>, name: &str) {
    let text = page(name);
    let (_, table) = text.split_once("## Every member\n").unwrap_or_else(|| panic!("{name} has no table of members"));
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    let described: BTreeSet<String> = rows.collect();
    let missing: Vec<_> = members.difference(&described).collect();
    let gone: Vec<_> = described.difference(members).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{name} lacks {missing:?} and has {gone:?}");
}

/// What the types say of a board is what is written.
#[test]
fn the_members_of_the_board_are_those_that_are_written() {
    let members = members::of("Board", &deciding());
    let mut machine = Machine::new(Policy::new("billing"), Restored::default(), 1, Moment(0), 0);
    let board = serde_json::to_value(machine.board(None)).unwrap();
    for (name, value) in board.as_object().unwrap() {
        assert!(members.contains(name), "{name}");
        for inner in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(members.contains(&format!("{name}.{inner}")), "{name}.{inner}");
        }
    }
}

#[test]
fn every_word_of_a_state_is_described() {
    use ConfigState as C;
    use StepName as S;
    let config = [
        [C::Waiting, C::Good, C::Pending, C::Trial, C::Reverted].map(word).to_vec(),
        [C::Rejected, C::Held, C::Halted, C::Inconclusive, C::BuildFailed, C::NoGood].map(word).to_vec(),
    ]
    .concat();
    let words = [
        config.clone(),
        [Phase::Absent, Phase::BackingOff, Phase::Starting, Phase::Up, Phase::Leaving, Phase::Stopping]
            .map(word)
            .to_vec(),
        [S::Settling, S::Guarded, S::Checked, S::Turn, S::Switched, S::Trial, S::Reverting].map(word).to_vec(),
        [CheckState::Unknown, CheckState::Passing, CheckState::Failing].map(word).to_vec(),
    ];
    let text = page("docs/board.md");
    for word in words.concat() {
        assert!(text.contains(&format!("`{word}`")), "docs/board.md does not name {word}");
    }
    let text = page("docs/safe-config-changes.md");
    for word in config {
        assert!(text.contains(&format!("| `{word}` |")), "docs/safe-config-changes.md does not say what {word} asks");
    }
}

fn word(state: impl serde::Serialize) -> String {
    match serde_json::to_value(state).unwrap() {
        Value::String(word) => word,
        other => panic!("{other}"),
    }
}
