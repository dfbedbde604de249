//! Turns the sources' snapshots into the variables of the service. Pure: no clock, no I/O.
//!
//! An [`Environment`] holds only what lictor composes. What the service inherits from lictor's own environment is added
//! at exec and is not part of the fingerprint, of the history or of what is stored.

pub mod compose;
pub mod difference;
mod fingerprint;
pub mod format;
pub mod glob;
pub mod inherit;
mod mapping;
pub mod redact;
pub mod schema;
mod snapshot;
pub mod source_keys;
mod visibility;
mod write_info;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

pub use compose::{Composition, Layer, Rules, Unfit, compose};
pub use difference::{Change, changed_names, changes};
pub use fingerprint::{Fingerprint, FingerprintKey, NotAFingerprint};
pub use inherit::{Inherit, inherit};
pub use mapping::Mapping;
pub use redact::Redactor;
pub use schema::Schema;
pub use snapshot::{Entry, Freshness, Snapshot, have_same_content};
pub use source_keys::SourceKeys;
pub use visibility::{Visibility, VisibilityRules};
pub use write_info::{Origin, WriteInfo};

use crate::secret::Secret;

/// One variable as the service will see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The raw bytes; never shown unless `visibility` says so.
    pub value: Secret,
    /// Which layer it came from, as a person reads it: `consul billing/`, `directory /etc/billing/conf.d`, `custom`.
    pub origin: Arc<str>,
    /// Whether the value may be shown.
    pub visibility: Visibility,
    /// Who wrote it last and when, where its source says so. No part of the fingerprint.
    pub write_info: Option<Arc<WriteInfo>>,
}

impl Variable {
    /// A variable whose source does not say who wrote it.
    pub fn new(value: Secret, origin: Arc<str>, visibility: Visibility) -> Self {
        Self { value, origin, visibility, write_info: None }
    }
}

/// The composed variables, in the order of their names, with their fingerprint.
///
/// Two environments are equal when their fingerprints are. Serialised (to a log, to `/env`) it shows no value but public
/// ones; read back it is a stand-in with the same fingerprint and names, enough to replay a log of the machine. What each
/// source contributed is not part of that form.
#[derive(Clone, Debug)]
pub struct Environment {
    fingerprint: Fingerprint,
    variables: BTreeMap<String, Variable>,
    /// The fingerprint of each variable, in the order of the names: what a stand-in read back from a log has of them.
    marks: Vec<Fingerprint>,
    /// The keys that each source contributed: not part of the fingerprint.
    source_keys: SourceKeys,
}

impl Environment {
    /// An environment of these variables, with fingerprints by this key; they cover names and values, not origins.
    pub fn fingerprinted(key: &FingerprintKey, variables: BTreeMap<String, Variable>) -> Self {
        let mark = |(name, variable): (&String, &Variable)| Fingerprint::of_variable(key, name, &variable.value);
        let marks = variables.iter().map(mark).collect();
        Self {
            fingerprint: Fingerprint::of_variables(key, &variables),
            variables,
            marks,
            source_keys: SourceKeys::default(),
        }
    }

    /// For tests: with fingerprints by a key that everybody knows.
    #[cfg(test)]
    pub(crate) fn new(variables: BTreeMap<String, Variable>) -> Self {
        Self::fingerprinted(&FingerprintKey::new(&[0; FingerprintKey::LENGTH]), variables)
    }

    /// The same environment with the keys that each source contributed.
    #[must_use]
    pub fn with_source_keys(self, source_keys: SourceKeys) -> Self {
        Self { source_keys, ..self }
    }

    /// The same environment with who wrote these of its variables, by name.
    #[must_use]
    pub fn with_write_infos(mut self, infos: BTreeMap<String, WriteInfo>) -> Self {
        for (name, info) in infos {
            if let Some(variable) = self.variables.get_mut(&name) {
                variable.write_info = Some(Arc::new(info));
            }
        }
        self
    }

    /// Who wrote its variables, by name, as far as their sources say so.
    pub fn write_infos(&self) -> BTreeMap<&str, &WriteInfo> {
        let known = self.variables.iter().filter_map(|(name, variable)| Some((name, variable.write_info.as_deref()?)));
        known.map(|(name, info)| (name.as_str(), info)).collect()
    }

    /// Where those of these variables that it has come from, in the order of their names.
    pub fn origins(&self, names: &[String]) -> Vec<Origin> {
        let wanted: BTreeSet<&String> = names.iter().collect();
        let found = self.variables.iter().filter(|(name, _)| wanted.contains(name));
        found
            .map(|(name, variable)| Origin {
                key: name.clone(),
                source: Arc::clone(&variable.origin),
                written: variable.write_info.as_deref().cloned(),
            })
            .collect()
    }

    /// The keys that each source contributed.
    pub fn source_keys(&self) -> &SourceKeys {
        &self.source_keys
    }

    /// The names with the fingerprints of their variables.
    pub fn marks(&self) -> impl Iterator<Item = (&str, Fingerprint)> {
        self.variables.keys().map(String::as_str).zip(self.marks.iter().copied())
    }

    /// What identifies this environment on the board, in the history and in `good.json`.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The variables by name.
    pub fn variables(&self) -> &BTreeMap<String, Variable> {
        &self.variables
    }

    /// The value of one variable.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.variables.get(name).map(|variable| &variable.value)
    }
}

impl Default for Environment {
    /// No variables at all: stands for an unknown environment. It needs no key.
    fn default() -> Self {
        Self {
            fingerprint: Fingerprint::of_public(&[]),
            variables: BTreeMap::new(),
            marks: Vec::new(),
            source_keys: SourceKeys::default(),
        }
    }
}

impl PartialEq for Environment {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Environment {}

/// One variable as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownVariable {
    /// The variable's final name.
    pub name: String,
    /// Which layer it came from.
    pub origin: Arc<str>,
    /// The fingerprint of the value (and name).
    pub fingerprint: Fingerprint,
    /// The value, only if the key is public and it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

impl Environment {
    /// The variables as they may be shown: values only of public keys.
    pub fn shown(&self) -> Vec<ShownVariable> {
        self.variables
            .iter()
            .zip(&self.marks)
            .map(|((name, variable), mark)| ShownVariable {
                name: name.clone(),
                origin: Arc::clone(&variable.origin),
                fingerprint: *mark,
                value: match variable.visibility {
                    Visibility::Public => variable.value.expose_str().map(str::to_owned),
                    Visibility::Secret => None,
                },
            })
            .collect()
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("Environment", 2)?;
        shown.serialize_field("fingerprint", &self.fingerprint)?;
        shown.serialize_field("variables", &self.shown())?;
        shown.end()
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Shown {
            fingerprint: Fingerprint,
            variables: Vec<ShownVariable>,
        }
        let shown = Shown::deserialize(deserializer)?;
        let marks = shown.variables.iter().map(|variable| variable.fingerprint).collect();
        let variables = shown.variables.into_iter().map(|variable| {
            let visibility = if variable.value.is_some() { Visibility::Public } else { Visibility::Secret };
            let value = Secret::from(variable.value.unwrap_or_default());
            (variable.name, Variable::new(value, variable.origin, visibility))
        });
        Ok(Self {
            fingerprint: shown.fingerprint,
            variables: variables.collect(),
            marks,
            source_keys: SourceKeys::default(),
        })
    }
}
