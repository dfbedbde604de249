//! The operator's socket. Its file permissions decide who may use it, and a flood of the status port does not reach it.
//!
//! It serves the read-only resources of `http`, with connection slots of its own, and the verbs, which change something.

mod effect;
mod handler;
mod history;
mod operator_request;
pub mod place;
mod plan;
pub mod request;
mod socket;

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::drain::DrainWatcher;
use crate::exit;
use crate::http::{self, Handler, Limits};
pub use handler::AdminHandler;
pub use operator_request::{OperatorRequest, ReexecRequest, ReloadRequest};
pub use place::Place;
use socket::SocketFile;

/// Who may use the socket (`admin {}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The permissions of the file, such as 0o660.
    pub mode: u32,
    /// Its group, by name or number; `None`: lictor's own.
    pub group: Option<String>,
}

/// The socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// A live process serves it.
    #[error("the admin socket {} is in use by a running lictor; stop that one, or give this one another name", .path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// There is something at that path, but not a socket.
    #[error("{} exists but is not a socket; move it away or set admin.socket", .path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The directory could not be created.
    #[error("cannot create the directory {} for the admin socket; create it or set admin.socket", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refuses to bind the socket.
    #[error("cannot bind the admin socket {}; make sure that its directory exists and is writable, or set admin.socket", .path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is no such group.
    #[error("there is no group {group} on this host; set admin.group to one that exists")]
    NoGroup {
        /// The name.
        group: String,
    },
    /// Mode or group could not be set.
    #[error("cannot give the admin socket {} its mode and group; lictor must be in admin.group, or root", .path.display())]
    Access {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl AdminError {
    /// Whether another attempt may succeed although the configuration stays the same: a socket may become free, and when a host
    /// boots, a directory or a group may appear a moment after lictor's start.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Taken { .. } | Self::Directory { .. } | Self::NoGroup { .. } => true,
            Self::Bind { source, .. } | Self::Access { source, .. } => exit::may_pass(source),
            Self::NotASocket { .. } => false,
        }
    }
}

/// The bound socket; its file is removed with it.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    file: SocketFile,
}

impl AdminSocket {
    /// Binds the socket: creates the default directory, replaces a socket that no process serves any more, and accepts no
    /// connection before mode and group are set.
    pub async fn bind(place: &Place, access: &Access) -> Result<Self, AdminError> {
        let group = access.group.as_deref().map(socket::group).transpose()?;
        if let Place::Default(path) = place {
            socket::make_directory(path)?;
        }
        let (listener, file) = socket::bind(place.path(), access.mode, group).await?;
        Ok(Self { listener, file })
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Serves until draining begins and the last connection has ended; then the file is removed.
    pub async fn serve(self, handler: impl Handler, drain: DrainWatcher) {
        let Self { listener, file } = self;
        http::serve(listener, Limits::ADMIN, handler, drain).await;
        drop(file);
    }
}

#[cfg(test)]
mod tests;
