//! Replaces a source that has not answered yet by its part of the last good environment.

use std::sync::Arc;

use crate::environment::source_keys::Keys;
use crate::environment::{Entry, Environment, Layer, Mapping};
use crate::machine::Moment;
use crate::source::Spec;

/// The last good environment of an earlier lictor, and until when a start waits for the sources instead.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The last good environment.
    pub environment: Arc<Environment>,
    /// From this moment on it replaces required sources too.
    pub from: Moment,
}

/// What one source gave last.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    /// Its variables, by their final names.
    pub(super) layer: Layer,
    /// The keys that it had; unknown if an older lictor kept the environment.
    pub(super) keys: Option<Keys>,
}

impl Memory {
    /// What this source contributed last, unless a later source covered it; `None`: nothing is known about this source.
    pub(super) fn of(&self, spec: &Spec) -> Option<Remembered> {
        let keys = self.environment.source_keys().of(&spec.name).cloned();
        let variables = self.environment.variables().iter().filter(|(_, variable)| variable.origin == spec.name);
        let entries: Arc<[Entry]> =
            variables.map(|(name, variable)| Entry::new(name.clone(), variable.value.clone())).collect();
        if keys.is_none() && entries.is_empty() {
            return None;
        }
        let layer = Layer { origin: Arc::clone(&spec.name), mapping: Mapping::default(), entries };
        Some(Remembered { layer, keys })
    }

    /// Whether it replaces required sources now.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        now >= self.from
    }
}
