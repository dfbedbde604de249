//! The RPM, on a machine that has `rpm` beside its own packages.
//!
//! Debian's packages are unknown to `rpm`, so what lictor requires is read and judged here, and not resolved.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::packed::{self, FILES, STRIPPED};
use crate::rig::{Rig, UNIT, is_good};

/// The C library of Amazon Linux 2023, the oldest that the package is for.
const OLDEST_GLIBC: (u32, u32) = (2, 34);

/// Two packages of the same program, one newer than the other.
static PACKAGES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| ["1", "2"].map(pack));

fn pack(release: &str) -> PathBuf {
    let folder = packed::place("rpm");
    let said = packed::script("packaging/rpm", &[STRIPPED.to_str().unwrap(), folder.to_str().unwrap(), release]);
    PathBuf::from(said.trim())
}

fn query(words: &[&str]) -> Vec<String> {
    let output = Command::new("rpm").arg("--query").args(words).arg("--package").arg(&PACKAGES[0]).output();
    let output = output.unwrap_or_else(|error| panic!("rpm cannot be run ({error}): run tests/setup rpm"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn it_is_installed_upgraded_under_a_running_service_and_removed() {
    let rig = packed::without_lictor(Rig::boot(""));
    for (package, name) in PACKAGES.iter().zip(["/srv/old.rpm", "/srv/new.rpm"]) {
        fs::copy(package, rig.path(name)).unwrap();
    }
    rig.done("rpm --initdb");
    rig.done("rpm --install --nodeps /srv/old.rpm");
    assert!(rig.done("lictor --version").starts_with("lictor "));
    for file in FILES {
        assert!(fs::exists(rig.path(file)).unwrap(), "{file}");
    }
    let group = rig.done("getent group lictor");
    assert!(group.starts_with("lictor:"), "{group}");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);

    let before = (rig.property("MainPID"), rig.service());
    rig.done("rpm --upgrade --nodeps /srv/new.rpm");
    assert!(rig.done("rpm --query lictor").contains("-2."));
    assert_eq!((rig.property("MainPID"), rig.service()), before, "an upgrade restarts nothing");
    let program = rig.done(&format!("readlink /proc/{}/exe", before.0));
    assert_eq!(program.trim(), "/usr/bin/lictor", "and yet the new program runs, not the one that is gone");
    rig.done("rpm --verify --nodeps lictor");
    rig.done(&format!("systemctl restart {UNIT}"));
    rig.until("StatusText", "good on the new one", is_good);

    rig.done("rpm --erase lictor");
    assert_eq!(rig.services(), [0; 0], "what it ran is stopped with it");
    for gone in FILES.iter().chain(&["/usr/share/doc/lictor", "/usr/share/licenses/lictor"]) {
        assert!(!fs::exists(rig.path(gone)).unwrap(), "{gone}");
    }
    assert!(fs::exists(rig.path("/var/lib/lictor/svc/good.json")).unwrap(), "a new installation goes on from here");
    assert!(fs::exists(rig.path("/etc/lictor/svc.hcl")).unwrap(), "that is the administrator's");
}

#[test]
fn it_runs_where_the_c_library_is_that_of_amazon_linux_2023() {
    let required = query(&["--requires"]);
    let versions: BTreeSet<(u32, u32)> = required.iter().filter_map(|line| glibc(line)).collect();
    assert!(versions.last().is_some_and(|newest| *newest <= OLDEST_GLIBC), "{required:#?}");
    // All else that it requires comes with every system that boots by systemd.
    for line in required.iter().filter(|line| !line.starts_with("rpmlib(") && glibc(line).is_none()) {
        let word = line.split(['(', ' ']).next().unwrap();
        let known = ["/bin/sh", "systemd", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "rtld"];
        assert!(known.contains(&word) || word.starts_with("/usr/bin/") || word == "/bin/bash", "{line}");
    }
}

/// The version in `libc.so.6(GLIBC_2.34)(64bit)`.
fn glibc(line: &str) -> Option<(u32, u32)> {
    let (_, rest) = line.split_once("(GLIBC_")?;
    let (major, minor) = rest.split_once(')')?.0.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

/// It holds the same files as the Debian package, but for where each distribution wants them.
#[test]
fn it_brings_what_the_debian_package_brings() {
    let plain = |file: &str| {
        let file = file.trim_end_matches(".gz").replace("/zsh/site-functions/", "/zsh/vendor-completions/");
        file.replace("/lib/systemd/", "/usr/lib/systemd/").replace("/usr/usr/", "/usr/")
    };
    let ours: BTreeSet<String> = query(&["--list"]).iter().map(|file| plain(file)).collect();
    let output = Command::new("dpkg-deb").arg("--contents").arg(crate::deb::package()).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let files = listed.lines().filter(|line| line.starts_with('-')).filter_map(|line| line.split_whitespace().last());
    let theirs: BTreeSet<String> = files.map(|file| plain(file.trim_start_matches('.'))).collect();
    let missing: Vec<_> = theirs.difference(&ours).filter(|file| !debian_only(file)).collect();
    assert!(missing.is_empty(), "not in the RPM: {missing:#?}");
    let folder = |file: &String| ours.iter().any(|other| other.starts_with(&format!("{file}/")));
    let more: Vec<_> = ours.difference(&theirs).filter(|file| !rpm_only(file) && !folder(file)).collect();
    assert!(more.is_empty(), "not in the Debian package: {more:#?}");
}

fn debian_only(file: &str) -> bool {
    ["/usr/share/doc/lictor/copyright", "/usr/share/doc/lictor/changelog", "/usr/share/doc/lictor/changelog.Debian"]
        .contains(&file)
}

fn rpm_only(file: &str) -> bool {
    file == "/etc/lictor" || file.starts_with("/usr/share/licenses/lictor")
}

#[test]
fn rpmlint_finds_no_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        Command::new("rpmlint").arg("--config").arg(root.join("packaging/rpmlint.toml")).arg(&PACKAGES[0]).output();
    let output = output.unwrap_or_else(|error| panic!("rpmlint cannot be run ({error}): run tests/setup rpm"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
