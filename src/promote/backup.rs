//! The operator's backup file with the values that a promotion replaced. It is the only place that has them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::plan::{Plan, Value};

/// A larger file was not written by a promotion.
const LARGEST: u64 = 128 << 20;
/// The form of the file.
const FORM: u32 = 1;

/// Something is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be written. One that exists is not overwritten.
    #[error("the backup {} cannot be written; name a file that does not exist yet, in a directory that you may write to", .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("the backup {} cannot be read", .path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not such a backup.
    #[error("{} is not a backup that `lictor promote --backup` wrote for {folder}", .path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// The folder that is meant.
        folder: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    folder: String,
    keys: BTreeMap<String, Option<StoredValue>>,
}

#[derive(Serialize, Deserialize)]
struct StoredValue {
    value: String,
    #[serde(default)]
    flags: u64,
}

/// Writes what the plan would replace, readable for its owner alone, and waits until it is on the disk.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn write(path: &Path, folder: &str, plan: &Plan) -> Result<(), BackupError> {
    let value = |value: &Value| StoredValue { value: STANDARD.encode(value.bytes.expose()), flags: value.flags };
    let keys =
        plan.changes.iter().map(|change| (change.key.clone(), change.before.as_ref().map(|held| value(&held.value))));
    let stored = Stored { v: FORM, folder: folder.to_owned(), keys: keys.collect() };
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        serde_json::to_writer(&mut file, &stored)?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    written().map_err(|source| BackupError::Write { path: path.to_owned(), source })
}

/// Reads the replaced values of this folder's keys; `None`: the key did not exist.
///
/// # Errors
/// It cannot be read, or is not the backup of this folder.
pub fn read(path: &Path, folder: &str) -> Result<BTreeMap<String, Option<Value>>, BackupError> {
    let text = || {
        let mut text = String::new();
        File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = text().map_err(|source| BackupError::Read { path: path.to_owned(), source })?;
    let foreign = || BackupError::Foreign { path: path.to_owned(), folder: folder.to_owned() };
    let stored: Stored = serde_json::from_str(&text).map_err(|_| foreign())?;
    if stored.v != FORM || stored.folder != folder {
        return Err(foreign());
    }
    let value = |stored: StoredValue| {
        let bytes = STANDARD.decode(stored.value).map_err(|_| foreign())?;
        Ok(Value { bytes: bytes.into(), flags: stored.flags })
    };
    stored.keys.into_iter().map(|(key, stored)| Ok((key, stored.map(value).transpose()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::plan::tests::pairs;
    use super::super::plan::{Rules, Sealing};
    use super::*;

    #[test]
    fn what_was_replaced_comes_back_as_it_was_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.json");
        let target = pairs(&[("B", "old\0\u{1}"), ("C", "gone")]);
        let source = pairs(&[("A", "1"), ("B", "2")]);
        let plan = Plan::between(&source, &target, &Rules::default(), Sealing::default()).unwrap();
        write(&path, "b/", &plan).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let kept = read(&path, "b/").unwrap();
        assert_eq!(kept.get("A"), Some(&None));
        assert_eq!(kept["B"].as_ref().unwrap().bytes.expose(), b"old\0\x01");
        assert!(matches!(write(&path, "b/", &plan), Err(BackupError::Write { .. })), "it is not overwritten");
        assert!(matches!(read(&path, "other/"), Err(BackupError::Foreign { .. })));
        for garbage in ["", "{}", "null", "{\"v\":1,\"folder\":\"b/\",\"keys\":{\"A\":{\"value\":\"?\"}}}"] {
            std::fs::write(&path, garbage).unwrap();
            assert!(matches!(read(&path, "b/"), Err(BackupError::Foreign { .. })), "{garbage}");
        }
    }
}
