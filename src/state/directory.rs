//! The locked directory. Its files are trusted only after checks, and replaced as a whole.

use std::fs::{DirBuilder, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::{fs, process};

use super::error::Error;
use super::trust::{FileKind, LARGEST, Seen, trust};

/// The files that lictor keeps.
pub(super) const GOOD: &str = "good.json";
pub(super) const QUARANTINE: &str = "quarantine.json";
pub(super) const PROCESS: &str = "process.json";
pub(super) const HOLD: &str = "hold.json";
pub(super) const HISTORY: &str = "history.jsonl";
pub(super) const KEY: &str = "fingerprint.key";
const OURS: [&str; 6] = [GOOD, QUARANTINE, PROCESS, HOLD, HISTORY, KEY];
/// The suffix of a file that is being written, and may be incomplete ...
const UNFINISHED: &str = ".tmp";
/// ... of one that is complete, but not on the disk yet; it is the newest of all ...
const LAID: &str = ".new";
/// ... and of one that is being forced to the disk; it is newer than the file itself.
const SINKING: &str = ".sync";
/// The length of a file that is written in place, in bytes: less than a page, so that a write is complete or does not happen.
const BLOCK: usize = 1024;

/// The state directory, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The lock is on the directory itself, so it needs no file.
    fd: OwnedFd,
    /// Whose files in it are trusted.
    owner: u32,
}

