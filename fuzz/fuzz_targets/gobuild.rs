//! Build information out of an ELF file that anybody may have written.
#![no_main]

use std::fs::File;
use std::os::unix::fs::FileExt;

use libfuzzer_sys::fuzz_target;
use lictor::gobuild;
use rustix::fs::{MemfdFlags, memfd_create};

fuzz_target!(|input: &[u8]| {
    let file = File::from(memfd_create("program", MemfdFlags::CLOEXEC).unwrap());
    file.write_all_at(input, 0).unwrap();
    let version = match gobuild::read_file(&file) {
        Ok(info) => gobuild::judge(&info, &file, "main.version"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            gobuild::version_of(&file, "main.version")
        }
    };
    // It is shown on one line, to people and to Telegraf.
    let shown = [&version.version, &version.revision, &version.time, &version.go];
    for text in shown.into_iter().flatten() {
        assert!(text.len() <= 200 && !text.contains(|letter: char| letter.is_control()), "{text:?}");
    }
    let _ = gobuild::identity_of_file(&file);
});
