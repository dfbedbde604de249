//! Which deployment was validated here last, and what came of it. The machine decides nothing by it: it is shown and kept.

use serde::{Deserialize, Serialize};

/// A deployment, as its hooks know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// `DEPLOYMENT_ID`.
    pub id: String,
    /// `DEPLOYMENT_GROUP_NAME`; empty if it was not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// `LIFECYCLE_EVENT`: in which hook this was; empty if it was not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
}

/// The answer that a deployment got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Which one.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// Yes or no.
    pub verdict: Verdict,
    /// What was said last, as a short sentence.
    pub reason: String,
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The deployment may go on.
    Yes,
    /// It has failed on this host.
    No,
}

impl std::fmt::Display for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)?;
        if !self.group.is_empty() {
            write!(f, " of {}", self.group)?;
        }
        if !self.event.is_empty() {
            write!(f, " ({})", self.event)?;
        }
        Ok(())
    }
}
