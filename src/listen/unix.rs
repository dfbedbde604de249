//! A socket in the file system. Two sockets cannot share a path, so there are two files, and a symbolic link to one of
//! them.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getsockname, listen, socket_with,
};

use super::sides::Side;

/// How many connections may wait; the kernel limits that to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// Binds both files, and links the path to the active one. Returns them in the order of the sides.
///
/// # Errors
/// `AddrInUse` if a process listens there, or if the path is something other than a socket.
pub(super) fn bind_all(path: &Path, active: Side) -> io::Result<Vec<OwnedFd>> {
    make_way(path)?;
    let sockets = Side::BOTH.into_iter().map(|side| bound(&file(path, side))).collect::<io::Result<_>>()?;
    point(path, active)?;
    Ok(sockets)
}

/// From now on the path leads to this side.
pub(super) fn point(path: &Path, side: Side) -> io::Result<()> {
    let new = with(path, ".new");
    remove(&new)?;
    let target = file(path, side);
    symlink(target.file_name().unwrap_or_default(), &new)?;
    // At every moment the path leads to a socket.
    std::fs::rename(&new, path)
}

/// A new socket for side B, beside the only one that is left, which becomes side A; the path leads to side A.
pub(super) fn beside(left: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    if side_of(left, path) == Some(Side::B) {
        // The file is renamed; connections that were made by the old name stay.
        std::fs::rename(file(path, Side::B), file(path, Side::A))?;
    }
    point(path, Side::A)?;
    bound(&file(path, Side::B))
}

/// A new socket in place of one of this side that was shut down, because that would refuse connections for ever.
pub(super) fn anew(path: &Path, side: Side) -> io::Result<OwnedFd> {
    bound(&file(path, side))
}

/// The side of a socket by the file that it was bound to; `None`: it belongs to another path.
pub(super) fn side_of(socket: &OwnedFd, path: &Path) -> Option<Side> {
    let address: SocketAddrUnix = getsockname(socket).ok()?.try_into().ok()?;
    let bound = address.path_bytes()?.to_vec();
    Side::BOTH.into_iter().find(|side| file(path, *side).as_os_str().as_bytes() == bound)
}

/// The socket of a side, which the path leads to while it is active.
pub(super) fn file(path: &Path, side: Side) -> PathBuf {
    with(path, if side == Side::A { ".0" } else { ".1" })
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut text = OsString::from(path);
    text.push(end);
    text.into()
}

fn bound(path: &Path) -> io::Result<OwnedFd> {
    make_way(path)?;
    let socket = unconnected()?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn unconnected() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Removes the file that an earlier lictor has left; one on which a process listens stays.
fn make_way(path: &Path) -> io::Result<()> {
    let there = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there?.file_type(),
    };
    if !there.is_socket() && !there.is_symlink() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    match connect(&unconnected()?, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED | Errno::NOENT) => remove(path),
        // A process listens there, perhaps with a full queue, or for other users only.
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