impl Directory {
    /// Creates the directory if needed, locks it, and takes the rights of other users away.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let directory = || path.to_owned();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| Error::Create { directory: directory(), source })?;
        let unusable = |error: Errno| Error::Use { directory: directory(), source: error.into() };
        let opened = Self::find(path).map_err(unusable)?;
        let stat = opened.of_ours()?;
        match fs::flock(&opened.fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Error::Locked { directory: directory() }),
            Err(error) => return Err(unusable(error)),
        }
        opened.close_to_others(stat.st_mode)?;
        opened.recover();
        Ok(opened)
    }

    /// Opens the directory only for reading: it is not created, locked or changed. `None`: it does not exist.
    pub(super) fn look(path: &Path) -> Result<Option<Self>, Error> {
        let found = Self::there(path)?;
        found.map(|found| found.of_ours().map(|_| found)).transpose()
    }

    /// The same for somebody who only shows what is in it, and does nothing because of it: root may look into the directory of a
    /// service's user, whose files are trusted as that user would trust them.
    pub(super) fn look_to_show(path: &Path) -> Result<Option<Self>, Error> {
        if !process::geteuid().is_root() {
            return Self::look(path);
        }
        let Some(mut found) = Self::there(path)? else { return Ok(None) };
        let stat = fs::fstat(&found.fd);
        found.owner = stat.map_err(|error| Error::Use { directory: path.to_owned(), source: error.into() })?.st_uid;
        Ok(Some(found))
    }

    fn there(path: &Path) -> Result<Option<Self>, Error> {
        match Self::find(path) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(Error::Use { directory: path.to_owned(), source: error.into() }),
        }
    }

    fn find(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::open(path, flags, Mode::empty())?;
        Ok(Self { path: path.to_owned(), fd, owner: process::geteuid().as_raw() })
    }

    /// The directory's metadata, if it is ours.
    fn of_ours(&self) -> Result<Stat, Error> {
        let unusable = |error: Errno| Error::Use { directory: self.path.clone(), source: error.into() };
        let stat = fs::fstat(&self.fd).map_err(unusable)?;
        if stat.st_uid != self.owner {
            return Err(Error::Foreign { directory: self.path.clone(), owner: stat.st_uid });
        }
        Ok(stat)
    }

    /// Whether another process has locked it. For readers: the lock is only tried, and released again.
    pub(super) fn is_held(&self) -> bool {
        match fs::flock(&self.fd, FlockOperation::NonBlockingLockShared) {
            Ok(()) => fs::flock(&self.fd, FlockOperation::Unlock).is_err(),
            Err(error) => error == Errno::WOULDBLOCK,
        }
    }

    /// The path of the directory, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether permissions allow to create files here.
    pub(super) fn writable(&self) -> io::Result<()> {
        match fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
            Err(error @ (Errno::ACCESS | Errno::ROFS)) => Err(error.into()),
            // Any other error means that the kernel cannot tell; the first write will show it.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The contents of a file; `None` if there is none. The error is the end of a sentence.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        // Without blocking, so that we do not hang if the file is a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err("it is a symbolic link".to_owned()),
            Err(error) => return Err(io::Error::from(error).to_string()),
        };
        let stat = fs::fstat(&fd).map_err(|error| io::Error::from(error).to_string())?;
        trust(seen(&stat), self.owner)?;
        let mut contents = Vec::new();
        File::from(fd).take(LARGEST).read_to_end(&mut contents).map_err(|error| error.to_string())?;
        Ok(Some(contents))
    }

    /// Opens a file to add lines to it; creates it if it does not exist.
    pub(super) fn open_to_append(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?;
        trust(seen(&fs::fstat(&fd)?), process::geteuid().as_raw()).map_err(io::Error::other)?;
        Ok(File::from(fd))
    }

    /// Replaces a file. After a power cut it has either the old contents or the new ones.
    pub(super) fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.lay(name, |out| out.write_all(contents))?;
        self.sink(name)
    }

    /// Writes new contents to a file beside it, without waiting for the disk. From then on they outlive lictor, but perhaps not a
    /// power cut, after which the file is as it was.
    pub(super) fn lay(&self, name: &str, write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
        self.replace_through(&format!("{name}{UNFINISHED}"), &format!("{name}{LAID}"), |file| buffered(file, write))
    }

    /// Forces the contents that were laid last to the disk and renames them to the file, so that after a power cut it has either the
    /// old contents or the new ones. New contents may be laid meanwhile; they stay where they are.
    pub(super) fn sink(&self, name: &str) -> io::Result<()> {
        let sinking = format!("{name}{SINKING}");
        match fs::renameat(&self.fd, format!("{name}{LAID}"), &self.fd, &sinking) {
            // Nothing new has been laid since the last time.
            Err(Errno::NOENT) => return Ok(()),
            renamed => renamed?,
        }
        self.settle(&sinking, name).inspect_err(|_| {
            // A disk that is full gets back what was written for nothing.
            let _ = self.remove(&sinking);
        })
    }

    fn settle(&self, sinking: &str, name: &str) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        File::from(fs::openat(&self.fd, sinking, flags, Mode::empty())?).sync_all()?;
        fs::renameat(&self.fd, sinking, &self.fd, name)?;
        match fs::fsync(&self.fd) {
            // Some file systems cannot sync a directory; the rename is done anyway.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Completes the writes that an earlier lictor has left unfinished: the newest complete contents become the file.
    fn recover(&self) {
        for name in [GOOD, QUARANTINE, HOLD] {
            let (laid, sinking) = (format!("{name}{LAID}"), format!("{name}{SINKING}"));
            if self.is_whole(&laid) {
                // If this fails, the file is as it was.
                let _ = self.sink(name);
            } else if self.is_whole(&sinking) {
                let _ = self.settle(&sinking, name);
            }
            for left in [format!("{name}{UNFINISHED}"), laid, sinking] {
                let _ = self.remove(&left);
            }
        }
    }

    /// Whether the contents are complete: a kill or a power cut leaves half a file, which is not JSON.
    fn is_whole(&self, name: &str) -> bool {
        let read = self.read(name).ok().flatten();
        read.is_some_and(|contents| serde_json::from_slice::<serde::de::IgnoredAny>(&contents).is_ok())
    }

    /// What identifies this directory on this machine: a copy of it has another identity.
    pub(super) fn place(&self) -> Option<String> {
        fs::fstat(&self.fd).ok().map(|stat| format!("{:x}:{:x}", stat.st_dev, stat.st_ino))
    }

    /// Writes a short file in place, in a single write, which a kill does not interrupt, and without waiting for the disk.
    pub(super) fn overwrite(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        match BLOCK.checked_sub(contents.len()) {
            // In JSON, white space after a value is not part of it.
            Some(blank) => self.write_over(name, &[contents, &b" ".repeat(blank)].concat()),
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
        // If the file in its place is not ours, it is replaced.
        .or_else(|_| {
            self.replace_through(&format!("{name}{UNFINISHED}"), name, |file| {
                buffered(file, |out| out.write_all(contents))
            })
        })
    }

    fn write_over(&self, name: &str, block: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?);
        let stat = fs::fstat(&file)?;
        trust(seen(&stat), process::geteuid().as_raw()).map_err(io::Error::other)?;
        let (size, length) = (seen(&stat).size, u64::try_from(block.len()).unwrap_or(u64::MAX));
        file.write_all_at(block, 0)?;
        if size > length { file.set_len(length) } else { Ok(()) }
    }

    fn replace_through(
        &self,
        unfinished: &str,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        self.remove(unfinished)?;
        let replaced = self.create(unfinished).and_then(|mut file| write(&mut file)).and_then(|()| {
            fs::renameat(&self.fd, unfinished, &self.fd, name)?;
            Ok(())
        });
        if replaced.is_err() {
            // A disk that is full gets back what was written for nothing.
            let _ = self.remove(unfinished);
        }
        replaced
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes all rights of other users away, but only if the directory has only our files in it: an operator who names `/tmp` must
    /// not lose it.
    fn close_to_others(&self, mode: u32) -> Result<(), Error> {
        let mode = Mode::from_raw_mode(mode);
        if !mode.intersects(Mode::RWXG | Mode::RWXO) {
            return Ok(());
        }
        let unusable = |error: Errno| Error::Use { directory: self.path.clone(), source: error.into() };
        if self.holds_only_ours().map_err(unusable)? {
            fs::fchmod(&self.fd, Mode::RWXU).map_err(unusable)
        } else if mode.intersects(Mode::WGRP | Mode::WOTH) {
            Err(Error::Exposed { directory: self.path.clone() })
        } else {
            Ok(())
        }
    }

    fn holds_only_ours(&self) -> Result<bool, Errno> {
        for entry in fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let passing = [UNFINISHED, LAID, SINKING].iter().find_map(|end| name.strip_suffix(end.as_bytes()));
            let name = passing.unwrap_or(name);
            // An older lictor had files `*.soon.new`.
            let name = name.strip_suffix(b".soon").unwrap_or(name);
            if name != b"." && name != b".." && !OURS.iter().any(|ours| ours.as_bytes() == name) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A file that contents are written to.
pub(super) type Out<'a> = BufWriter<&'a mut File>;

fn buffered(file: &mut File, write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

impl Drop for Directory {
    /// A child that was forked just now, and has not become another program yet, still has the descriptor, so closing
    /// ours would not give the lock back.
    fn drop(&mut self) {
        let _ = fs::flock(&self.fd, FlockOperation::Unlock);
    }
}

fn seen(stat: &Stat) -> Seen {
    let kind = if fs::FileType::from_raw_mode(stat.st_mode).is_file() { FileKind::Regular } else { FileKind::Other };
    Seen {
        kind,
        owner: stat.st_uid,
        mode: stat.st_mode & 0o7777,
        size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
