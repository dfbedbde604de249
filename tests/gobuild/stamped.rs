//! Version control: what the `go` command stamps, and what it makes of the version.

use std::path::Path;

use lictor::gobuild;
use lictor::machine::Version;
use lictor::version::{Program, Spec};

use crate::workshop::Workshop;

/// A repository with one commit that no build on this machine has seen: Go caches the tags of commits.
fn repository() -> Workshop {
    let shop = Workshop::new();
    shop.write("nonce.txt", &shop.module().display().to_string());
    shop.git(&["init", "-q"]);
    shop.git(&["add", "."]);
    shop.git(&["commit", "-q", "-m", "one"]);
    shop
}

fn version(program: &Path) -> Version {
    gobuild::version_of(&gobuild::open(program).expect("the program"), "main.version")
}

fn is_stamped(shop: &Workshop, version: &Version) -> bool {
    version.revision.as_deref() == Some(shop.git(&["rev-parse", "HEAD"]).as_str())
        && version.time.as_deref().is_some_and(|time| time.ends_with('Z'))
}

#[test]
fn a_tagged_commit_is_its_version() {
    let shop = repository();
    shop.git(&["tag", "v1.214.0"]);
    let clean = version(&shop.build("clean", &[]));
    assert_eq!((clean.version.as_deref(), clean.source.as_deref()), (Some("v1.214.0"), Some("module")));
    assert!(is_stamped(&shop, &clean), "{clean:?}");
    assert_eq!(clean.modified, Some(false));

    // `-trimpath` takes the flags, not the stamp.
    assert_eq!(version(&shop.build("trimmed", &["-trimpath", "-ldflags=-s -w"])), clean);

    // One file that git does not know is enough.
    shop.write("untracked.txt", "x");
    let dirty = version(&shop.build("dirty", &[]));
    assert_eq!(dirty.version.as_deref(), Some("v1.214.0+dirty"));
    assert_eq!(dirty.modified, Some(true));
}

#[test]
fn a_commit_after_a_tag_has_a_version_of_its_own() {
    let shop = repository();
    shop.git(&["tag", "v1.214.0"]);
    shop.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let after = version(&shop.build("after", &[]));
    assert!(after.version.as_deref().is_some_and(|version| version.starts_with("v1.214.1-0.20")), "{after:?}");
    assert_eq!(after.source.as_deref(), Some("module"));
}

#[test]
fn without_a_version_tag_the_commit_is_the_last_resort() {
    let shop = repository();
    // Not a tag that Go takes for a version.
    shop.git(&["tag", "1.214"]);
    let told = version(&shop.build("untagged", &[]));
    assert_eq!((&told.version, &told.source), (&None, &None));
    assert!(is_stamped(&shop, &told), "{told:?}");
    let short = shop.git(&["rev-parse", "--short=12", "HEAD"]);
    // What lies on the disk for the next start is known by it too.
    let command = shop.build("untagged", &[]);
    let installed = Program { command, directory: None, path: None, spec: Spec::default() }.read();
    assert_eq!((installed.1.version, installed.1.source.as_deref()), (Some(short.clone()), Some("vcs")));
    let resort = gobuild::or_revision(told);
    assert_eq!((resort.version, resort.source.as_deref()), (Some(short.clone()), Some("vcs")));

    shop.write("untracked.txt", "x");
    let dirty = gobuild::or_revision(version(&shop.build("dirty", &[])));
    assert_eq!(dirty.version, Some(short + "+dirty"));
}

#[test]
fn a_build_without_a_stamp_says_nothing() {
    let shop = repository();
    shop.git(&["tag", "v1.214.0"]);
    let program = shop.build("unstamped", &["-buildvcs=false"]);
    let info = gobuild::read(&program).expect("a Go program");
    assert_eq!(info.module.map(|module| module.version).as_deref(), Some("(devel)"));
    let told = gobuild::or_revision(version(&program));
    assert_eq!(told, Version { go: Some(info.go), ..Version::default() });

    let files = gobuild::read(&shop.build("files", &["main.go"])).expect("a Go program");
    assert_eq!((files.path.as_str(), files.module), ("command-line-arguments", None));
}
