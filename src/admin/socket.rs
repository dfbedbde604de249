//! Binds a unix socket so that at no moment the wrong users get in, or a socket in use is replaced.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tokio::net::{UnixListener, UnixStream};

use super::AdminError;

/// A socket on which a connection takes longer than this counts as in use.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// The file of a bound socket. Dropping it removes the file, unless another file has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Option<Identity>,
}

/// Device and inode.
type Identity = (u64, u64);

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Binds at this path with this mode and group. A socket that no process serves is replaced.
pub(super) async fn bind(path: &Path, mode: u32, group: Option<u32>) -> Result<(UnixListener, SocketFile), AdminError> {
    let bind_error = |source| AdminError::Bind { path: path.to_owned(), source };
    // Clients connect by this path, so it must fit into a socket address, although another one is bound.
    SocketAddr::from_pathname(path).map_err(bind_error)?;
    remove_stale(path).await?;
    let private = PrivateDirectory::beside(path).map_err(bind_error)?;
    let unseen = private.0.join("s");
    let listener = private.bind().map_err(bind_error)?;
    open_to(&unseen, mode, group).map_err(|source| AdminError::Access { path: path.to_owned(), source })?;
    match renameat_with(CWD, &unseen, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok((listener, SocketFile { path: path.to_owned(), identity: identity(path) })),
        // Another process has just replaced the stale one.
        Err(Errno::EXIST) => Err(AdminError::Taken { path: path.to_owned() }),
        Err(error) => Err(bind_error(error.into())),
    }
}

/// A directory that only we can enter. The socket is prepared in it and then moved to its place. (A umask would do the same, but it
/// applies to every thread of the process.)
#[derive(Debug)]
struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = format!(".{}-{:08x}", std::process::id(), fastrand::u32(..));
        let directory = path.with_file_name(name);
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self(directory))
    }

    /// Binds the socket in it, by a path that is short enough for a socket address.
    fn bind(&self) -> io::Result<UnixListener> {
        let directory = File::open(&self.0)?;
        UnixListener::bind(format!("/proc/self/fd/{}/s", directory.as_raw_fd()))
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0.join("s"));
        let _ = fs::remove_dir(&self.0);
    }
}

/// Removes a socket at this path that no process serves. Anything else at the path is an error.
async fn remove_stale(path: &Path) -> Result<(), AdminError> {
    let found = fs::symlink_metadata(path);
    let bind_error = |source| AdminError::Bind { path: path.to_owned(), source };
    match &found {
        Ok(file) if !file.file_type().is_socket() => return Err(AdminError::NotASocket { path: path.to_owned() }),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(_) => return found.map(|_| ()).map_err(bind_error),
    }
    let tested = identity(path);
    match tokio::time::timeout(PROBE_TIME, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused && identity(path) == tested => {
            fs::remove_file(path).map_err(bind_error)
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
        _ => Err(AdminError::Taken { path: path.to_owned() }),
    }
}

/// Sets the socket's group, then its mode.
fn open_to(path: &Path, mode: u32, group: Option<u32>) -> io::Result<()> {
    if group.is_some() {
        chown(path, None, group)?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o777))
}

/// The number of a group that is given by name or number.
pub(super) fn group(name: &str) -> Result<u32, AdminError> {
    match uzers::get_group_by_name(name) {
        Some(group) => Ok(group.gid()),
        None => name.parse().map_err(|_| AdminError::NoGroup { group: name.to_owned() }),
    }
}

/// Creates the directory of this socket, readable for everybody, unless it exists.
pub(super) fn make_directory(path: &Path) -> Result<(), AdminError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o755)))
        .map_err(|source| AdminError::Directory { path: directory.to_owned(), source })
}
