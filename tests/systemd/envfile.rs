//! `EnvironmentFile=`: what lictor reads and writes, read by the systemd of this host.

#[path = "../../src/envfile/sample.rs"]
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use lictor::envfile;
use lictor::environment::{Environment, FingerprintKey, Variable, Visibility};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::rig::Rig;

/// Writes down what a file of that name gives.
const UNIT: &str = "[Service]
Type=oneshot
EnvironmentFile=/srv/files/%i
ExecStart=/usr/bin/env -0
StandardOutput=truncate:/srv/read/%i
";
/// Files that nobody would write by hand.
const RANDOM: usize = 150;

type Variables = BTreeMap<String, String>;

/// What systemd makes of each file; `None`: it refuses it.
fn by_systemd(files: &[Vec<u8>]) -> Vec<Option<Variables>> {
    let rig = Rig::bare(&[]);
    rig.write("/etc/systemd/system/read@.service", UNIT);
    rig.done("systemctl daemon-reload");
    for folder in ["/srv/files", "/srv/read"] {
        fs::create_dir(rig.path(folder)).unwrap();
    }
    // What every unit gets is seen where the file is empty.
    let files = || std::iter::once(&[][..]).chain(files.iter().map(Vec::as_slice)).enumerate();
    let mut words = "systemctl start".to_owned();
    for (number, file) in files() {
        fs::write(rig.path(&format!("/srv/files/{number}")), file).unwrap();
        write!(words, " read@{number}").unwrap();
    }
    // It fails if any file is refused.
    rig.run(&words);
    let read = |number| Some(variables(&fs::read(rig.path(&format!("/srv/read/{number}"))).ok()?));
    let always: BTreeSet<String> = read(0).expect("an empty file can be read").into_keys().collect();
    let read = files().skip(1).map(|(number, file)| {
        let state = rig.done(&format!("systemctl show --property Result --value read@{number}"));
        let mut variables = match state.trim() {
            "success" => read(number).unwrap(),
            "resources" => return None,
            other => panic!("{other}: {:?}", String::from_utf8_lossy(file)),
        };
        variables.retain(|name, _| !always.contains(name));
        Some(variables)
    });
    read.collect()
}

fn variables(listed: &[u8]) -> Variables {
    let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    str::from_utf8(listed).unwrap().split_terminator('\0').map(|word| pair(word).unwrap()).collect()
}

fn by_lictor(file: &[u8]) -> Option<Variables> {
    let (entries, _) = envfile::parse(file).ok()?;
    Some(entries.into_iter().map(|(name, value)| (name, value.expose_str().unwrap().to_owned())).collect())
}

#[test]
fn lictor_reads_a_file_as_systemd_does() {
    let mut files: Vec<Vec<u8>> = sample::VALUES.iter().map(|(text, _)| text.as_bytes().to_vec()).collect();
    let more: [&[u8]; 8] = [
        b"B=1\rA=2\r",
        b"# x \\\nA=1\nB=2",
        b"A='1'\nB=\"2\"\nC=3",
        b"export A=1\n1P=x\nV-W=hunter2\n\nhunter2\nOK=1\n=x\nQ='a\nb",
        b"A=1\nB=\0",
        b"A=1\nB=\xff",
        b"A=1\n\xff=1",
        b"# \xff\nA=1\nno assignment \xff\nB=1",
    ];
    files.extend(more.map(<[u8]>::to_vec));
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["A=", "B=", "A", "\n"]),
        6 => prop::sample::select(vec!["\\", "\"", "'", " ", "\t", "\n", "\r", "#", ";", "=", "$", "`", "x", "1", "é", "-"]),
    ];
    let file = prop::collection::vec(piece, 1..24).prop_map(|pieces| pieces.concat().into_bytes());
    let mut runner = TestRunner::deterministic();
    files.extend((0..RANDOM).map(|_| file.new_tree(&mut runner).unwrap().current()));

    // A comment that ends in a backslash ends with its line, as systemd has it since 254: an older one swallows the next.
    if systemd_version() < 254 {
        files.retain(|file| !has_a_comment_that_goes_on(file));
    }
    assert_eq!(by_lictor(b"# x \\\nA=1\nB=2"), Some([("A", "1"), ("B", "2")].map(owned).into()));
    let read = by_systemd(&files);
    assert!(read.iter().flatten().filter(|variables| !variables.is_empty()).count() > RANDOM / 2, "{read:#?}");
    for (file, read) in files.iter().zip(read) {
        assert_eq!(by_lictor(file), read, "lictor, systemd: {:?}", String::from_utf8_lossy(file));
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The first line of `systemctl --version`: `systemd 252 (252.39-1~deb12u1)`.
fn systemd_version() -> u32 {
    let said = Command::new("systemctl").arg("--version").output().unwrap().stdout;
    String::from_utf8(said).unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn has_a_comment_that_goes_on(file: &[u8]) -> bool {
    let line_is = |line: &[u8]| matches!(line.trim_ascii_start().first(), Some(b'#' | b';')) && line.ends_with(b"\\");
    file.split(|byte| matches!(byte, b'\n' | b'\r')).any(line_is)
}

#[test]
fn systemd_reads_what_lictor_writes() {
    let value = prop::collection::vec(prop_oneof![any::<char>(), prop::sample::select(ASCII.to_vec())], 0..40);
    let value = value.prop_map(|characters| characters.into_iter().filter(|character| *character != '\0').collect());
    let mut runner = TestRunner::deterministic();
    let mut wanted =
        Variables::from([("A".into(), sample::ODD.into()), ("B".into(), String::new()), ("_c9".into(), "\\".into())]);
    wanted.extend((0..RANDOM).map(|number| {
        let value: String = value.new_tree(&mut runner).unwrap().current();
        (format!("V_{number}"), value)
    }));
    let variable = |value: &str| Variable::new(value.to_owned().into(), Arc::from("test"), Visibility::Secret);
    let environment = wanted.iter().map(|(name, value)| (name.clone(), variable(value))).collect();
    let file = envfile::write(&Environment::fingerprinted(&FingerprintKey::new(&[0; 32]), environment)).unwrap();
    let read = by_systemd(&[file]).pop().unwrap().expect("systemd takes the file");
    assert_eq!(read, wanted);
}

/// What a reader may take for more than itself.
const ASCII: [char; 16] = ['\\', '"', '\'', '$', '`', '#', ';', '=', ' ', '\n', '\r', '\t', '{', '}', '!', '\u{1b}'];
