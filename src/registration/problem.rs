//! What keeps us from steering traffic, as a sentence for the board; for a missing right with the line of policy.

use crate::consul::{Class, Error};

/// Which right a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right<'a> {
    /// To change this service, its checks and its maintenance, and to read them.
    Service(&'a str),
    /// To see whether the node passes, without which the catalog shows no instance.
    Nodes,
}

impl Right<'_> {
    /// The line that a policy needs for it.
    fn line(self) -> String {
        match self {
            Self::Service(name) => format!("service {name:?} {{ policy = \"write\" }}"),
            Self::Nodes => "node_prefix \"\" { policy = \"read\" }".to_owned(),
        }
    }
}

/// Why a request came to nothing.
pub(super) fn sentence(error: &Error, right: Right<'_>) -> String {
    match error.class() {
        Class::Denied if !matches!(error, Error::File { .. } | Error::Content { .. }) => {
            format!("consul doesn't let us: the policy of lictor's token lacks {}", right.line())
        }
        _ => error.sentence(),
    }
}

/// There is nothing to take out of traffic.
pub(super) fn not_registered(id: &str) -> String {
    format!(
        "no service with the id {id:?} is registered with the local consul agent; register it, or set registration.id \
         or registration.port"
    )
}
