//! Whose value may be shown. The present rules decide, whatever they were when a value was composed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::glob::Glob;

/// Whether a variable's value may be shown to anyone who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only its name, origin and fingerprint are shown.
    Secret,
    /// The value itself is shown: its key is marked `public = true`.
    Public,
}

/// The labels of `key {}` by whether the value may be shown. The most exact label that matches decides; what none matches
/// is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRules {
    /// Labels with `public = true`.
    pub public: Vec<Glob>,
    /// Labels without it: they win over a label of `public` unless that is more exact.
    pub private: Vec<Glob>,
}

impl VisibilityRules {
    /// Whether the value of the variable with this final name may be shown.
    pub fn of(&self, name: &str) -> Visibility {
        let most_exact = |globs: &[Glob]| globs.iter().filter(|glob| glob.matches(name)).map(Glob::exactness).max();
        // `None` is less than any pattern that matches.
        if most_exact(&self.public) > most_exact(&self.private) { Visibility::Public } else { Visibility::Secret }
    }
}

impl Environment {
    /// The same environment as these rules let it be shown.
    #[must_use]
    pub fn shown_by(self: &Arc<Self>, rules: &VisibilityRules) -> Arc<Self> {
        let differs = self.variables.iter().any(|(name, variable)| variable.visibility != rules.of(name));
        if !differs {
            return Arc::clone(self);
        }
        let mut judged = Self::clone(self);
        for (name, variable) in &mut judged.variables {
            variable.visibility = rules.of(name);
        }
        Arc::new(judged)
    }
}
