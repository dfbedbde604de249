//! A directory with one file for each key, as for envdir, or a mounted `ConfigMap`.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Spec;
use super::watched::{self, Failure, Reading, contents};
use crate::environment::{Entry, Snapshot};
use crate::secret::Secret;

/// For one value, in bytes.
const MAX_VALUE: u64 = 1 << 20;

/// For all values, in bytes: far more than any process can be started with.
const MAX_ALL: usize = 16 << 20;

/// For everything in the folder, what is ignored too.
const MAX_NAMES: usize = 10_000;

/// More warnings than this are only counted.
const MAX_WARNINGS: usize = 20;

/// Starts the task that owns this source; it ends with `tasks`.
pub(super) fn spawn(tasks: &mut JoinSet<()>, spec: &Spec, path: &Path) -> watch::Receiver<Arc<Snapshot>> {
    watched::spawn(tasks, spec, path, read)
}

/// Reads the whole folder. A file that cannot be read fails it all: a key that is there must not look deleted.
pub(super) fn read(folder: &Path) -> Result<Reading, Failure> {
    let failed = |error| Failure::at(folder, error);
    let mut reading = Reading::default();
    let mut strange = 0;
    let mut bytes = 0;
    for (count, item) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        let name = item.map_err(failed)?.file_name();
        if count == MAX_NAMES {
            return Err(Failure::TooMany { path: folder.to_owned(), limit: MAX_NAMES });
        }
        if name.as_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(&name);
        match (kind(&path)?, name.into_string()) {
            (EntryKind::File, Ok(key)) => {
                let value = value(&path)?;
                bytes += value.len();
                if bytes > MAX_ALL {
                    return Err(Failure::TooMuch { path: folder.to_owned(), limit: MAX_ALL });
                }
                reading.entries.push(Entry::new(key, Secret::from(value)));
            }
            (EntryKind::Folder | EntryKind::Gone, _) => {}
            (EntryKind::File, Err(_)) => strange += warn(&mut reading, &path, "its name is not UTF-8"),
            (EntryKind::Other, _) => strange += warn(&mut reading, &path, "it is not a regular file"),
        }
    }
    if strange > 0 {
        reading.warnings.push(format!("and {strange} more are left out"));
    }
    reading.entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    Ok(reading)
}

/// Adds a warning, or says that one was too many.
fn warn(reading: &mut Reading, path: &Path, why: &str) -> usize {
    if reading.warnings.len() == MAX_WARNINGS {
        return 1;
    }
    reading.warnings.push(format!("{} is left out: {why}", path.display()));
    0
}

enum EntryKind {
    File,
    Folder,
    Other,
    /// Deleted since the folder was listed.
    Gone,
}

fn kind(path: &Path) -> Result<EntryKind, Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(EntryKind::File),
        Ok(metadata) if metadata.is_dir() => Ok(EntryKind::Folder),
        Ok(_) => Ok(EntryKind::Other),
        // A link that leads nowhere is a key that cannot be read; a missing link is not a key.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            Ok(EntryKind::Gone)
        }
        Err(source) => Err(Failure::Io { path: path.to_owned(), source }),
    }
}

/// The contents without one newline at the end, which editors and `echo` add.
fn value(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut value = contents(path, MAX_VALUE)?;
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    Ok(value)
}
