//! Bounded reads at a position: the only place that touches the file.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use object::pod::{self, Pod};

use super::Error;

/// No single read is larger, whatever a header says.
pub(super) const LARGEST_READ: u64 = 1 << 20;

/// The limit of all reads together: tables of a very large program have some 100 MiB, and headers can name one table a
/// thousand times.
const MOST_READ: u64 = 256 << 20;

/// How many bytes are read at a time when a table or a segment is searched.
pub(super) const CHUNK: u64 = 128 << 10;

/// Opens a file for reading without ever waiting: a FIFO or a device in its place is refused later, not waited for.
pub fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Whether the file starts with `#!`, so that the kernel runs an interpreter in its place.
pub fn is_script(file: &File) -> bool {
    let mut start = [0; 2];
    file.read_exact_at(&mut start, 0).is_ok() && start == *b"#!"
}

/// A regular file of a known size.
#[derive(Debug)]
pub(super) struct Input<'f> {
    file: &'f File,
    size: u64,
    left: Cell<u64>,
}

impl<'f> Input<'f> {
    pub(super) fn of(file: &'f File) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(Error::Read)?;
        if !metadata.is_file() {
            return Err(Error::NotAFile);
        }
        Ok(Self { file, size: metadata.len(), left: Cell::new(MOST_READ) })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The bytes at this place, all of them or an error.
    pub(super) fn bytes(&self, offset: u64, size: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.admit(offset, size)?];
        self.file.read_exact_at(&mut bytes, offset).map_err(Error::Read)?;
        Ok(bytes)
    }

    /// The entries of a table at this place.
    pub(super) fn table<T: Pod>(&self, offset: u64, count: u64) -> Result<Vec<T>, Error> {
        let entry = size_of::<T>() as u64;
        let size = self.admit(offset, count.saturating_mul(entry))?;
        // Words, because the entries of ELF tables need up to eight bytes of alignment.
        let mut words = vec![0_u64; size.div_ceil(8)];
        let bytes = &mut pod::bytes_of_slice_mut(&mut words)[..size];
        self.file.read_exact_at(bytes, offset).map_err(Error::Read)?;
        let entries = pod::slice_from_all_bytes(bytes).map_err(|()| Error::Damaged("a table is misaligned"))?;
        Ok(entries.to_vec())
    }

    fn admit(&self, offset: u64, size: u64) -> Result<usize, Error> {
        let end = offset.checked_add(size).ok_or(Error::Damaged("an offset overflows"))?;
        if end > self.size {
            return Err(Error::Damaged("something lies behind the end of the file"));
        }
        if size > LARGEST_READ {
            return Err(Error::Damaged("a table is too large"));
        }
        let left = self.left.get().checked_sub(size).ok_or(Error::Damaged("there is too much to read"))?;
        self.left.set(left);
        usize::try_from(size).map_err(|_| Error::Damaged("a table is too large"))
    }
}
