//! An operator's request on its way to the driver, with the channel for the answer.

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::machine::event::Verb;
use crate::machine::order::Effect;
use crate::machine::reload::Pending;

/// A verb for the machine.
#[derive(Debug)]
pub struct OperatorRequest {
    /// The verb.
    pub verb: Verb,
    /// The uid of the client; `None`: the kernel did not provide it.
    pub uid: Option<u32>,
    /// Receives the effect to wait for, or the reason why the request was refused.
    pub answer: oneshot::Sender<Result<Effect, String>>,
}

/// The request to replace lictor by the program in its file (reexec).
#[derive(Debug)]
pub struct ReexecRequest {
    /// How long to wait for a change, a start or a stop that is under way.
    pub until: Instant,
    /// Receives the new program's version once it is certain that it takes over, or the reason why it does not.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// The request to read our own configuration again.
#[derive(Debug)]
pub struct ReloadRequest {
    /// The uid of the requester; `None`: the request came by a signal, or the kernel did not provide it.
    pub uid: Option<u32>,
    /// Receives the settings that wait for a restart, or every error with its place.
    pub answer: oneshot::Sender<Result<Pending, Vec<String>>>,
}

impl ReloadRequest {
    /// The request by a signal: nobody waits for the answer.
    pub fn by_signal() -> Self {
        Self { uid: None, answer: oneshot::channel().0 }
    }
}
