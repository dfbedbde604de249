//! Composes layers of snapshots into one environment.

mod fit;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::sync::Arc;

use super::glob::Glob;
use super::schema::Schema;
use super::visibility::VisibilityRules;
use super::{Entry, Environment, FingerprintKey, Mapping, SourceKeys, Variable, Visibility};
use crate::secret::Secret;
use warnings::Warnings;

pub use fit::Unfit;

/// One source's keys with how they are mapped; later layers win.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The origin on the board: `consul billing/`.
    pub origin: Arc<str>,
    /// How its keys become names.
    pub mapping: Mapping,
    /// Its keys, in byte order.
    pub entries: Arc<[Entry]>,
}

/// What holds for all layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// `exec.env.custom`: name and value; wins over every source and over the lists.
    pub custom: Vec<(String, String)>,
    /// `exec.env.allowlist`: if not empty, only these names.
    pub allowlist: Vec<Glob>,
    /// `exec.env.denylist`: never these names; wins over the allowlist.
    pub denylist: Vec<Glob>,
    /// `key {}`: whose value may be shown.
    pub visibility: VisibilityRules,
    /// `key {}`: what the variables must look like, and what stands in for those that no source gives.
    pub schema: Schema,
}

/// The result of composing.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The environment.
    pub environment: Environment,
    /// Warnings for a person: refused keys, two keys that become one name. Without values.
    pub warnings: Vec<String>,
    /// The broken rules of `key {}`, one sentence for each variable. Without values.
    pub violations: Vec<String>,
}

/// Names that make the dynamic loader run other code: a source's key may set them only if the allowlist names them.
const LOADER: [&str; 2] = ["LD_PRELOAD", "LD_LIBRARY_PATH"];

/// What holds one name so far.
struct Slot<'a> {
    layer: usize,
    entry: &'a Entry,
}

/// Maps every layer, later layers winning, and applies the lists and the custom variables.
///
/// Fails only if no process could be started with the result; a key that cannot be a variable is left out with a warning.
/// The result's fingerprints are made with `key`.
pub fn compose(layers: &[Layer], rules: &Rules, key: &FingerprintKey) -> Result<Composition, Unfit> {
    let mut warnings = Warnings::default();
    let merged = merge(layers, rules, &mut warnings);
    let custom: Arc<str> = Arc::from("custom");
    let mut variables: BTreeMap<String, Variable> = merged
        .into_iter()
        .filter(|(name, _)| rules.passes(name))
        .map(|(name, slot)| {
            let (visibility, origin) = (rules.visibility(&name), Arc::clone(&layers[slot.layer].origin));
            let Entry { value, write_info, .. } = slot.entry.clone();
            (name, Variable { value, origin, visibility, write_info })
        })
        .collect();
    for (name, value) in &rules.custom {
        let value = Secret::from(value.as_str());
        let variable = Variable::new(value, Arc::clone(&custom), rules.visibility(name));
        variables.insert(name.clone(), variable);
    }
    rules.schema.complete(&mut variables, |name| rules.passes(name), |name| rules.visibility(name));
    fit::check(&variables)?;
    let violations = rules.schema.violations(&variables);
    let mut source_keys = SourceKeys::default();
    for layer in layers {
        source_keys.add_entries(&layer.origin, &layer.entries);
    }
    let environment = Environment::fingerprinted(key, variables).with_source_keys(source_keys);
    Ok(Composition { environment, warnings: warnings.into_lines(), violations })
}

fn merge<'a>(layers: &'a [Layer], rules: &Rules, warnings: &mut Warnings) -> BTreeMap<String, Slot<'a>> {
    let mut merged: BTreeMap<String, Slot<'a>> = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        for entry in in_byte_order(&layer.entries) {
            let Some(name) = layer.mapping.name(&entry.key) else { continue };
            if let Some(why) = refusal(&name, rules) {
                warnings.push(|| format!("{}: key {:?} is left out: {why}", layer.origin, entry.key));
                continue;
            }
            match merged.entry(name) {
                btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(Slot { layer: index, entry });
                }
                btree_map::Entry::Occupied(mut occupied) => {
                    let earlier = occupied.get();
                    if earlier.layer == index {
                        let keys = (&earlier.entry.key, &entry.key);
                        warnings.push(|| both(&layer.origin, keys, occupied.key()));
                    }
                    occupied.insert(Slot { layer: index, entry });
                }
            }
        }
    }
    merged
}

/// Sources promise byte order, but which key wins must not depend on that promise.
fn in_byte_order(entries: &[Entry]) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    sorted
}

fn both(origin: &str, (earlier, later): (&String, &String), name: &str) -> String {
    format!("{origin}: keys {earlier:?} and {later:?} both become {name:?}: {later:?} is used, rename one of them")
}

/// Why a source may not set a variable of this name.
fn refusal(name: &str, rules: &Rules) -> Option<&'static str> {
    if name.is_empty() {
        Some("its name becomes empty")
    } else if name.contains('=') {
        Some("its name contains `=`, which ends a variable's name; rename it or set sanitize")
    } else if LOADER.contains(&name) && !any(&rules.allowlist, name) {
        Some("it would make the service load other code; name it in exec.env.allowlist if that is meant")
    } else {
        None
    }
}

/// Whether a final name passes the lists: the allowlist, if there is one, has to match it and the denylist must not.
pub(super) fn passes(name: &str, allowlist: &[Glob], denylist: &[Glob]) -> bool {
    (allowlist.is_empty() || any(allowlist, name)) && !any(denylist, name)
}

pub(super) fn any(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.matches(name))
}

impl Rules {
    /// Whether a final name passes the lists.
    fn passes(&self, name: &str) -> bool {
        passes(name, &self.allowlist, &self.denylist)
    }

    fn visibility(&self, name: &str) -> Visibility {
        self.visibility.of(name)
    }
}
