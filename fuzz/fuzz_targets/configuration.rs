//! Configuration text, HCL or JSON: settings, or errors that each stand in the file, on one line.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use lictor::config::{self, Flags, Inputs, Place};

fuzz_target!(|input: &[u8]| {
    // What begins with `{` is read as JSON whatever its name is.
    let path = file();
    std::fs::write(path, input).unwrap();
    let lines = input.split(|byte| *byte == b'\n').count();
    let lookup = |name: &str| (name == "HOME").then(|| "/root".into());
    let inputs = Inputs { paths: std::slice::from_ref(path), flags: &Flags::default(), command: &[], lookup: &lookup };
    let findings = match config::load(inputs) {
        Ok((_, warnings)) => warnings,
        Err(errors) => {
            assert!(!errors.errors.is_empty(), "wrong, and nobody says why");
            errors.errors.into_iter().chain(errors.warnings).collect()
        }
    };
    for finding in findings {
        if let Place::File(position) = &finding.place {
            assert!((1..=lines).contains(&position.line) && position.column >= 1, "outside of the file: {finding}");
        }
        assert!(!finding.to_string().contains('\n'), "not one line: {finding:?}");
        assert!(finding.sentence.len() < 4096, "longer than anybody reads: {finding}");
    }
});

/// A file of this process, in memory where there is such a place.
fn file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        folder.join(format!("lictor-fuzz-{}.hcl", std::process::id()))
    })
}
