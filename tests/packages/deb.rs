//! What the package brings, what an upgrade leaves alone, and what a purge leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::packed;
use crate::rig::{Rig, UNIT, is_good};

/// Two packages of the same program, one newer than the other.
static PACKAGES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| ["0.1.0-1", "0.1.0-2"].map(pack));

fn pack(version: &str) -> PathBuf {
    let package = packed::place(&format!("lictor_{version}.deb"));
    let out = package.to_str().unwrap();
    packed::script("packaging/deb", &["dev", out, "--fast", "--strip", "--deb-version", version]);
    package
}

/// The older one.
pub fn package() -> &'static Path {
    &PACKAGES[0]
}

/// A machine without lictor, with the packages in `/srv`.
pub fn machine(rig: Rig) -> Rig {
    let rig = packed::without_lictor(rig);
    // A container's own: it forbids packages to stop what they have started.
    let _ = fs::remove_file(rig.path("/usr/sbin/policy-rc.d"));
    for (package, name) in PACKAGES.iter().zip(["/srv/old.deb", "/srv/new.deb"]) {
        fs::copy(package, rig.path(name)).unwrap();
    }
    rig
}

#[test]
fn it_is_installed_upgraded_under_a_running_service_removed_and_purged() {
    let rig = machine(Rig::boot(""));
    rig.done("dpkg --no-triggers --install /srv/old.deb");
    assert!(rig.done("lictor --version").starts_with("lictor "));
    assert_eq!(
        rig.done("systemctl show --property FragmentPath --value lictor@svc").trim(),
        "/lib/systemd/system/lictor@.service"
    );
    let group = rig.done("getent group lictor");
    assert!(group.starts_with("lictor:"), "{group}");
    assert_eq!(fs::metadata(rig.path("/etc/lictor")).unwrap().permissions().mode() & 0o777, 0o755);
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);

    let before = (rig.property("MainPID"), rig.service());
    rig.done("dpkg --no-triggers --install /srv/new.deb");
    assert!(rig.done("dpkg-query --show lictor").contains("0.1.0-2"));
    assert_eq!((rig.property("MainPID"), rig.service()), before, "an upgrade restarts nothing");
    let program = rig.done(&format!("readlink /proc/{}/exe", before.0));
    assert_eq!(program.trim(), "/usr/bin/lictor", "and yet the new program runs, not the one that is gone");
    rig.done(&format!("systemctl restart {UNIT}"));
    rig.until("StatusText", "good on the new one", is_good);

    rig.done("dpkg --no-triggers --remove lictor");
    assert_eq!(rig.services(), [0; 0], "what it ran is stopped with it");
    assert!(fs::exists(rig.path("/var/lib/lictor/svc/good.json")).unwrap(), "a new installation goes on from here");
    rig.done("dpkg --no-triggers --purge lictor");
    for gone in [
        "/var/lib/lictor",
        "/run/lictor",
        "/usr/bin/lictor",
        "/usr/share/doc/lictor",
        "/lib/systemd/system/lictor@.service",
    ] {
        assert!(!fs::exists(rig.path(gone)).unwrap(), "{gone}");
    }
    assert!(fs::exists(rig.path("/etc/lictor/svc.hcl")).unwrap(), "that is the administrator's");
    assert!(!rig.run("dpkg-query --show lictor").status.success());
}

#[test]
fn its_manual_and_its_completions_are_those_of_its_commands() {
    let rig = machine(Rig::boot(""));
    rig.done("dpkg --no-triggers --install /srv/old.deb");
    let page = rig.done("zcat /usr/share/man/man1/lictor-validate.1.gz");
    let help = rig.done("lictor validate --help");
    for word in ["version", "timeout", "150s"] {
        assert!(page.contains(word) && help.contains(word), "{word}: {page}\n{help}");
    }
    let main = rig.done("zcat /usr/share/man/man1/lictor.1.gz");
    assert!(main.contains("Exit codes") && main.contains("/var/lib/lictor/NAME"), "{main}");
    let configuration = rig.done("zcat /usr/share/man/man5/lictor.hcl.5.gz");
    assert!(configuration.contains("min_healthy") && configuration.contains("SS check"), "{configuration}");
    let help = rig.done("lictor --help");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> =
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 10, "{help}");
    for verb in verbs {
        let page = format!("/usr/share/man/man1/lictor-{verb}.1.gz");
        assert!(fs::exists(rig.path(&page)).unwrap(), "{page}");
    }
    rig.write("/srv/complete", "set -e\nsource /usr/share/bash-completion/completions/lictor\ncomplete -p lictor\n");
    assert!(rig.done("bash /srv/complete").contains("lictor"));
    // As bash asks when somebody presses the tabulator behind these words.
    rig.write(
        "/srv/complete",
        "set -e\nsource /usr/share/bash-completion/completions/lictor\nCOMP_WORDS=(lictor help config gua)\nCOMP_CWORD=3\n\
         _lictor lictor gua config\necho \"${COMPREPLY[@]}\"\n",
    );
    assert_eq!(rig.done("bash /srv/complete").trim(), "guard");
    let owner = fs::metadata(rig.path("/usr/share/doc/lictor/examples/codedeploy/appspec.yml")).unwrap().uid();
    assert_eq!(owner, 0);
}

#[test]
fn lintian_finds_no_error() {
    let output = Command::new("lintian").arg("--allow-root").arg(&PACKAGES[0]).output();
    let output = output.unwrap_or_else(|error| panic!("lintian cannot be run ({error}): run tests/setup deb"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
