//! Programs that were damaged: an answer or an error, never a panic or a hang.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lictor::gobuild;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::workshop::Workshop;

fn ask_everything(file: &File) {
    let _ = gobuild::read_file(file);
    let _ = gobuild::version_of(file, "main.version");
    let _ = gobuild::identity_of_file(file);
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
