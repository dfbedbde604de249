//! Which version a Go program is, and who says so.

use std::fs::File;

use super::elf::Elf;
use super::input::Input;
use super::{BuildInfo, ldflags, read_file, symbol};
use crate::machine::Version;

/// The longest text that is taken for a version, in bytes.
const LONGEST: usize = 200;
/// How much of a commit's hash is shown as a version.
const SHORT_HASH: usize = 12;

/// What the program itself tells of its version; nothing if it is not a Go program. `symbol` is the Go variable that
/// `-ldflags -X` sets: `main.version`.
pub fn version_of(file: &File, symbol: &str) -> Version {
    read_file(file).map(|info| judge(&info, file, symbol)).unwrap_or_default()
}

/// As [`version_of`], with the build information already read from the same file.
///
/// The first that knows speaks: the flags of the build, the variable itself (the flags are not recorded with
/// `-trimpath`), the main module if it was built at a version.
pub fn judge(info: &BuildInfo, file: &File, symbol: &str) -> Version {
    let by_flags = || info.setting("-ldflags").and_then(|flags| ldflags::value_of(flags, symbol)).and_then(presentable);
    let by_symbol = || {
        let elf = Input::of(file).and_then(Elf::parse).ok()?;
        symbol::text_of(&elf, symbol).as_deref().and_then(presentable)
    };
    let by_module = || {
        let version = info.module.as_ref()?.version.as_str();
        let says_nothing = version == "(devel)" || version.starts_with("v0.0.0-");
        presentable(version).filter(|_| !says_nothing)
    };
    let told = by_flags()
        .map(|version| (version, "ldflags"))
        .or_else(|| by_symbol().map(|version| (version, "symbol")))
        .or_else(|| by_module().map(|version| (version, "module")));
    let (version, source) = told.unzip();
    Version {
        version,
        source: source.map(str::to_owned),
        revision: info.setting("vcs.revision").and_then(presentable),
        time: info.setting("vcs.time").and_then(presentable),
        modified: match info.setting("vcs.modified") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        go: presentable(&info.go),
    }
}

/// The last resort, when no version is known: the commit, with `+dirty` if the tree had changes.
pub fn or_revision(version: Version) -> Version {
    if version.version.is_some() {
        return version;
    }
    let Some(revision) = &version.revision else { return version };
    let mut text: String = revision.chars().take(SHORT_HASH).collect();
    if version.modified == Some(true) {
        text.push_str("+dirty");
    }
    Version { version: Some(text), source: Some("vcs".to_owned()), ..version }
}

/// The text as it can be shown as a version: trimmed, not empty, at most 200 bytes, no control characters.
pub fn presentable(text: &str) -> Option<String> {
    let text = text.trim();
    let fine = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    fine.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{or_revision, presentable};
    use crate::machine::Version;

    #[test]
    fn only_texts_that_can_be_shown_are_versions() {
        assert_eq!(presentable(" 1.214\n").as_deref(), Some("1.214"));
        assert_eq!(presentable("billing version 1.214").as_deref(), Some("billing version 1.214"));
        for wrong in ["", "  ", "a\u{1b}[31m", "a\nb", &"9".repeat(201)] {
            assert_eq!(presentable(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_commit_is_the_last_resort() {
        let commit = Version {
            revision: Some("2a4ced04da0e94e0a7dfb5a1b5d1d0aa5e4f3b1c".to_owned()),
            modified: Some(true),
            ..Version::default()
        };
        let told = or_revision(commit.clone());
        assert_eq!((told.version.as_deref(), told.source.as_deref()), (Some("2a4ced04da0e+dirty"), Some("vcs")));

        let clean = or_revision(Version { modified: Some(false), ..commit.clone() });
        assert_eq!(clean.version.as_deref(), Some("2a4ced04da0e"));

        let known = Version { version: Some("1.214".to_owned()), source: Some("ldflags".to_owned()), ..commit };
        assert_eq!(or_revision(known.clone()), known);
        assert_eq!(or_revision(Version::default()), Version::default());
    }
}
