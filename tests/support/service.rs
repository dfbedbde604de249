//! The Go service under supervision, built on demand.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `tests/service` as this version, below the target directory, and gives the program's path.
pub(crate) fn build(version: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service");
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let (program, fresh) = (folder.join(version), folder.join(format!("{version}.{}", std::process::id())));
    let built = Command::new("go")
        .args(["build", "-C", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service")])
        .args(["-ldflags", &format!("-X main.version={version}"), "-o"])
        .args([fresh.as_os_str(), ".".as_ref()])
        .output()
        .expect("Go builds the service under test: install Go 1.21 or later and have `go` in PATH");
    assert!(built.status.success(), "go build: {}", String::from_utf8_lossy(&built.stderr));
    // Several test programs may build at the same time; whoever is last wins, and each sees a whole file.
    std::fs::rename(&fresh, &program).expect("the target directory is writable");
    program
}
