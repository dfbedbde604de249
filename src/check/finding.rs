//! The result of one probe, of any kind of check.

use crate::machine::event::ProbeResult;

/// The result of a probe. The texts are short and have no secret in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The check passes.
    Good,
    /// The check passes, with a warning for the log.
    Warning(String),
    /// The check fails, and why.
    Bad(String),
}

impl Finding {
    /// Whether it counts as a success.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Good | Self::Warning(_) => true,
            Self::Bad(_) => false,
        }
    }
}

impl From<Finding> for ProbeResult {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Good | Finding::Warning(_) => Self::Pass,
            Finding::Bad(reason) => Self::Fail(reason),
        }
    }
}
