//! The default place of the state directory. Pure: variables are read through a function.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The user that lictor runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Root: the machine's folders.
    Root,
    /// Another user: this user's folders.
    User,
}

impl Account {
    /// The user of this process.
    pub fn current() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::User }
    }
}

/// The state directory of the service with this name: `$STATE_DIRECTORY` as it is, else `/var/lib/lictor/NAME` for root,
/// else `$XDG_STATE_HOME/lictor/NAME`, where `$XDG_STATE_HOME` is `~/.local/state` if unset.
pub fn default_directory(name: &str, lookup: impl Fn(&str) -> Option<OsString>, account: Account) -> PathBuf {
    if let Some(given) = given_by_systemd(&lookup, "STATE_DIRECTORY") {
        return given;
    }
    let system = PathBuf::from("/var/lib");
    let base = match account {
        Account::Root => system,
        Account::User => absolute(&lookup, "XDG_STATE_HOME")
            .or_else(|| absolute(&lookup, "HOME").map(|home| home.join(".local/state")))
            .unwrap_or(system),
    };
    base.join("lictor").join(file_name(name))
}

/// The directory from systemd's `StateDirectory=`: the first of a list.
fn given_by_systemd(lookup: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let given = lookup(name)?.into_string().ok()?;
    given.split(':').next().map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Relative paths are ignored, as the XDG specification requires.
fn absolute(lookup: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    lookup(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The name as one part of a path.
fn file_name(name: &str) -> String {
    let safe = name.replace(['/', '\0'], "-");
    if Path::new(&safe).file_name().is_some() { safe } else { format!("_{safe}") }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Account, default_directory};

    fn lookup(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    }

    fn directory(variables: &'static [(&str, &str)], account: Account) -> String {
        default_directory("billing", lookup(variables), account).display().to_string()
    }

    #[test]
    fn the_state_directory() {
        assert_eq!(
            directory(&[("STATE_DIRECTORY", "/var/lib/x:/var/lib/y"), ("HOME", "/h")], Account::Root),
            "/var/lib/x"
        );
        assert_eq!(directory(&[("STATE_DIRECTORY", "/var/lib/x")], Account::User), "/var/lib/x");
        assert_eq!(directory(&[("XDG_STATE_HOME", "/x"), ("HOME", "/root")], Account::Root), "/var/lib/lictor/billing");
        assert_eq!(directory(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], Account::User), "/x/lictor/billing");
        assert_eq!(
            directory(&[("XDG_STATE_HOME", ""), ("HOME", "/h")], Account::User),
            "/h/.local/state/lictor/billing"
        );
        assert_eq!(directory(&[("XDG_STATE_HOME", "x")], Account::User), "/var/lib/lictor/billing");
    }

    #[test]
    fn a_name_stays_within_its_folder() {
        for (name, part) in [("a/../b", "a-..-b"), ("..", "_.."), (".", "_."), ("", "_")] {
            let path = default_directory(name, lookup(&[]), Account::Root);
            assert_eq!(path.display().to_string(), format!("/var/lib/lictor/{part}"));
        }
    }
}
