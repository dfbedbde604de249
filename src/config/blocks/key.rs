//! `key "NAME" {}`: the rules for one variable, or for all that match.

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::value;
use crate::config::reference::{Block, Type, attribute};
use crate::environment::Visibility;
use crate::environment::glob::Glob;
use crate::environment::schema::{Bound, Form, Key as Known, Pattern, Required, Type as Kind};
use crate::machine::policy::{KeyRule, OnChange};

pub(crate) static BLOCK: Block = Block::new(
    "key",
    "What is known about a variable. Its label is the variable's final name, or a glob for several; the most exact label \
     wins. A value that breaks a rule is rejected before the service is touched.",
)
.labelled("PORT")
.attributes(&[
    attribute("required", Type::Boolean, "true", "Whether an environment without the variable is rejected.").default("false"),
    attribute(
        "type",
        Type::OneOf(&["string", "int", "float", "bool", "duration", "url", "port", "host_port", "json", "base64"]),
        "port",
        "What the value must be, as Go reads it.",
    )
    .otherwise("anything"),
    attribute("one_of", Type::Texts, "[\"debug\", \"info\"]", "The values that are allowed.").otherwise("any"),
    attribute(
        "pattern",
        Type::Text,
        "[a-z]+",
        "A regular expression that the whole value must match; a backslash is doubled.",
    ),
    attribute("min", Type::Bound, "1024", "The least value; for the types int, float, port and duration.").with(PORT),
    attribute("max", Type::Bound, "2000", "The greatest value, likewise.").with(PORT),
    attribute("default", Type::Text, "8080", "The value if no source gives one; not for a glob."),
    attribute("public", Type::Boolean, "true", "Whether the value may be shown. Otherwise only its fingerprint is.")
        .default("false"),
    attribute(
        "on_change",
        Type::OneOf(&["restart", "reload", "ignore"]),
        "reload",
        "What a change of the variable needs: a restart of the service, its reload signal, or nothing until the next start.",
    )
    .default("restart"),
]);

const PORT: &str = "type = \"port\"";

/// The rules for the variables whose final name matches. The most exact label wins.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The label.
    pub label: Glob,
    /// Whether an environment without it is refused.
    pub required: Required,
    /// What its value must look like.
    pub form: Form,
    /// Whether its value may be shown.
    pub visibility: Visibility,
    /// What a change of it asks for.
    pub on_change: OnChange,
    /// The value if no source gives one.
    pub default: Option<String>,
}

impl Key {
    /// The part that the environment needs.
    pub(crate) fn known(&self) -> Known {
        let (label, form) = (self.label.clone(), self.form.clone());
        Known { label, required: self.required, form, default: self.default.clone() }
    }

    /// The part that the machine needs.
    pub(crate) fn rule(&self) -> KeyRule {
        KeyRule { label: self.label.clone(), on_change: self.on_change }
    }
}

const TYPES: &[(&str, Kind)] = &[
    ("string", Kind::String),
    ("int", Kind::Int),
    ("float", Kind::Float),
    ("bool", Kind::Bool),
    ("duration", Kind::Duration),
    ("url", Kind::Url),
    ("port", Kind::Port),
    ("host_port", Kind::HostPort),
    ("json", Kind::Json),
    ("base64", Kind::Base64),
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
    let pattern = section.read("pattern", value::parsed(Pattern::parse));
    let (min, max) = bounds(section, kind);
    let form = Form { kind, one_of, pattern, min, max };
    let place = section.place_of("default");
    let default = section.read("default", value::text);
    let label = Glob::parse(label).map_err(|why| section.wrong(&why.to_string())).ok()?;
    if let Some(sentence) = default.as_ref().and_then(|default| misfit(&label, &form, default)) {
        let sentence = format!("{}: {sentence}", section.name("default"));
        section.error(&place, sentence);
    }
    Some(Key {
        label,
        required: if required { Required::Yes } else { Required::No },
        form,
        visibility: if public { Visibility::Public } else { Visibility::Secret },
        on_change,
        default,
    })
}

/// Why a default can never be used.
fn misfit(label: &Glob, form: &Form, default: &str) -> Option<String> {
    if !(label.exactness().is_exact() && label.matches(label.as_str())) {
        return Some("goes with a whole name only: a label with wildcards names no variable to fill in".to_owned());
    }
    let faults = form.faults(default.as_bytes());
    (!faults.is_empty()).then(|| format!("breaks the rules of its own block: it {}", faults.join(" and ")))
}

/// `min` and `max`: numbers, or durations for `type = "duration"`.
fn bounds(section: &mut Section<'_>, kind: Option<Kind>) -> (Option<Bound>, Option<Bound>) {
    let place = section.place_of("min");
    let min = section.read("min", |node| bound(node, kind));
    let max = section.read("max", |node| bound(node, kind));
    let turned = match (min, max) {
        (Some(Bound::Number(min)), Some(Bound::Number(max))) => min > max,
        (Some(Bound::Duration(min)), Some(Bound::Duration(max))) => min > max,
        _ => false,
    };
    if turned {
        let sentence = format!("{}: must not be greater than max", section.name("min"));
        section.error(&place, sentence);
    }
    (min, max)
}

fn bound(node: &Node, kind: Option<Kind>) -> Result<Bound, Finding> {
    match kind {
        Some(Kind::Duration) => value::duration(node).map(Bound::Duration),
        Some(Kind::Int | Kind::Float | Kind::Port) => number(node).map(Bound::Number),
        _ => Err(node.wrong("only goes with type = \"int\", \"float\", \"port\" or \"duration\"")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is still a bound")]
fn number(node: &Node) -> Result<f64, Finding> {
    match node.value {
        Value::Integer(number) => Ok(number as f64),
        Value::Float(number) => Ok(number),
        _ => Err(node.unlike("a number, without quotes")),
    }
}
