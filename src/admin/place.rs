//! The default places of admin sockets. Pure: variables are read through a function.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where root's sockets are when systemd says nothing else.
const SYSTEM: &str = "/run/lictor";

/// The place of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the default directory, which is created if it does not exist.
    Default(PathBuf),
    /// Where the configuration says; its directory must exist.
    Configured(PathBuf),
}

impl Place {
    /// The path of the socket.
    pub fn path(&self) -> &Path {
        match self {
            Self::Default(path) | Self::Configured(path) => path,
        }
    }
}

/// The user that lictor runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Root, who may write below `/run`.
    Root,
    /// Any other user.
    Other,
}

impl User {
    /// The user of this process.
    pub fn current() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::Other }
    }
}

/// The default place of the socket of this service: `$RUNTIME_DIRECTORY`, else `/run/lictor` for root, else
/// `$XDG_RUNTIME_DIR/lictor`. `None`: this user has no such place; `admin.socket` must name one.
pub fn default_place(name: &str, user: User, variable: impl Fn(&str) -> Option<OsString>) -> Option<Place> {
    let directory = runtime_directory(&variable).or_else(|| match user {
        User::Root => Some(SYSTEM.into()),
        User::Other => user_directory(&variable),
    })?;
    Some(Place::Default(directory.join(file_name(name)?)))
}

/// Every directory in which the socket of a running lictor may be, the nearest first.
pub fn directories(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for directory in
        [runtime_directory(&variable), Some(SYSTEM.into()), user_directory(&variable)].into_iter().flatten()
    {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    directories
}

/// The places in such a directory where the socket of this service may be: in the directory itself, or in the service's own folder,
/// which `RuntimeDirectory=lictor/NAME` creates if each lictor runs as a user of its own. Only root can create those folders, and in
/// each only the socket with the folder's name counts, so no service can pass for another.
pub fn within(directory: &Path, name: &str) -> Option<[PathBuf; 2]> {
    let file = file_name(name)?;
    Some([directory.join(&file), directory.join(name).join(file)])
}

/// `NAME.sock`; `None` if the name would lead out of the directory.
pub fn file_name(name: &str) -> Option<String> {
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    plain.then(|| format!("{name}.sock"))
}

/// systemd sets it to one directory, or to several with colons between them.
fn runtime_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let value = variable("RUNTIME_DIRECTORY")?.into_string().ok()?;
    absolute(value.split(':').next().unwrap_or_default())
}

fn user_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    absolute(variable("XDG_RUNTIME_DIR")?.to_str()?).map(|directory| directory.join("lictor"))
}

fn absolute(path: &str) -> Option<PathBuf> {
    path.starts_with('/').then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::{User, default_place, directories, within};

    fn variables(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_default_place() {
        let both: &[_] = &[("RUNTIME_DIRECTORY", "/run/billing:/run/more"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        let xdg: &[_] = &[("XDG_RUNTIME_DIR", "/run/user/7")];
        let odd: &[_] = &[("RUNTIME_DIRECTORY", ""), ("XDG_RUNTIME_DIR", "relative")];
        let table = [
            (both, User::Other, Some("/run/billing/web.sock")),
            (both, User::Root, Some("/run/billing/web.sock")),
            (xdg, User::Other, Some("/run/user/7/lictor/web.sock")),
            (xdg, User::Root, Some("/run/lictor/web.sock")),
            (odd, User::Root, Some("/run/lictor/web.sock")),
            (odd, User::Other, None),
            (&[], User::Other, None),
        ];
        for (environment, user, expected) in table {
            let place = default_place("web", user, variables(environment));
            assert_eq!(
                place.as_ref().map(|place| place.path().to_str().unwrap()),
                expected,
                "{environment:?} {user:?}"
            );
        }
        for name in ["", "../x", "a/b", ".hidden", "a\0b"] {
            assert_eq!(default_place(name, User::Root, variables(&[])), None, "{name:?}");
        }
    }

    #[test]
    fn where_in_a_directory() {
        let found = within("/run/lictor".as_ref(), "web").unwrap();
        assert_eq!(found, ["/run/lictor/web.sock", "/run/lictor/web/web.sock"].map(PathBuf::from));
        assert_eq!(within("/run/lictor".as_ref(), ".."), None);
    }

    #[test]
    fn where_a_client_looks() {
        let looked = |environment| directories(variables(environment));
        assert_eq!(looked(&[]), [PathBuf::from("/run/lictor")]);
        let all = looked(&[("RUNTIME_DIRECTORY", "/run/billing"), ("XDG_RUNTIME_DIR", "/run/user/7")]);
        assert_eq!(all, ["/run/billing", "/run/lictor", "/run/user/7/lictor"].map(PathBuf::from));
        assert_eq!(looked(&[("RUNTIME_DIRECTORY", "/run/lictor")]), [PathBuf::from("/run/lictor")]);
    }
}
