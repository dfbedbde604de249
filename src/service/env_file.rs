//! `exec.env_file`: the service's variables as a systemd `EnvironmentFile`, for a service that reads them again.

use std::fs::{File, OpenOptions, rename};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::account::{Account, Accounts};
use super::failure::ServiceError;
use crate::envfile;
use crate::environment::Environment;
use crate::offload::offload;

/// A disk that takes longer counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// An order to write the file.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) path: PathBuf,
    pub(super) environment: Arc<Environment>,
    pub(super) user: Option<String>,
    pub(super) done: oneshot::Sender<Result<(), ServiceError>>,
}

/// Writes one file after the other, so that older contents never replace newer ones.
pub(super) async fn write_in_order(jobs: &mut mpsc::UnboundedReceiver<Job>, accounts: &Accounts) {
    while let Some(Job { path, environment, user, done }) = jobs.recv().await {
        let (accounts, place) = (accounts.clone(), path.clone());
        let written = offload(move || keep(&place, &environment, user.as_deref(), &accounts)).await;
        let written = written.map_err(|source| ServiceError::EnvFile { path, source }).and_then(|written| written);
        // The caller may have stopped waiting.
        let _ = done.send(written);
    }
}

/// Waits until a file has been written, or the disk counts as hanging.
pub(super) async fn written(done: oneshot::Receiver<Result<(), ServiceError>>) -> Result<(), ServiceError> {
    match timeout(PATIENCE, done).await {
        Ok(Ok(written)) => written,
        // The writer ends only with lictor.
        Ok(Err(_)) => Ok(()),
        Err(_) => Err(ServiceError::SlowEnvFile { patience: PATIENCE }),
    }
}

/// Replaces the file as a whole, so that a reader sees either the old or the new one. It has mode 0600 and belongs to the service's
/// user.
///
/// It is not forced to the disk, because it is written again before the next start.
fn keep(path: &Path, environment: &Environment, user: Option<&str>, accounts: &Accounts) -> Result<(), ServiceError> {
    let text = envfile::write(environment).map_err(|source| ServiceError::Unwritable { source })?;
    let account = accounts.find(user)?;
    replace(path, &text, account.as_ref()).map_err(|source| ServiceError::EnvFile { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &[u8], account: Option<&Account>) -> io::Result<()> {
    let new = beside(path)?;
    // Removes what an earlier write has left; a link in its place is not followed.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&new, text, account).and_then(|()| rename(&new, path));
    if written.is_err() {
        // Only the reason of the failed write matters.
        let _ = std::fs::remove_file(&new);
    }
    written
}

fn write_new(new: &Path, text: &[u8], account: Option<&Account>) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    if let Some(account) = account {
        account.own(&file)?;
    }
    file.write_all(text)
}

/// `.billing.env.new` beside `billing.env`.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let name = path.file_name().ok_or_else(no_file)?;
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    new.push(".new");
    Ok(path.with_file_name(new))
}

#[cfg(test)]
mod tests {
    use std::fs::{read_to_string, symlink_metadata, write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{Accounts, keep};
    use crate::environment::{Environment, Variable, Visibility};

    fn environment(name: &str, value: &str) -> Environment {
        let variable = Variable::new(value.into(), "test".into(), Visibility::Secret);
        Environment::new([(name.to_owned(), variable)].into())
    }

    #[test]
    fn the_file_is_replaced_as_a_whole_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("billing.env");
        write(&path, "OLD=1\n").unwrap();
        write(folder.path().join(".billing.env.new"), "left behind").unwrap();
        keep(&path, &environment("A", "one two"), None, &Accounts::default()).unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "A=\"one two\"\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("billing.env"), folder.path().join("target"));
        write(&target, "precious").unwrap();
        symlink(&target, folder.path().join(".billing.env.new")).unwrap();
        symlink(&target, &path).unwrap();
        keep(&path, &environment("A", "1"), None, &Accounts::default()).unwrap();
        assert_eq!(read_to_string(&target).unwrap(), "precious");
        assert!(symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_written_says_what_and_where_and_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/billing.env");
        let error =
            crate::chain::sentence(&keep(&path, &environment("A", "s3cr3t"), None, &Accounts::default()).unwrap_err());
        assert!(error.contains("missing/billing.env") && error.contains("No such file"), "{error}");
        let path = folder.path().join("billing.env");
        let error = crate::chain::sentence(
            &keep(&path, &environment("a.b", "s3cr3t"), None, &Accounts::default()).unwrap_err(),
        );
        assert!(error.contains("a.b") && !error.contains("s3cr3t"), "{error}");
        assert!(!path.exists());
    }
}
