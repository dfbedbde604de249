//! What has been proved: the environments that were good and the pairs that failed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::numbers::GenerationId;
use super::order::Pair;
use crate::environment::Environment;

/// One environment that has been good, with the builds that it was good on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// The environment, with its values (the serialised form has none; `state` keeps them by hand).
    pub environment: Arc<Environment>,
    /// The builds that were healthy on it, newest first.
    pub builds: Vec<Build>,
    /// The generation it was last good as.
    pub generation: GenerationId,
    /// When it was promoted, Unix milliseconds.
    pub at_unix_ms: u64,
}

/// One pair that failed its trial while the environment before it was healthy again afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Which environment with which build.
    pub pair: Pair,
    /// Why it failed, as a sentence.
    pub reason: String,
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
}
