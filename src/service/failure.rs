//! Why a process could not be started, as sentences for the person who can mend it.

use std::io;
use std::path::PathBuf;

/// Why a process could not be started or taken over.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A bare name that is in no directory of `PATH`.
    #[error("no directory of the service's PATH has a program {name}: write its whole path, or set PATH")]
    NotInPath {
        /// The name.
        name: String,
    },
    /// There is nothing at the path.
    #[error("the program {} does not exist: install it, or correct the path", program.display())]
    Missing {
        /// The path.
        program: PathBuf,
    },
    /// There is a file at the path, but it cannot be executed.
    #[error("{} is not executable: it must be a file with the x permission", program.display())]
    NotExecutable {
        /// The path.
        program: PathBuf,
    },
    /// The program exists, but the interpreter or loader that it needs does not.
    #[error("the interpreter or loader that {} names is missing: see its first line, or what file(1) says about it", program.display())]
    NoInterpreter {
        /// The path.
        program: PathBuf,
    },
    /// The kernel refuses the start.
    #[error("cannot execute {}", program.display())]
    Execute {
        /// The path.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The working directory does not exist or cannot be entered.
    #[error("cannot run in the directory {}: create it, or correct the path", directory.display())]
    Directory {
        /// The path.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The host has no such user.
    #[error("there is no user {user} on this host: create it, or correct the name")]
    NoUser {
        /// The name.
        user: String,
    },
    /// Only root may run a process as another user.
    #[error("cannot run as user {user}: lictor must run as root for that; otherwise leave the user out")]
    NotRoot {
        /// The name.
        user: String,
    },
    /// The process was started, but its end could not be watched, so it was killed again.
    #[error("cannot watch the new process")]
    Watch {
        /// Why, such as no more descriptors.
        source: io::Error,
    },
    /// The file of `exec.env_file` could not be replaced.
    #[error("cannot write the env_file {}: free its disk, or correct the path or the rights", path.display())]
    EnvFile {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The disk of `exec.env_file` does not answer.
    #[error("the env_file was not written within {}: its disk hangs; mend that, or put it elsewhere", humantime::format_duration(*patience))]
    SlowEnvFile {
        /// How long was waited.
        patience: std::time::Duration,
    },
    /// The file of `exec.env_file` cannot hold these variables.
    #[error("cannot write the env_file: rename or shorten these variables, or leave env_file out")]
    Unwritable {
        /// Which, and why.
        source: crate::envfile::Error,
    },
    /// The reload signal could not be sent to the running process.
    #[error("cannot send the reload signal")]
    Tell {
        /// Why not.
        source: io::Error,
    },
    /// The process to be taken over has ended, or its PID belongs to another by now.
    #[error("process {pid} is not the one that was recorded: it has ended")]
    NotTheOne {
        /// Its PID.
        pid: u32,
    },
}

impl ServiceError {
    /// The exit code that a shell would give: 127 for a program that does not exist, 126 for one that cannot be run.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotInPath { .. } | Self::Missing { .. } => 127,
            Self::NotExecutable { .. }
            | Self::NoInterpreter { .. }
            | Self::Execute { .. }
            | Self::Directory { .. }
            | Self::NoUser { .. }
            | Self::NotRoot { .. }
            | Self::Watch { .. }
            | Self::EnvFile { .. }
            | Self::SlowEnvFile { .. }
            | Self::Unwritable { .. }
            | Self::Tell { .. }
            | Self::NotTheOne { .. } => 126,
        }
    }
}

impl From<ServiceError> for io::Error {
    fn from(error: ServiceError) -> Self {
        let kind = match &error {
            ServiceError::NotInPath { .. }
            | ServiceError::Missing { .. }
            | ServiceError::NoInterpreter { .. }
            | ServiceError::NoUser { .. }
            | ServiceError::NotTheOne { .. } => io::ErrorKind::NotFound,
            ServiceError::NotExecutable { .. } | ServiceError::NotRoot { .. } => io::ErrorKind::PermissionDenied,
            ServiceError::Execute { source, .. }
            | ServiceError::Directory { source, .. }
            | ServiceError::EnvFile { source, .. }
            | ServiceError::Tell { source }
            | ServiceError::Watch { source } => source.kind(),
            ServiceError::SlowEnvFile { .. } => io::ErrorKind::TimedOut,
            ServiceError::Unwritable { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
