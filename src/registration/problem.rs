//! The sentence for the board about why lictor cannot steer traffic; for a missing right, with the rule that the policy needs.

use crate::consul::{Class, Error};

/// The right that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right<'a> {
    /// To change this service, its checks and its maintenance, and to read them.
    Service(&'a str),
    /// To see whether the node passes, without which the catalog shows no instance.
    Nodes,
}

impl Right<'_> {
    /// The rule that a policy needs for it.
    fn line(self) -> String {
        match self {
            Self::Service(name) => format!("service {name:?} {{ policy = \"write\" }}"),
            Self::Nodes => "node_prefix \"\" { policy = \"read\" }".to_owned(),
        }
    }
}

/// Why a request failed.
pub(super) fn sentence(error: &Error, right: Right<'_>) -> String {
    match error.class() {
        Class::Denied if !matches!(error, Error::File { .. } | Error::Content { .. }) => {
            format!("consul refuses: the policy of lictor's token lacks {}", right.line())
        }
        _ => error.sentence(),
    }
}

/// The service is not registered, so it cannot be taken out of traffic.
pub(super) fn not_registered(id: &str) -> String {
    format!(
        "no service with the id {id:?} is registered with the local consul agent; register it, or set registration.id \
         or registration.port"
    )
}
