//! What one probe of any kind of check comes to.

use crate::machine::event::ProbeResult;

/// What one probe found. The texts are short and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// As it should be.
    Good,
    /// Good, but somebody should know this.
    Warning(String),
    /// Not as it should be, and why.
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
