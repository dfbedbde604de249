//! Reads one small file, whatever is at its path.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Failure;

/// Reads a regular file of at most `limit` bytes; links are followed.
pub(in crate::source) fn contents(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::at(path, error);
    // Checked before it is opened, because opening a device can have effects, and after, because it may be another file by then.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Failure::NotRegular(path.to_owned()));
    }
    // Without O_NONBLOCK the open of a FIFO that nobody writes to would never return.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Failure::NotRegular(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(Failure::TooLong { path: path.to_owned(), limit }) } else { Ok(bytes) }
}
