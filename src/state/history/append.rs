//! Adds lines to the file, whole or not at all, and keeps it small.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::state::directory::{Directory, HISTORY};

/// The file never grows beyond this, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;

/// Adds these lines. A file that would grow too large loses its older half, in one step.
pub(super) fn append(directory: &Directory, lines: &[Arc<str>]) -> io::Result<()> {
    let mut file = directory.open_to_append(HISTORY)?;
    let size = file.metadata()?.len();
    let mut added = Vec::new();
    if ends_within_a_line(&file, size)? {
        added.push(b'\n');
    }
    for line in lines {
        added.extend_from_slice(line.as_bytes());
        added.push(b'\n');
    }
    if size.saturating_add(added.len() as u64) > LARGEST {
        return start_anew(directory, &added);
    }
    let written = file.write_all(&added).and_then(|()| file.sync_data());
    if written.is_err() {
        // What a full disk took of it would stand in the way of the next attempt.
        let _ = file.set_len(size);
    }
    written
}

/// A power cut may have left half a line.
fn ends_within_a_line(file: &std::fs::File, size: u64) -> io::Result<bool> {
    let Some(last) = size.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// The newer half of the file, and what is added.
fn start_anew(directory: &Directory, added: &[u8]) -> io::Result<()> {
    // What cannot be read is not worth keeping.
    let mut contents = directory.read(HISTORY).ok().flatten().unwrap_or_default();
    let half = contents.len().saturating_sub(usize::try_from(LARGEST / 2).unwrap_or(usize::MAX));
    let begin = contents[half..].iter().position(|byte| *byte == b'\n').map_or(contents.len(), |end| half + end + 1);
    contents.drain(..begin);
    contents.extend_from_slice(added);
    directory.replace(HISTORY, &contents)
}
