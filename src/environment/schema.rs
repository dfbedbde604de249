//! The rules for single variables, checked before the service sees them: `key "NAME" {}`.
//!
//! The block with the most exact label holds all rules for a variable; of two equally exact labels the later block wins.
//! All broken rules are reported at once, without any value.

mod address;
mod bound;
mod duration;
mod form;
mod kind;
mod pattern;
mod scalar;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use bound::Bound;
pub use form::Form;
pub use kind::Type;
pub use pattern::{Pattern, PatternError};

use super::glob::{Exactness, Glob};
use super::mapping::shown;
use super::{Variable, Visibility};

/// Beyond this many variables the message only counts them.
const MAX_VIOLATIONS: usize = 20;

/// All rules, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    keys: Vec<Key>,
}

/// The rules for the variables whose final name matches a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The label.
    pub label: Glob,
    /// Whether an environment without it is refused.
    pub required: Required,
    /// What its value must look like.
    pub form: Form,
    /// The value if no source gives one; only a label without wildcards has one.
    pub default: Option<String>,
}

/// Whether a variable must be there. For a label with wildcards: whether anything must match it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// It must.
    Yes,
    /// It may be missing.
    No,
}

impl Key {
    /// Whether there is a variable that the label matches.
    fn is_given(&self, variables: &BTreeMap<String, Variable>) -> bool {
        // The second look is for labels with wildcards.
        variables.contains_key(self.label.as_str()) || variables.keys().any(|name| self.label.matches(name))
    }
}

impl Schema {
    /// From these keys, in the order of the configuration.
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// Fills in the defaults of missing variables, as far as their names pass the lists.
    pub(super) fn complete(
        &self,
        variables: &mut BTreeMap<String, Variable>,
        passes: impl Fn(&str) -> bool,
        visibility: impl Fn(&str) -> Visibility,
    ) {
        let origin: Arc<str> = Arc::from("default");
        for key in &self.keys {
            let name = key.label.as_str();
            let Some(default) = &key.default else { continue };
            if passes(name) && !variables.contains_key(name) {
                let (value, origin) = (default.as_str().into(), Arc::clone(&origin));
                variables.insert(name.to_owned(), Variable::new(value, origin, visibility(name)));
            }
        }
    }

    /// Every rule that these variables break: a short sentence for each variable, without its value.
    pub fn violations(&self, variables: &BTreeMap<String, Variable>) -> Vec<String> {
        let missing = self.keys.iter().filter(|key| key.required == Required::Yes && !key.is_given(variables));
        let missing = missing.map(|key| {
            let label = shown(key.label.as_str());
            if key.label.exactness().is_exact() {
                format!("{label} is required, and no source gives it")
            } else {
                format!("a variable that matches {label} is required, and no source gives one")
            }
        });
        let broken = variables.iter().filter_map(|(name, variable)| {
            let faults = self.of(name)?.form.faults(variable.value.expose());
            (!faults.is_empty()).then(|| format!("{} (from {}) {}", shown(name), variable.origin, faults.join(" and ")))
        });
        let mut violations: Vec<String> = missing.chain(broken).collect();
        if violations.len() > MAX_VIOLATIONS {
            let beyond = violations.len() - MAX_VIOLATIONS;
            violations.truncate(MAX_VIOLATIONS);
            violations.push(format!("and {beyond} more break their rules"));
        }
        violations
    }

    /// The block with the rules for a name.
    fn of(&self, name: &str) -> Option<&Key> {
        most_exact(&self.keys, name, |key| &key.label)
    }
}

/// The item with the most exact label that matches a name; of equally exact ones the last.
pub fn most_exact<'a, T>(items: &'a [T], name: &str, label: impl Fn(&T) -> &Glob) -> Option<&'a T> {
    let exactness = |item: &&T| -> Exactness { label(item).exactness() };
    items.iter().filter(|item| label(item).matches(name)).max_by_key(exactness)
}
