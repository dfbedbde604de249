//! Why a file or directory could not be read. What was read before stays in use.

use std::io;
use std::path::{Path, PathBuf};

use crate::envfile;

/// Why it could not be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::source) enum Failure {
    #[error("{} does not exist: create it, or set required = false if the service can start without it", .0.display())]
    Missing(PathBuf),
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("{} is longer than {limit} bytes", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("{} has more than {limit} entries: keep other files elsewhere", path.display())]
    TooMany { path: PathBuf, limit: usize },
    #[error("the files in {} have more than {limit} bytes together", path.display())]
    TooMuch { path: PathBuf, limit: usize },
    #[error("{} is not an environment file", path.display())]
    Grammar { path: PathBuf, source: envfile::Error },
    #[error("{found} keys found where min_keys asks for {wanted}; write them, or lower min_keys")]
    TooFew { found: usize, wanted: usize },
}

impl Failure {
    /// An error of the kernel about the source's own path.
    pub(in crate::source) fn at(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::Missing(path.to_owned())
        } else {
            Self::Io { path: path.to_owned(), source }
        }
    }

    /// Whether it stays the same until somebody changes the file.
    pub(in crate::source) fn lies_in_the_contents(&self) -> bool {
        match self {
            Self::NotRegular(_)
            | Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::TooMuch { .. }
            | Self::Grammar { .. } => true,
            Self::Missing(_) | Self::Io { .. } | Self::TooFew { .. } => false,
        }
    }

    /// As a metric tag.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => "denied",
            Self::Missing(_) | Self::Io { .. } | Self::NotRegular(_) => "io",
            Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::TooMuch { .. }
            | Self::Grammar { .. }
            | Self::TooFew { .. } => "invalid",
        }
    }
}
