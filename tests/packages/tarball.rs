//! The tarball and its `install.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::packed::{self, FILES, STRIPPED};
use crate::rig::{Rig, UNIT, is_good};

static TARBALL: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = packed::place("dist");
    let said = packed::script("packaging/dist", &[STRIPPED.to_str().unwrap(), folder.to_str().unwrap()]);
    PathBuf::from(said.trim())
});

fn run(program: &str, words: &[&str], folder: &Path) -> std::process::Output {
    Command::new(program).args(words).current_dir(folder).output().unwrap()
}

/// Unpacks it into a folder, and gives the one that is in it.
fn unpack(folder: &Path) -> PathBuf {
    let output = run("tar", &["-xzf", TARBALL.to_str().unwrap()], folder);
    assert!(output.status.success(), "{output:?}");
    let name = TARBALL.file_name().unwrap().to_str().unwrap();
    folder.join(name.strip_suffix(".tar.gz").unwrap())
}

#[test]
fn it_is_installed_upgraded_under_a_running_service_removed_and_purged() {
    let rig = packed::without_lictor(Rig::boot(""));
    let folder = unpack(&rig.path("/srv"));
    fs::rename(&folder, rig.path("/srv/lictor")).unwrap();
    rig.done("/srv/lictor/install.sh");
    assert!(rig.done("lictor --version").starts_with("lictor "));
    for file in FILES {
        assert!(fs::exists(rig.path(file)).unwrap(), "{file}");
    }
    let group = rig.done("getent group lictor");
    assert!(group.starts_with("lictor:"), "{group}");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);

    // The next version: it lacks a file, and has another one.
    let before = (rig.property("MainPID"), rig.service());
    let next = "mv /srv/lictor/tree/usr/share/doc/lictor/CHANGELOG.md /srv/lictor/tree/usr/share/doc/lictor/NEWS";
    rig.done(next);
    let refused = rig.run("/srv/lictor/install.sh");
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("are damaged"), "{refused:?}");
    rig.write("/srv/sum", "cd /srv/lictor && find tree install.sh -type f | xargs sha256sum >SHA256SUMS\n");
    rig.done("sh /srv/sum");
    rig.done("/srv/lictor/install.sh install");
    assert_eq!((rig.property("MainPID"), rig.service()), before, "an upgrade restarts nothing");
    let program = rig.done(&format!("readlink /proc/{}/exe", before.0));
    assert_eq!(program.trim(), "/usr/bin/lictor", "and yet the new program runs, not the one that is gone");
    let doc = |name: &str| fs::exists(rig.path(&format!("/usr/share/doc/lictor/{name}"))).unwrap();
    assert!(doc("NEWS") && !doc("CHANGELOG.md"), "what the new version no longer has is gone");
    rig.done(&format!("systemctl restart {UNIT}"));
    rig.until("StatusText", "good on the new one", is_good);

    rig.done("/srv/lictor/install.sh remove");
    assert_eq!(rig.services(), [0; 0], "what it ran is stopped with it");
    for gone in FILES.iter().chain(&["/usr/share/doc/lictor", "/usr/share/licenses/lictor"]) {
        assert!(!fs::exists(rig.path(gone)).unwrap(), "{gone}");
    }
    assert!(fs::exists(rig.path("/var/lib/lictor/svc/good.json")).unwrap(), "a new installation goes on from here");
    rig.done("/srv/lictor/install.sh");
    rig.done("/srv/lictor/install.sh purge");
    assert!(!fs::exists(rig.path("/var/lib/lictor")).unwrap());
    assert!(fs::exists(rig.path("/etc/lictor/svc.hcl")).unwrap(), "that is the administrator's");
}

#[test]
fn it_can_be_laid_into_a_folder_and_its_checksum_fits() {
    let place = tempfile::TempDir::new().unwrap();
    let folder = unpack(place.path());
    let sum = format!("{}.sha256", TARBALL.file_name().unwrap().to_str().unwrap());
    let checked = run("sha256sum", &["--check", &sum], TARBALL.parent().unwrap());
    assert!(checked.status.success(), "{checked:?}");
    let root = place.path().join("root");
    let output = Command::new(folder.join("install.sh")).env("DESTDIR", &root).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for file in FILES {
        assert!(root.join(&file[1..]).exists(), "{file}");
    }
    let version = run(root.join("usr/bin/lictor").to_str().unwrap(), &["--version"], place.path());
    assert!(version.status.success(), "{version:?}");
}
