//! `pid_file`: lictor's own PID, for tools that need it.

use std::path::{Path, PathBuf};

use super::AppError;

/// Removes the file when lictor ends.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

/// Writes the file, if one is wanted.
pub(super) fn write(path: Option<&Path>) -> Result<Option<PidFile>, AppError> {
    let Some(path) = path else { return Ok(None) };
    std::fs::write(path, std::process::id().to_string())
        .map_err(|source| AppError::PidFile { path: path.display().to_string(), source })?;
    Ok(Some(PidFile(path.to_owned())))
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may have been removed already; there is nobody to tell.
        let _ = std::fs::remove_file(&self.0);
    }
}
