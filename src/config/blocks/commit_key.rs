//! `commit_key`: the key that seals a set of edits of the prefix that it lies in.

use crate::config::reference::{Attribute, Type, attribute};
use std::sync::Arc;

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::source::{Commit, FirstSet, Kind, Spec};

pub(crate) const ATTRIBUTE: Attribute = attribute(
    "commit_key",
    Type::Text,
    "billing/.commit",
    "A key in Consul. Edits of the prefix that it is in count only once this key is written after them, with another value. It never becomes a variable.",
)
.otherwise("each edit counts at once");

pub(crate) const START: Attribute = attribute(
    "commit_start",
    Type::OneOf(&["sealed", "any"]),
    "any",
    "What a host without a good environment may start on: only a set that `commit_key` has sealed, or the first one that it reads.",
)
.default("sealed")
.with("commit_key = \"billing/.commit\"");

const FIRST: &[(&str, FirstSet)] = &[("sealed", FirstSet::Sealed), ("any", FirstSet::Any)];

const NOWHERE: &str = "lies in no prefix: it must be a key below the path of a prefix {} block, as \"billing/.commit\"";

/// Notes the key in the prefixes that it lies in. Returns the names of those that it seals, which are the most exact
/// ones.
pub(crate) fn read(root: &mut Section<'_>, sources: &mut [Spec]) -> Vec<Arc<str>> {
    let place = root.place_of("commit_key");
    let (start, alone) = (root.place_of("commit_start"), !root.has("commit_key"));
    let first = root.read("commit_start", value::one_of(FIRST));
    if first.is_some() && alone {
        root.error(&start, "commit_start has no effect without commit_key; write that too, or leave it out");
    }
    let first = first.unwrap_or_default();
    let Some(written) = root.read("commit_key", value::some_text) else { return Vec::new() };
    let key = written.trim_start_matches('/');
    let depth = sources.iter().filter_map(|spec| below(spec, key)).map(|(path, _)| path.len()).max();
    let Some(depth) = depth.filter(|_| !key.ends_with('/')) else {
        root.error(&place, format!("commit_key: {NOWHERE}"));
        return Vec::new();
    };
    let mut sealed = Vec::new();
    for spec in sources {
        let Some((path, rest)) = below(spec, key).map(|(path, rest)| (path.len(), rest.to_owned())) else { continue };
        let commit = if path == depth { Commit::Seals { key: rest, first } } else { Commit::LeftOut(rest) };
        if matches!(commit, Commit::Seals { .. }) {
            sealed.push(Arc::clone(&spec.name));
        }
        if let Kind::Consul(prefix) = &mut spec.kind {
            prefix.commit = Some(commit);
        }
    }
    sealed
}

/// The path of a prefix that the key lies in, and the rest of the key.
fn below<'a>(spec: &'a Spec, key: &'a str) -> Option<(&'a str, &'a str)> {
    let Kind::Consul(prefix) = &spec.kind else { return None };
    key.strip_prefix(prefix.path.as_str()).map(|rest| (prefix.path.as_str(), rest))
}
