//! What somebody at the socket asks for, on its way to the driver, with the place for the answer.

use tokio::sync::oneshot;

use crate::machine::event::Verb;
use crate::machine::order::Effect;
use crate::machine::reload::Pending;

/// Something for the machine to do.
#[derive(Debug)]
pub struct Petition {
    /// What.
    pub verb: Verb,
    /// The uid of who asks; `None`: the kernel could not tell.
    pub uid: Option<u32>,
    /// When it has taken effect, or why it was refused.
    pub answer: oneshot::Sender<Result<Effect, String>>,
}

/// Our own configuration is to be read again.
#[derive(Debug)]
pub struct Reload {
    /// The uid of who asks; `None`: a signal, or the kernel could not tell.
    pub uid: Option<u32>,
    /// What waits for a restart, or every error with its place.
    pub answer: oneshot::Sender<Result<Pending, Vec<String>>>,
}

impl Reload {
    /// By a signal: nobody waits for an answer.
    pub fn by_signal() -> Self {
        Self { uid: None, answer: oneshot::channel().0 }
    }
}
