//! `-ldflags -X`: where its value is still to be found.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use lictor::cli::buildinfo::{self, Format};
use lictor::gobuild;

use crate::workshop::{Workshop, run};

const SET: &str = "-ldflags=-X main.version=1.214";
const SET_AND_STRIPPED: &str = "-ldflags=-s -w -X main.version=1.214";
const SET_WITHOUT_DWARF: &str = "-ldflags=-w -X main.version=1.214";
const SET_EXTERNALLY: &str = "-ldflags=-linkmode=external -X main.version=1.214";
const PIE: &str = "-buildmode=pie";

/// A version and who said it.
type Told = Option<(String, String)>;

fn told(program: &Path) -> Told {
    told_of(program, "main.version")
}

fn told_of(program: &Path, symbol: &str) -> Told {
    let file = gobuild::open(program).expect("the program");
    let told = gobuild::version_of(&file, symbol);
    Some((told.version?, told.source?))
}

/// What every program here is, if somebody tells.
fn by(source: &str) -> Told {
    ("1.214".to_owned(), source.to_owned()).into()
}

/// The text for people starts with what `go version -m` says, to the letter.
fn agrees_with_go(shop: &Workshop, program: &Path) {
    let text = buildinfo::run(program, "main.version", Format::Text).expect("a Go program");
    let verdict = text.strip_prefix(&shop.go_version(program));
    assert!(verdict.is_some_and(|verdict| verdict.starts_with("version  ")), "{text}");
}

#[test]
fn every_way_to_build() {
    let shop = Workshop::new();
    let ways: [(&str, &[&str], Told); 12] = [
        ("plain", &[SET], by("ldflags")),
        ("trimmed", &["-trimpath", SET], by("symbol")),
        ("stripped", &[SET_AND_STRIPPED], by("ldflags")),
        ("trimmed-without-dwarf", &["-trimpath", SET_WITHOUT_DWARF], by("symbol")),
        ("trimmed-and-stripped", &["-trimpath", SET_AND_STRIPPED], None),
        ("pie", &[PIE, SET], by("ldflags")),
        ("pie-trimmed", &[PIE, "-trimpath", SET], by("symbol")),
        ("pie-trimmed-and-stripped", &[PIE, "-trimpath", SET_AND_STRIPPED], None),
        ("pie-external", &[PIE, SET_EXTERNALLY], by("ldflags")),
        ("pie-external-trimmed", &[PIE, "-trimpath", SET_EXTERNALLY], by("symbol")),
        ("unset", &[], None),
        ("twice", &["-ldflags=-X main.version=1.213 -X 'main.version=1.214' -X 'main.note=a b'"], by("ldflags")),
    ];
    for (name, arguments, expected) in ways {
        let program = shop.build(name, arguments);
        assert_eq!(told(&program), expected, "{name}");
        agrees_with_go(&shop, &program);
    }

    // GNU strip takes the symbols, and leaves what Go needs itself.
    for (name, expected) in [("plain", by("ldflags")), ("pie", by("ldflags")), ("trimmed", None)] {
        let program = shop.place(name);
        run(Command::new("strip").arg(&program));
        assert_eq!(told(&program), expected, "{name}, strip");
        agrees_with_go(&shop, &program);
    }

    // Without section headers, which no program needs to run.
    for name in ["plain", "stripped", "pie", "pie-external", "twice"] {
        let program = shop.place(name);
        remove_section_headers(&program);
        assert_eq!(told(&program), by("ldflags"), "{name}, no section headers");
    }
    let trimmed = shop.place("pie-trimmed");
    remove_section_headers(&trimmed);
    assert_eq!(told(&trimmed), None);
    assert!(gobuild::read(&trimmed).is_ok_and(|info| info.setting("-trimpath") == Some("true")));
}

#[test]
fn a_variable_of_another_package() {
    let shop = Workshop::new();
    let symbol = "example.com/billing/internal/build.v2.Version";
    let set = format!("-ldflags=-X {symbol}=1.214");
    assert_eq!(told_of(&shop.build("plain", &[&set]), symbol), by("ldflags"));
    assert_eq!(told_of(&shop.build("trimmed", &["-trimpath", &set]), symbol), by("symbol"));
}

#[test]
fn flags_for_a_pattern() {
    let shop = Workshop::new();
    assert_eq!(told(&shop.build("all", &["-ldflags=all=-X main.version=1.214"])), by("ldflags"));
}

/// The content names the build: the same from the same source, another from another, whatever the file's name and time.
#[test]
fn builds_are_told_apart_by_their_content() {
    let shop = Workshop::new();
    let one = gobuild::identity(&shop.build("one", &[SET]));
    assert!(one.0.starts_with("go:"), "{one:?}");
    assert_eq!(gobuild::identity(&shop.build("same", &[SET])), one);
    assert_ne!(gobuild::identity(&shop.build("other", &["-ldflags=-X main.version=1.215"])), one);

    // Reproducible builds have ids that are empty or all alike: those do not count.
    for flags in ["-buildid=", "-buildid=redacted"] {
        let build = gobuild::identity(&shop.build("anonymous", &[&format!("-ldflags={flags}")]));
        assert!(build.0.starts_with("stat:"), "{flags}: {build:?}");
    }
    assert!(gobuild::identity(Path::new("/bin/sh")).0.starts_with("gnu:"));
    std::fs::write(shop.place("script"), "#!/bin/sh\n").expect("a writable directory");
    assert!(gobuild::identity(&shop.place("script")).0.starts_with("sha256:"));
    assert_eq!(gobuild::identity(&shop.place("missing")).0, "");
}

#[test]
fn json_has_what_the_text_has() {
    let shop = Workshop::new();
    let program = shop.build("plain", &[SET]);
    let text = buildinfo::run(&program, "main.version", Format::Json).expect("a Go program");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["version"], "1.214");
    assert_eq!(json["source"], "ldflags");
    assert_eq!(json["path"], "example.com/billing");
    assert_eq!(json["module"]["version"], "(devel)");
    assert_eq!(json["settings"]["-ldflags"], "-X main.version=1.214");
    assert_eq!(json["settings"]["GOOS"], "linux");
    assert_eq!(json["build"], gobuild::identity(&program).0);
}

/// Of a 64-bit file.
fn remove_section_headers(program: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(program).expect("our own program");
    file.write_all_at(&[0; 8], 0x28).expect("e_shoff");
    file.write_all_at(&[0; 4], 0x3c).expect("e_shnum and e_shstrndx");
}
