//! Files that a check needs, up to a limit. A mount that has gone away holds up the checks that need its files, and
//! nothing else: they are read in a place of their own.
//!
//! Who names a file decides whose rights it is opened with. What the configuration names is lictor's. What the service's
//! environment names is opened with the service's rights: a variable must not make a lictor that runs as root read, and
//! send out, what the service itself may not read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::bulkhead::Bulkhead;
use crate::check::reason;
use crate::service::Account;

/// So many files are read at a time.
const LIMIT: usize = 8;

/// A file, and with whose rights it is opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) struct FileName {
    path: PathBuf,
    rights: Rights,
}

/// Whose rights a file is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) enum Rights {
    /// Of lictor: the configuration names it.
    Lictor,
    /// Of the service's user: the service's environment names it.
    Service,
}

impl FileName {
    /// A file that is opened with these rights.
    pub(in crate::check) fn new(path: impl Into<PathBuf>, rights: Rights) -> Self {
        Self { path: path.into(), rights }
    }

    /// The same file with these rights.
    pub(in crate::check) fn by(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// A file that the configuration names.
    pub(in crate::check) fn of_configuration(path: &Path) -> Self {
        Self::new(path, Rights::Lictor)
    }
}

/// What comes of a file: `None` if there is none.
type Found = Result<Option<Vec<u8>>, String>;

/// Where files are read. Clones share the place.
#[derive(Clone, Debug)]
pub(in crate::check) struct Files {
    reads: Bulkhead<Found>,
    user: Option<String>,
}

impl Files {
    /// A place for reading; `user` is whom the service runs as, if not as lictor does.
    pub(in crate::check) fn new(user: Option<String>) -> Self {
        Self { reads: Bulkhead::new("check-file", LIMIT), user }
    }

    /// Whether the service runs as somebody else than lictor.
    pub(in crate::check) fn are_of_another_user(&self) -> bool {
        self.user.is_some()
    }

    /// The bytes of a plain file. `what` is the word that names it; the error says what to mend.
    pub(in crate::check) async fn read(&self, what: &str, name: &FileName, limit: u64) -> Result<Vec<u8>, String> {
        let missing =
            || reason::brief(&format!("cannot read {what} {}: no such file or directory", name.path.display()));
        self.read_if_there(what, name, limit).await?.ok_or_else(missing)
    }

    /// The same; `None` if there is no such file.
    pub(in crate::check) async fn read_if_there(&self, what: &str, name: &FileName, limit: u64) -> Found {
        let key = format!("{what}\0{:?}\0{}", name.rights, name.path.display());
        let (what, name, user) = (what.to_owned(), name.clone(), self.user.clone());
        let shown = format!("cannot read {what} {}", name.path.display());
        let read = move || match look(&name, user.as_deref(), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reason::brief(&format!("{shown}: {}", reason::of_io(&error)))),
        };
        self.reads.run(&key, read).await.unwrap_or_else(|error| Err(reason::of_io(&error)))
    }
}

/// Reads it in this thread, which ends afterwards: whatever rights it has taken on end with it.
fn look(name: &FileName, user: Option<&str>, limit: u64) -> io::Result<Vec<u8>> {
    if let (Rights::Service, Some(user)) = (name.rights, user)
        && let Some(account) = Account::find(user).map_err(io::Error::other)?
    {
        account.act_in_this_thread()?;
    }
    let wrong = |sentence: String| Err(io::Error::other(sentence));
    // Opening a pipe would wait for its writer.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(&name.path)?;
    if !file.metadata()?.is_file() {
        return wrong("it is not a plain file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return wrong(format!("it is larger than {limit} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{FileName, Files, Rights};

    #[tokio::test]
    async fn plain_files_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let (files, file) = (Files::new(None), FileName::of_configuration(&path));
        let Err(missing) = files.read("ca", &file, 4).await else { panic!("there is none") };
        assert_eq!(missing, format!("cannot read ca {}: no such file or directory", path.display()));
        assert_eq!(files.read_if_there("ca", &file, 4).await, Ok(None));
        std::fs::write(&path, "four").unwrap();
        assert_eq!(files.read("ca", &file, 4).await.as_deref(), Ok(&b"four"[..]));
        assert!(files.read("ca", &file, 3).await.unwrap_err().ends_with("it is larger than 3 bytes"));
        let folder = FileName::of_configuration(folder.path());
        assert!(files.read("ca", &folder, 3).await.unwrap_err().ends_with("it is not a plain file"));
    }

    /// Only root can show it: anybody else runs the service as itself.
    #[tokio::test]
    async fn what_the_service_names_is_opened_with_its_rights() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (secret, open) = (folder.path().join("secret"), folder.path().join("open"));
        for (path, mode) in [(&secret, 0o600), (&open, 0o644)] {
            std::fs::write(path, "x").unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let files = Files::new(Some("nobody".to_owned()));
        let by = |path: &std::path::Path, rights| FileName::new(path, rights);
        let refused = files.read("token", &by(&secret, Rights::Service), 9).await.unwrap_err();
        assert_eq!(refused, format!("cannot read token {}: permission denied", secret.display()));
        assert_eq!(files.read("token", &by(&open, Rights::Service), 9).await.as_deref(), Ok(&b"x"[..]));
        assert_eq!(files.read("token", &by(&secret, Rights::Lictor), 9).await.as_deref(), Ok(&b"x"[..]));
        let environment = by(std::path::Path::new("/proc/self/environ"), Rights::Service);
        assert!(files.read("token", &environment, 1 << 20).await.is_err(), "lictor's own environment");
        assert_eq!(rustix::process::geteuid().as_raw(), 0, "nobody else has become that user");
    }
}
