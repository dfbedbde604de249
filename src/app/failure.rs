//! Why lictor cannot start, and whether another start may succeed.

use std::io;

use crate::admin::AdminError;
use crate::http::BindError;
use crate::listen::ListenError;
use crate::{consul, exit, service, state};

/// Why lictor could not start. Once it runs, none of these errors ends it.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Another lictor has the state directory.
    #[error(transparent)]
    State(state::Error),
    /// The status address could not be bound.
    #[error(transparent)]
    Status(#[from] BindError),
    /// The admin socket could not be bound.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A socket cannot be held for the service.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The client for Consul could not be created, for example because a certificate cannot be read.
    #[error("the client for consul cannot be set up; mend consul {{}} in the configuration")]
    Consul(#[source] consul::Error),
    /// The kernel refuses something that a supervisor needs.
    #[error("cannot set up the supervision of the service")]
    Kernel(#[source] io::Error),
    /// The pid file cannot be written.
    #[error("cannot write the pid file {path}; mend pid_file")]
    PidFile {
        /// Where it should be.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The sources do not compose to an environment that the command could run with (`--once`).
    #[error("no command can be run on these values: {0}; mend them")]
    Unfit(String),
    /// A required source has not answered (`lictor plan`).
    #[error("{0}; a plan needs its answer")]
    Silent(String),
    /// The command cannot be started (`--once`).
    #[error(transparent)]
    Service(#[from] service::ServiceError),
}

impl AppError {
    /// The exit code: 75 if something is taken or not there yet, 69 if sources do not answer, 78 if a person has to mend the
    /// configuration, 70 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            _ if self.may_pass() => exit::TRY_AGAIN,
            Self::State(_)
            | Self::Status(_)
            | Self::Admin(_)
            | Self::Listen(_)
            | Self::Consul(_)
            | Self::PidFile { .. }
            | Self::Unfit(_) => exit::CONFIGURATION,
            Self::Silent(_) => exit::UNAVAILABLE,
            Self::Kernel(_) => exit::BUG,
            Self::Service(error) => error.exit_code(),
        }
    }

    /// Whether another start may succeed although the configuration stays the same.
    fn may_pass(&self) -> bool {
        match self {
            Self::State(state::Error::Locked { .. }) | Self::Listen(ListenError::Taken { .. }) => true,
            Self::Status(error) => error.may_pass(),
            Self::Admin(error) => error.may_pass(),
            Self::Listen(ListenError::Unfit { source, .. }) | Self::PidFile { source, .. } => exit::may_pass(source),
            Self::Consul(error) => error.may_pass(),
            Self::State(_) | Self::Unfit(_) | Self::Silent(_) | Self::Kernel(_) | Self::Service(_) => false,
        }
    }
}
