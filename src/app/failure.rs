//! Why lictor cannot start, and whether another start may succeed.

use std::io;

use crate::admin::AdminError;
use crate::http::BindError;
use crate::listen::ListenError;
use crate::{consul, exit, service, state};

/// Why lictor could not start. Once it runs, nothing of this kind ends it.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Another lictor has the state directory.
    #[error(transparent)]
    State(state::Error),
    /// The status address cannot be had.
    #[error(transparent)]
    Status(#[from] BindError),
    /// The admin socket cannot be had.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A socket cannot be held for the service.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Consul's settings do not make a client: a certificate that cannot be read, say.
    #[error("consul cannot be asked; mend consul {{}} in the configuration")]
    Consul(#[source] consul::Error),
    /// The kernel refuses what a supervisor needs.
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
    /// The sources do not make an environment that a command could be run with (`--once`).
    #[error("the sources do not fit: {0}; mend the values")]
    Unfit(String),
    /// A required source has not answered (`lictor plan`).
    #[error("{0}; a plan needs its answer")]
    Silent(String),
    /// The command cannot be started (`--once`).
    #[error(transparent)]
    Service(#[from] service::ServiceError),
}

impl AppError {
    /// What lictor ends with: 75 for what is taken or not there yet, 69 for sources that do not answer, 78 for what a
    /// person must mend in the configuration, 70 for the rest.
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

    /// Whether another start may succeed without anybody mending the configuration.
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
