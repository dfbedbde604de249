//! Adds lines to the file, each completely or not at all, and keeps the file small.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::state::directory::{Directory, HISTORY};

/// The largest size of the file, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;

/// Adds these lines. If the file would become too large, its older half is dropped, in one step.
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
        // A part that a full disk has still taken would spoil the next attempt.
        let _ = file.set_len(size);
    }
    written
}

/// Ends a line that a power cut has cut short.
fn ends_within_a_line(file: &std::fs::File, size: u64) -> io::Result<bool> {
    let Some(last) = size.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// The newer half of the file, followed by the new lines.
fn start_anew(directory: &Directory, added: &[u8]) -> io::Result<()> {
    // A file that cannot be read is replaced.
    let mut contents = directory.read(HISTORY).ok().flatten().unwrap_or_default();
    let half = contents.len().saturating_sub(usize::try_from(LARGEST / 2).unwrap_or(usize::MAX));
    let begin = contents[half..].iter().position(|byte| *byte == b'\n').map_or(contents.len(), |end| half + end + 1);
    contents.drain(..begin);
    contents.extend_from_slice(added);
    directory.replace(HISTORY, &contents)
}
