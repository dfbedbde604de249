//! How the tests pack what was built for them, and a machine to install it on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::rig::Rig;

/// The program under test without what debuggers need: a package of a tenth of the size.
pub static STRIPPED: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = place("lictor-stripped");
    let output = Command::new("strip").arg("-o").arg(&place).arg(env!("CARGO_BIN_EXE_lictor")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    place
});

/// A file of these tests outside the machine.
pub fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs one of the scripts that pack, which must succeed.
pub fn script(script: &str, words: &[&str]) -> String {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    // What cargo tells a test is not for another cargo: it would build everything anew.
    command.args(words).env_clear();
    for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "RUSTFLAGS"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Takes away the lictor that the rig brings.
pub fn without_lictor(rig: Rig) -> Rig {
    rig.done("umount /usr/local/bin/lictor");
    fs::remove_file(rig.path("/usr/local/bin/lictor")).unwrap();
    fs::remove_file(rig.path("/etc/systemd/system/lictor@.service")).unwrap();
    rig.done("systemctl daemon-reload");
    rig
}

/// What every kind of package brings, below `/usr`, `*` for one part of a name.
pub const FILES: [&str; 10] = [
    "/usr/bin/lictor",
    "/usr/lib/systemd/system/lictor@.service",
    "/usr/lib/systemd/system/lictor-fleet.service",
    "/usr/lib/sysusers.d/lictor.conf",
    "/usr/lib/tmpfiles.d/lictor.conf",
    "/usr/share/man/man1/lictor-validate.1.gz",
    "/usr/share/bash-completion/completions/lictor",
    "/usr/share/fish/vendor_completions.d/lictor.fish",
    "/usr/share/doc/lictor/README.md",
    "/usr/share/doc/lictor/examples/codedeploy/scripts/check_service.sh",
];
