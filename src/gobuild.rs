//! Build information out of a Go program's ELF file: which Go built it, from which module and commit, with which flags.
//!
//! Only headers and what they point to are read, never the whole file, and every size is bounded: the file is not
//! trusted. It works on a path, on an open file, and on `/proc/PID/exe`, also after the file was replaced or deleted.
//! It runs nothing and knows nothing of processes.

mod blob;
mod elf;
mod identity;
mod input;
mod ldflags;
mod modinfo;
mod notes;
mod quote;
mod symbol;
mod verdict;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use identity::{identity, identity_of_file};
pub use input::{is_script, open};
pub use quote::quote;
pub use verdict::{judge, or_revision, presentable, version_of};

/// What the Go linker wrote into the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The Go release that built it: `go1.26.8`.
    pub go: String,
    /// The import path of the main package, or `command-line-arguments`.
    pub path: String,
    /// The main module; `None` if files were built instead of a package.
    pub module: Option<Module>,
    /// The modules it was built with, in the order of the file.
    pub dependencies: Vec<Module>,
    /// The settings of the build, unquoted, in the order of the file: `-ldflags`, `GOOS`, `vcs.revision` ...
    pub settings: Vec<(String, String)>,
}

impl BuildInfo {
    /// The value of one setting.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// One Go module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path: `example.com/billing`.
    pub path: String,
    /// Its version: `v1.214.0`, a pseudo-version, or `(devel)`.
    pub version: String,
    /// The checksum of its content; empty for the main module.
    pub sum: String,
    /// What `go.mod` put in its place.
    pub replace: Option<Box<Module>>,
}

/// Why a file gives no build information.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It cannot be read, or it became shorter meanwhile.
    #[error("cannot read it")]
    Read(#[source] std::io::Error),
    /// A directory, a device, a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// A script, text, or a program of another system.
    #[error("it is not an ELF file; name the program itself, not a script that starts it")]
    NotElf,
    /// The headers contradict themselves or the file's size.
    #[error("its ELF headers are damaged ({0}); copy or build the file again")]
    Damaged(&'static str),
    /// An ELF file, but nothing of Go in it.
    #[error("it holds no Go build information: it was not built by Go 1.13 or later, or it was packed (UPX, garble)")]
    NotGo,
    /// The information is there, but not as Go writes it.
    #[error("line {line} of its Go build information is not as Go writes it")]
    Garbled {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads the build information of the program at this path.
pub fn read(path: &Path) -> Result<BuildInfo, Error> {
    read_file(&open(path)?)
}

/// Reads the build information of an open program; the file's position is neither used nor moved.
pub fn read_file(file: &File) -> Result<BuildInfo, Error> {
    let elf = elf::Elf::parse(input::Input::of(file)?)?;
    let (go, text) = blob::find(&elf)?;
    modinfo::parse(go, &text)
}

#[cfg(test)]
mod tests;
