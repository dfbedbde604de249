//! What somebody at the socket asks for, on its way to the driver, with the channel for the answer.

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::machine::event::Verb;
use crate::machine::order::Effect;
use crate::machine::reload::Pending;

/// Something for the machine to do.
#[derive(Debug)]
pub struct OperatorRequest {
    /// What to do.
    pub verb: Verb,
    /// The uid of the client; `None`: the kernel did not provide it.
    pub uid: Option<u32>,
    /// Gets what to wait for, or why the request was refused.
    pub answer: oneshot::Sender<Result<Effect, String>>,
}

/// The request to begin anew from lictor's file.
#[derive(Debug)]
pub struct ReexecRequest {
    /// How long what is under way may be waited for.
    pub until: Instant,
    /// Gets what the new program says of its version once it is certain that it takes over, or why it does not.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// The request to read our own configuration again.
#[derive(Debug)]
pub struct ReloadRequest {
    /// The uid of the requester; `None`: the request came by a signal, or the kernel did not provide it.
    pub uid: Option<u32>,
    /// Gets what waits for a restart, or every error with its place.
    pub answer: oneshot::Sender<Result<Pending, Vec<String>>>,
}

impl ReloadRequest {
    /// The request that a signal makes: its answer is dropped.
    pub fn by_signal() -> Self {
        Self { uid: None, answer: oneshot::channel().0 }
    }
}
