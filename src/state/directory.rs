//! The locked directory: files in it are read with suspicion and replaced whole.

use std::fs::{DirBuilder, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::{fs, process};

use super::error::Error;
use super::trust::{Kind, LARGEST, Seen, trust};

/// The files that lictor keeps; a file that is being written has `.new` after its name.
pub(super) const GOOD: &str = "good.json";
pub(super) const QUARANTINE: &str = "quarantine.json";
pub(super) const PROCESS: &str = "process.json";
pub(super) const HOLD: &str = "hold.json";
pub(super) const HISTORY: &str = "history.jsonl";
pub(super) const KEY: &str = "fingerprint.key";
const OURS: [&str; 6] = [GOOD, QUARANTINE, PROCESS, HOLD, HISTORY, KEY];
const UNFINISHED: &str = ".new";
/// What is written in place has this length, in bytes: less than any page, so it is written at once or not at all.
const BLOCK: usize = 1024;

/// The state directory, held until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The lock lies on the directory itself, so there is no file of its own for it.
    fd: OwnedFd,
}

impl Directory {
    /// Creates it if need be, locks it, and closes it to others.
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
        Ok(opened)
    }

    /// Opens it to be read only: it is neither made nor locked nor changed. `None`: it is not there.
    pub(super) fn look(path: &Path) -> Result<Option<Self>, Error> {
        let found = match Self::find(path) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Error::Use { directory: path.to_owned(), source: error.into() }),
        };
        found.of_ours()?;
        Ok(Some(found))
    }

    fn find(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { path: path.to_owned(), fd: fs::open(path, flags, Mode::empty())? })
    }

    /// What the kernel says of it, if it is ours.
    fn of_ours(&self) -> Result<Stat, Error> {
        let unusable = |error: Errno| Error::Use { directory: self.path.clone(), source: error.into() };
        let stat = fs::fstat(&self.fd).map_err(unusable)?;
        if stat.st_uid != process::geteuid().as_raw() {
            return Err(Error::Foreign { directory: self.path.clone(), owner: stat.st_uid });
        }
        Ok(stat)
    }

    /// Where it is, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether files can be created here, as far as permissions tell.
    pub(super) fn writable(&self) -> io::Result<()> {
        match fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
            Err(error @ (Errno::ACCESS | Errno::ROFS)) => Err(error.into()),
            // Any other error comes from a kernel that cannot tell; the first write will.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The contents of a file; `None` if there is none. The error is the end of a sentence.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        // Not blocking, so that a pipe in its place does not hang us.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err("it is a symbolic link".to_owned()),
            Err(error) => return Err(io::Error::from(error).to_string()),
        };
        let stat = fs::fstat(&fd).map_err(|error| io::Error::from(error).to_string())?;
        trust(seen(&stat), process::geteuid().as_raw())?;
        let mut contents = Vec::new();
        File::from(fd).take(LARGEST).read_to_end(&mut contents).map_err(|error| error.to_string())?;
        Ok(Some(contents))
    }

    /// A file to which lines are added; it is made if it is not there.
    pub(super) fn open_to_append(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?;
        trust(seen(&fs::fstat(&fd)?), process::geteuid().as_raw()).map_err(io::Error::other)?;
        Ok(File::from(fd))
    }

    /// Replaces a file: after this, and after a power cut, it has the old contents or the new ones.
    pub(super) fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.replace_by(name, |out| out.write_all(contents))
    }

    /// The same, with contents that are written piece by piece.
    pub(super) fn replace_by(&self, name: &str, write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
        self.replace_through(&format!("{name}{UNFINISHED}"), name, |file| {
            buffered(file, write)?;
            file.sync_all()
        })?;
        match fs::fsync(&self.fd) {
            // Some file systems cannot sync a directory; the rename has been done all the same.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces a file without waiting for the disk: it outlives us, but perhaps not a power cut.
    pub(super) fn replace_soon(
        &self,
        name: &str,
        write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        // Another name than that of `replace`, which may be at work on the same file in the background.
        self.replace_through(&format!("{name}.soon{UNFINISHED}"), name, |file| buffered(file, write))
    }

    /// Writes a short file in place, in one call, which a kill does not cut. This is the way for what is on the path of a
    /// start: a rename over a file waits until ext4 has found blocks for the new one.
    pub(super) fn overwrite(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        match BLOCK.checked_sub(contents.len()) {
            // White space after a value is no part of it in JSON.
            Some(blank) => self.write_over(name, &[contents, &b" ".repeat(blank)].concat()),
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
        // What is not ours in its place is replaced.
        .or_else(|_| self.replace_soon(name, |out| out.write_all(contents)))
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

    /// Takes every right of others away, but only where nothing but our files lie: an operator who points us at `/tmp`
    /// must not lose it.
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
            let name = name.strip_suffix(UNFINISHED.as_bytes()).unwrap_or(name);
            let name = name.strip_suffix(b".soon").unwrap_or(name);
            if name != b"." && name != b".." && !OURS.iter().any(|ours| ours.as_bytes() == name) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where contents are written to.
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
    let kind = if fs::FileType::from_raw_mode(stat.st_mode).is_file() { Kind::Regular } else { Kind::Other };
    Seen {
        kind,
        owner: stat.st_uid,
        mode: stat.st_mode & 0o7777,
        size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
