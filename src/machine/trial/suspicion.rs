//! A candidate that failed, and is suspected to be the cause. It goes into quarantine only once the good environment is
//! healthy again.

use std::sync::Arc;

use super::super::build::Build;
use super::super::history::Subject;
use super::super::history::steps::Steps;
use super::super::moment::Moment;
use super::super::numbers::GenerationId;
use crate::environment::Environment;

/// A candidate that failed.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Suspicion {
    pub(in super::super) environment: Arc<Environment>,
    pub(in super::super) build: Build,
    pub(in super::super) reason: String,
    pub(in super::super) generation: GenerationId,
    pub(in super::super) keys: Vec<String>,
    pub(in super::super) took: Steps,
    /// By when the good environment has to be healthy, however often it is started until then. Set at its first start.
    pub(in super::super) decided_by: Option<Moment>,
}

impl Suspicion {
    /// Whether it is about this pair.
    pub(in super::super) fn is(&self, environment: &Environment, build: &Build) -> bool {
        *self.environment == *environment && self.build == *build
    }

    pub(in super::super) fn subject(&self) -> Subject {
        Subject {
            generation: self.generation,
            environment: Some(Arc::clone(&self.environment)),
            build: self.build.clone(),
            run: None,
            keys: self.keys.clone(),
            took: self.took.clone(),
            propagation: None,
            who: None,
            deployment: None,
        }
    }
}
