use super::super::{BuildInfo, Error, Module};
use super::parse;

fn module(path: &str, version: &str, sum: &str) -> Module {
    Module { path: path.to_owned(), version: version.to_owned(), sum: sum.to_owned(), replace: None }
}

#[test]
fn every_kind_of_line() {
    let text = "path\texample.com/billing/cmd\n\
                mod\texample.com/billing\t(devel)\t\n\
                dep\tgolang.org/x/sys\tv0.30.0\th1:abc=\n\
                dep\tgolang.org/x/net\tv0.35.0\n\
                =>\texample.com/net\tv0.35.1\th1:def=\n\
                build\t-ldflags=\"-X main.version=1.214 -X 'main.note=a b'\"\n\
                build\t\"a key\"=`b c`\n\
                build\tCGO_CFLAGS=\n\
                future\twhatever\n";
    let info = parse("go1.26.8".to_owned(), text).expect("well-formed lines");
    let replaced = Module {
        replace: Some(Box::new(module("example.com/net", "v0.35.1", "h1:def="))),
        ..module("golang.org/x/net", "v0.35.0", "")
    };
    let settings = [("-ldflags", "-X main.version=1.214 -X 'main.note=a b'"), ("a key", "b c"), ("CGO_CFLAGS", "")];
    assert_eq!(
        info,
        BuildInfo {
            go: "go1.26.8".to_owned(),
            path: "example.com/billing/cmd".to_owned(),
            module: Some(module("example.com/billing", "(devel)", "")),
            dependencies: vec![module("golang.org/x/sys", "v0.30.0", "h1:abc="), replaced],
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        }
    );
}

#[test]
fn wrong_lines_are_named() {
    for wrong in [
        "mod\tonly",
        "dep\ta\tb\tc\td",
        "=>\ta\tv1\th1:",
        "build\tnothing",
        "build\t\"open=1",
        "build\t\"a\"1",
        "build\ta=\"b\"c",
    ] {
        let parsed = parse("go1.26.8".to_owned(), &format!("path\tx\n{wrong}\n"));
        assert!(matches!(parsed, Err(Error::Garbled { line: 2 })), "{wrong:?}: {parsed:?}");
    }
}

#[test]
fn too_many_lines_are_refused() {
    let parsed = parse("go1.26.8".to_owned(), &"dep\ta\tb\n".repeat(8_193));
    assert!(matches!(parsed, Err(Error::Garbled { line: 8_193 })), "{parsed:?}");
}
