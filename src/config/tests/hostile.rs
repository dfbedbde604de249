//! Whatever a file holds, reading it ends with settings or with errors.

use proptest::prelude::*;

use super::{Case, LEAST, errors_of};

const SURFACE: &str = include_str!("surface.hcl");

/// Pieces that a parser likes to stumble over.
const PIECES: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    ",",
    "\n",
    "\\",
    "${",
    "%{",
    "<<E\n",
    "env(",
    "env(\"X\")",
    "null",
    "-",
    "0",
    "0644",
    "1e999",
    "99999999999999999999",
    "\u{0}",
    "é",
    "\u{feff}",
    "prefix",
    "check",
    "exec",
    "wait",
    "key \"A\" {\n",
    "/*",
    "#",
    "'",
    "? :",
    "\"a\":1",
    "consul.",
    "true",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_configuration_is_read_or_refused(
        edits in prop::collection::vec((0usize..SURFACE.len(), 0usize..40, prop::sample::select(PIECES)), 1..6),
        json in any::<bool>(),
    ) {
        let mut text = SURFACE.to_owned();
        for (at, cut, piece) in edits {
            let start = text.floor_char_boundary(at.min(text.len()));
            let end = text.floor_char_boundary((start + cut).min(text.len()));
            text.replace_range(start..end.max(start), piece);
        }
        let name = if json { "a.json" } else { "a.hcl" };
        if let Err(errors) = Case::of(&[(name, &text)]).load() {
            prop_assert!(!errors.errors.is_empty());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", json in any::<bool>()) {
        let name = if json { "a.json" } else { "a.hcl" };
        if let Err(errors) = Case::of(&[(name, &text)]).load() {
            prop_assert!(!errors.errors.is_empty());
        }
    }
}

#[test]
fn a_configuration_cut_anywhere_is_read_or_refused() {
    let json = "{\"prefix\": [{\"path\": \"a\"}], \"exec\": {\"command\": [\"x\", \"\\u00e9\"], \"env\": {}}}";
    for text in [SURFACE, LEAST, json] {
        for at in (0..text.len()).step_by(if text.len() > 500 { 7 } else { 1 }) {
            let _ = Case::of(&[("a", &text[..at])]).load();
        }
    }
}

#[test]
fn depth_has_an_end() {
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let text = format!("{{\"x\":{}1{}}}", open.repeat(5_000), close.repeat(5_000));
        assert!(Case::of(&[("a.json", &text)]).errors().contains("nested too deeply"));
    }
    for (open, close) in [("[", "]"), ("{a=", "}"), ("(", ")"), ("f(", ")"), ("!", ""), ("\"${", "}\"")] {
        let text = format!("x = {}1{}", open.repeat(5_000), close.repeat(5_000));
        assert_ne!(errors_of(&text), "no error", "{open}");
    }
    assert_ne!(errors_of(&"a {\n".repeat(5_000)), "no error");
}

#[test]
fn size_has_an_end() {
    let errors = Case::of(&[("a.hcl", &"#".repeat(128 * 1024 + 1))]).errors();
    assert!(errors.contains("larger than 128 KiB"), "{errors}");
}

#[test]
fn a_file_that_cannot_be_read_hides_no_error_of_another() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("a.hcl", &b"colour = 1\n"[..]), ("b.hcl", b"x = \"\xff\"\n"), ("c.hcl", b"shape = 2\n")] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let flags = crate::config::Flags::default();
    let paths = [directory.path().to_owned()];
    let inputs = crate::config::Inputs { paths: &paths, flags: &flags, command: &[], lookup: &|_| None };
    let errors = crate::config::load(inputs).unwrap_err().to_string();
    for place in ["a.hcl:1:1", "b.hcl:1:1: not UTF-8", "c.hcl:1:1"] {
        assert!(errors.contains(place), "{place}: {errors}");
    }
}

#[test]
fn what_is_not_utf_8_says_which_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.hcl");
    std::fs::write(&path, b"x = 1\ny = \"\xff\"\n").unwrap();
    let flags = crate::config::Flags::default();
    let inputs = crate::config::Inputs { paths: &[path], flags: &flags, command: &[], lookup: &|_| None };
    let errors = crate::config::load(inputs).unwrap_err().to_string();
    assert!(errors.ends_with("a.hcl:2:1: not UTF-8: save the file as UTF-8"), "{errors}");
}

#[test]
fn nonsense_that_would_keep_the_parser_busy_for_years_is_refused_at_once() {
    let text = format!("a = 1.t/{}\"", "{b/c/".repeat(40));
    let errors = errors_of(&text);
    assert_eq!(errors.trim_end(), "a.hcl:1:49: this is nested too deeply: close a brace, bracket or parenthesis above");
}
