//! `key "NAME" {}`: what is known about one variable, or about all that match.

mod bound;

use std::time::Duration;

use super::section::Section;
use super::value;
use crate::environment::Visibility;
use crate::environment::glob::Glob;

/// What is known about the variables whose final name matches. The most exact label wins.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The label.
    pub label: Glob,
    /// Whether an environment without it is refused.
    pub required: Required,
    /// What its value must look like.
    pub kind: Option<Type>,
    /// Whether its value may be shown.
    pub visibility: Visibility,
    /// What a change of it asks for.
    pub on_change: OnChange,
    /// The values it may have; empty: any.
    pub one_of: Vec<String>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    /// The least value.
    pub min: Option<Bound>,
    /// The greatest value.
    pub max: Option<Bound>,
    /// The value if no source gives one.
    pub default: Option<String>,
}

/// Whether a variable must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// It must.
    Yes,
    /// It may be missing.
    No,
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`, as Go reads it.
    Bool,
    /// `1m30s`.
    Duration,
    /// A URL with a scheme.
    Url,
    /// 1 to 65535.
    Port,
    /// `host:port`.
    HostPort,
    /// JSON.
    Json,
    /// Base64.
    Base64,
}

/// What a change of a variable asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// A restart.
    Restart,
    /// The reload signal.
    Reload,
    /// Nothing: it counts at the next start.
    Ignore,
}

/// `min` or `max`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// For numbers and ports.
    Number(f64),
    /// For durations.
    Duration(Duration),
}

const TYPES: &[(&str, Type)] = &[
    ("string", Type::String),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("duration", Type::Duration),
    ("url", Type::Url),
    ("port", Type::Port),
    ("host_port", Type::HostPort),
    ("json", Type::Json),
    ("base64", Type::Base64),
];

const ON_CHANGE: &[(&str, OnChange)] =
    &[("restart", OnChange::Restart), ("reload", OnChange::Reload), ("ignore", OnChange::Ignore)];

/// Reads every `key {}`, in the order of writing.
pub(crate) fn read_all(root: &mut Section<'_>) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    root.each_labelled("key", |label, section| {
        if keys.iter().any(|key| key.label.as_str() == label) {
            section.wrong("this label is used twice: write one block for each");
        }
        keys.extend(read(label, section));
    });
    keys
}

fn read(label: &str, section: &mut Section<'_>) -> Option<Key> {
    let required = section.read("required", value::boolean).unwrap_or(false);
    let kind = section.read("type", value::one_of(TYPES));
    let public = section.read("public", value::boolean).unwrap_or(false);
    let on_change = section.read("on_change", value::one_of(ON_CHANGE)).unwrap_or(OnChange::Restart);
    let one_of = section.read("one_of", value::texts).unwrap_or_default();
    let pattern = section.read("pattern", value::some_text);
    let (min, max) = bound::read(section, kind);
    let default = section.read("default", value::text);
    let label = Glob::parse(label).map_err(|why| section.wrong(&why.to_string())).ok()?;
    Some(Key {
        label,
        required: if required { Required::Yes } else { Required::No },
        kind,
        visibility: if public { Visibility::Public } else { Visibility::Secret },
        on_change,
        one_of,
        pattern,
        min,
        max,
        default,
    })
}
