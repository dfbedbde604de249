//! The Go service of `tests/service`, built once a run for each version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The version that runs unless a test says otherwise.
pub const OLD: &str = "1.214";
/// The version after it.
pub const NEW: &str = "1.215";

/// Puts a version of the service at `place`, in one step as a deployment does: a rename.
pub fn install(version: &str, place: &Path) {
    let new = place.with_extension("new");
    fs::copy(built(version), &new).unwrap();
    fs::rename(&new, place).unwrap();
}

fn built(version: &str) -> &'static Path {
    static BUILT: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let cell = match version {
        OLD => &BUILT[0],
        NEW => &BUILT[1],
        other => panic!("no such version of the service: {other}"),
    };
    cell.get_or_init(|| build(version))
}

fn build(version: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{version}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service");
    let run = Command::new("go")
        .args(["build", "-buildvcs=false", "-ldflags", &format!("-X main.version={version}"), "-o"])
        .args([program.as_os_str(), ".".as_ref()])
        .current_dir(source)
        .output()
        .unwrap_or_else(|error| panic!("go cannot be run ({error}): install Go 1.26"));
    assert!(run.status.success(), "tests/service does not build:\n{}", String::from_utf8_lossy(&run.stderr));
    program
}
