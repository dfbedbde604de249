//! One file in the grammar of systemd's `EnvironmentFile=`.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Spec;
use super::watched::{self, Failure, Reading, contents};
use crate::envfile;
use crate::environment::{Entry, Snapshot};

/// Starts the task that owns this source; it ends with `tasks`.
pub(super) fn spawn(tasks: &mut JoinSet<()>, spec: &Spec, path: &Path) -> watch::Receiver<Arc<Snapshot>> {
    watched::spawn(tasks, spec, path, read)
}

pub(super) fn read(path: &Path) -> Result<Reading, Failure> {
    let text = contents(path, envfile::MAX_BYTES as u64)?;
    let (pairs, warnings) =
        envfile::parse(&text).map_err(|source| Failure::Grammar { path: path.to_owned(), source })?;
    Ok(Reading {
        entries: pairs.into_iter().map(|(key, value)| Entry::new(key, value)).collect(),
        warnings: warnings.iter().map(|warning| format!("{}: {warning}", path.display())).collect(),
    })
}
