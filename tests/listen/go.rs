//! Go programs of this tree, built on demand.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program of a folder, below the target directory, and gives its path.
pub fn build(folder: &str, name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("listen-{name}"));
    let run = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .args([program.as_os_str(), ".".as_ref()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .output()
        .unwrap_or_else(|error| panic!("go cannot be run ({error}): install Go 1.21 or later"));
    assert!(run.status.success(), "{folder} does not build:\n{}", String::from_utf8_lossy(&run.stderr));
    program
}
