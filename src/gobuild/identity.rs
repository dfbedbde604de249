//! A name for an executable's content, found with a few small reads.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::elf::Elf;
use super::input::{Input, LARGEST_READ, open};
use super::notes::{BuildIds, build_ids};
use crate::environment::Fingerprint;
use crate::machine::Build;

/// A Go build id has four parts of 20 letters; a shorter one was put there by hand, and may be the same in every build.
const SHORTEST_GO_ID: usize = 40;
const SHORTEST_GNU_ID: usize = 8;
const LONGEST_ID: usize = 200;

/// The identity of the executable at this path; empty if it cannot be read. One file in two places is one build.
pub fn identity(path: &Path) -> Build {
    open(path).map(|file| identity_of_file(&file)).unwrap_or_default()
}

/// The identity of an open executable, such as `/proc/PID/exe`.
pub fn identity_of_file(file: &File) -> Build {
    let Ok(input) = Input::of(file) else { return Build::default() };
    if let Some(build) = by_build_id(file) {
        return build;
    }
    if input.size() <= LARGEST_READ {
        return match input.bytes(0, input.size()) {
            Ok(content) => Build(format!("sha256:{}", Fingerprint::of_public(&content))),
            Err(_) => Build::default(),
        };
    }
    let Ok(metadata) = file.metadata() else { return Build::default() };
    Build(format!("stat:{}-{}.{:09}", metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn by_build_id(file: &File) -> Option<Build> {
    let elf = Elf::parse(Input::of(file).ok()?).ok()?;
    match build_ids(&elf) {
        BuildIds { go: Some(id), .. } => {
            // `-ldflags=-buildid=redacted`, as Bazel has it, names every build alike, and Go derives its GNU id from
            // it: then neither tells builds apart.
            let id = String::from_utf8(id).ok()?;
            let genuine = (SHORTEST_GO_ID..=LONGEST_ID).contains(&id.len()) && id.contains('/');
            (genuine && id.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Build(format!("go:{id}")))
        }
        BuildIds { go: None, gnu: Some(id) } => {
            let genuine = (SHORTEST_GNU_ID..=LONGEST_ID).contains(&id.len()) && id.iter().any(|byte| *byte != 0);
            genuine.then(|| Build(id.iter().fold(String::from("gnu:"), |text, byte| text + &format!("{byte:02x}"))))
        }
        BuildIds { go: None, gnu: None } => None,
    }
}
