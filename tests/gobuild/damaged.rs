//! Files that are not to be trusted: an answer or an error, never a panic, a hang or much memory.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lictor::gobuild;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::workshop::Workshop;

/// What all of it together may have added to our memory, in KiB.
const MOST_MEMORY: u64 = 16 << 10;

fn ask_everything(file: &File) {
    let _ = gobuild::read_file(file);
    let _ = gobuild::version_of(file, "main.version");
    let _ = gobuild::identity_of_file(file);
}

/// A line of `/proc/self/status`, in KiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("a known line");
    value.trim_end_matches("kB").trim().parse().expect("a number")
}

fn writable(program: &Path) -> File {
    File::options().read(true).write(true).open(program).expect("our own program")
}

/// Where headers, build information, names and symbols stand: the rest of the file is never read.
fn interesting(program: &Path) -> Vec<u64> {
    let content = std::fs::read(program).expect("our own program");
    let number = |at: usize| u64::from_le_bytes(content[at..at + 8].try_into().expect("eight bytes"));
    let table = number(0x28);
    let mut places: Vec<u64> = (0..0x400).chain(table..content.len() as u64).collect();
    let magic = b"\xff Go buildinf:";
    let at = content.windows(magic.len()).position(|window| window == magic).expect("a Go program") as u64;
    places.extend(at..at + 0x200);
    places
}

#[test]
fn a_damaged_go_program_gives_an_answer_or_an_error() {
    let shop = Workshop::new();
    for (name, arguments) in
        [("plain", ["-trimpath", "-ldflags=-X main.version=1.214"]), ("pie", ["-buildmode=pie", "-trimpath"])]
    {
        let program = shop.build(name, &arguments);
        let file = writable(&program);
        let places = interesting(&program);
        let damage = prop::collection::vec((prop::sample::select(places), any::<u8>()), 1..8);
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() });
        let outcome = runner.run(&damage, |damage| {
            let mut before = Vec::new();
            for (place, value) in &damage {
                let mut byte = [0];
                file.read_exact_at(&mut byte, *place)?;
                before.push((*place, byte));
                file.write_all_at(&[*value], *place)?;
            }
            ask_everything(&file);
            for (place, byte) in before.into_iter().rev() {
                file.write_all_at(&byte, place)?;
            }
            Ok(())
        });
        outcome.expect("no damage is too much");
        assert!(gobuild::read_file(&file).is_ok(), "the program was put back together");
        let whole = file.metadata().expect("our own file").len();
        for part in (0..200).rev() {
            file.set_len(whole * part / 200).expect("our own file");
            ask_everything(&file);
        }
    }
}

/// A file of a tebibyte, all holes, whose headers name as much of it as they can.
#[test]
fn enormous_headers_cost_neither_memory_nor_time() {
    let before = memory("VmRSS:");
    let file = tempfile::tempfile().expect("a temporary file");
    file.set_len(1 << 40).expect("a file system with holes");
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let number = |number: u64, size: usize| number.to_le_bytes()[..size].to_vec();
    let fields = [(2, 2), (62, 2), (1, 4), (0, 8), (64, 8), (1 << 20, 8), (0, 4), (64, 2), (56, 2)];
    header.extend(fields.into_iter().flat_map(|(value, size)| number(value, size)));

    let segment = |kind, at: u64| -> Vec<u8> {
        let fields = [(kind, 4), (6, 4), (at, 8), (at, 8), (0, 8), (1 << 39, 8), (1 << 39, 8), (4, 8)];
        fields.into_iter().flat_map(|(value, size)| number(value, size)).collect()
    };
    let section = |name, kind, link| -> Vec<u8> {
        let fields =
            [(name, 4), (kind, 4), (2, 8), (0, 8), (1 << 38, 8), (1 << 39, 8), (link, 4), (0, 4), (1, 8), (24, 8)];
        fields.into_iter().flat_map(|(value, size)| number(value, size)).collect()
    };
    let (loaded, notes) = (1, 4);
    file.write_all_at(&[segment(loaded, 0).repeat(2_000), segment(notes, 0).repeat(2_000)].concat(), 64).expect("room");
    for (sections, which) in [(0_u64, "segments only"), (8_192, "sections too"), (65_535, "too many sections")] {
        let counts: Vec<u8> = [4_000, 64, sections, 2].into_iter().flat_map(|value| number(value, 2)).collect();
        file.write_all_at(&[header.as_slice(), &counts].concat(), 0).expect("room");
        let (symbols, names, relocations) = (section(0, 2, 1), section(0, 3, 0), section(0, 4, 0));
        let table = [symbols, names, relocations.repeat(usize::try_from(sections).expect("small"))].concat();
        file.write_all_at(&table, 1 << 20).expect("room");
        assert!(gobuild::read_file(&file).is_err(), "{which}");
        ask_everything(&file);
    }
    let grown = memory("VmHWM:").saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{grown} KiB more than the {before} before");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let fifo = scratch.path().join("fifo");
    crate::workshop::run(std::process::Command::new("mkfifo").arg(&fifo));
    for path in [fifo.as_path(), Path::new("/dev/zero"), Path::new("/")] {
        assert!(matches!(gobuild::read(path), Err(gobuild::Error::NotAFile)), "{}", path.display());
        assert_eq!(gobuild::identity(path).0, "");
    }
    assert!(matches!(gobuild::read(&scratch.path().join("missing")), Err(gobuild::Error::Open { .. })));
}
