//! Why the state directory cannot be used.

use std::io;
use std::path::PathBuf;

/// A problem with the state directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another lictor holds the directory: exit code 75.
    #[error(
        "the state directory {} is held by another lictor that is running: stop that one, or give this one another name",
        .directory.display()
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// It does not exist and cannot be created.
    #[error("cannot create the state directory {}: create it for this user (in a unit: StateDirectory=lictor/NAME), or set state.directory", .directory.display())]
    Create {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It exists but cannot be used.
    #[error("cannot use the state directory {}: set state.directory to one that this user owns", .directory.display())]
    Use {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It belongs to another user, who could change its files.
    #[error(
        "the state directory {} belongs to uid {owner} and not to the user that lictor runs as: run lictor as that user, change the owner, or set state.directory",
        .directory.display()
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// The UID of its owner.
        owner: u32,
    },
    /// Others may write in it, and it holds more than lictor's files, so its permissions are not ours to change.
    #[error(
        "others may write in {}, which also holds files that are not lictor's: give lictor a state.directory of its own",
        .directory.display()
    )]
    Exposed {
        /// The directory.
        directory: PathBuf,
    },
}
