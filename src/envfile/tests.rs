use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;

use super::sample::{ODD, VALUES};
use super::{Error, MAX_BYTES, Trouble, Warning, parse, write};
use crate::environment::{Environment, Variable, Visibility};
use crate::secret::Secret;

fn read(text: &str) -> Vec<(String, String)> {
    let (entries, _) = parse(text.as_bytes()).unwrap();
    entries.into_iter().map(|(name, value)| (name, value.expose_str().unwrap().to_owned())).collect()
}

fn environment<T: Into<Secret>>(pairs: impl IntoIterator<Item = (String, T)>) -> Environment {
    let variable = |value: T| Variable::new(value.into(), Arc::from("test"), Visibility::Secret);
    Environment::new(pairs.into_iter().map(|(name, value)| (name, variable(value))).collect())
}

#[test]
fn one_value_as_systemd_reads_it() {
    for &(text, expected) in VALUES {
        assert_eq!(read(text), [("A".to_owned(), expected.to_owned())], "{text:?}");
    }
}

#[test]
fn several_lines() {
    assert_eq!(read(""), []);
    assert_eq!(read("\n \n#x\n"), []);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read("B=1\rA=2\r"), [pair("A", "2"), pair("B", "1")]);
    // A comment ends with its line, whatever stands at its end: systemd before version 254 left the next line out.
    assert_eq!(read("# x \\\nA=1\n; y\\\r\n#\\\nB=2"), [pair("A", "1"), pair("B", "2")]);
    assert_eq!(read("A='1'\nB=\"2\"\nC=3"), [pair("A", "1"), pair("B", "2"), pair("C", "3")]);
}

#[test]
fn what_is_dropped_is_said_without_its_text() {
    let text = b"export A=1\n1P=x\nV-W=hunter2\n\nhunter2\n# \xff\nOK=1\n=x\nQ='a\nb";
    let (entries, warnings) = parse(text).unwrap();
    assert_eq!(entries, [("OK".to_owned(), Secret::from("1")), ("Q".to_owned(), Secret::from("a\nb"))]);
    let expected = [
        (1, Trouble::Name),
        (2, Trouble::Name),
        (3, Trouble::Name),
        (5, Trouble::NoAssignment),
        (8, Trouble::NoAssignment),
        (9, Trouble::OpenQuote),
    ];
    assert_eq!(warnings, expected.map(|(line, trouble)| Warning { line, trouble }));
    assert!(!warnings.iter().any(|warning| warning.to_string().contains("hunter2")));
}

#[test]
fn limits() {
    assert_eq!(parse(&vec![b'#'; MAX_BYTES + 1]), Err(Error::TooLong(MAX_BYTES + 1)));
    assert!(parse(&vec![b'#'; MAX_BYTES]).is_ok());
    assert_eq!(parse(b"A=1\nB=\0"), Err(Error::Nul(2)));
    assert_eq!(parse(b"A=1\nB=\xff"), Err(Error::NotUtf8(2)));
    assert_eq!(parse("x\n".repeat(1000).as_bytes()).unwrap().1.len(), 20);
}

#[test]
fn what_cannot_be_written() {
    let odd = [("db/port".to_owned(), vec![b'1']), ("N".to_owned(), vec![0]), ("U".to_owned(), vec![0xff])];
    let Err(Error::Unwritable(names)) = write(&environment(odd)) else { panic!("must be refused") };
    assert_eq!(names, [r#""N""#, r#""U""#, r#""db/port""#]);
    let long = environment([("A".to_owned(), "v".repeat(MAX_BYTES))]);
    assert!(matches!(write(&long), Err(Error::TooLong(_))));
}

#[test]
fn the_shell_reads_what_was_written() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let pairs = [("A".to_owned(), ODD), ("B".to_owned(), ""), ("_c9".to_owned(), "\\")];
    file.write_all(&write(&environment(pairs)).unwrap()).unwrap();
    let output = Command::new("sh")
        .args(["-c", r#". "$1"; printf '%s|%s|%s' "$A" "$B" "$_c9""#, "sh"])
        .arg(file.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{ODD}||\\"));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(
        pairs in prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,5}", "(\\PC|[\\\\\"'$`#;= \n\r\t]){0,12}", 0..6),
    ) {
        let file = write(&environment(pairs.clone())).unwrap();
        let (entries, warnings) = parse(&file).unwrap();
        prop_assert_eq!(warnings, []);
        let back: BTreeMap<_, _> =
            entries.into_iter().map(|(name, value)| (name, value.expose_str().unwrap().to_owned())).collect();
        prop_assert_eq!(back, pairs);
    }

    #[test]
    fn never_panics(text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"A=\\\"' \n\r#".to_vec())], 0..60)) {
        let _ = parse(&text);
    }
}
