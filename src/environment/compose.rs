//! Layers of snapshots to one environment. (Skeleton: the shapes that other rooms lean on.)

use std::sync::Arc;

use super::glob::Glob;
use super::{Entry, Environment, Mapping};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `exec.env.custom`: name and value; wins over every source and over the lists.
    pub custom: Vec<(String, String)>,
    /// `exec.env.allowlist`: if not empty, only these names.
    pub allowlist: Vec<Glob>,
    /// `exec.env.denylist`: never these names; wins over the allowlist.
    pub denylist: Vec<Glob>,
    /// `key {}` labels with `public = true`.
    pub public: Vec<Glob>,
}

/// What came of composing.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The environment.
    pub environment: Environment,
    /// What a person should know: refused keys, two keys with one name. No values.
    pub warnings: Vec<String>,
}

/// The layers do not make an environment that a process could be started with. No values in the reasons.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .reasons.join("; "))]
pub struct Unfit {
    /// Every reason, one short sentence each.
    pub reasons: Vec<String>,
}

/// Maps every layer, later layers winning, and applies the lists and the custom variables.
pub fn compose(_layers: &[Layer], _rules: &Rules) -> Result<Composition, Unfit> {
    Err(Unfit { reasons: vec!["skeleton".to_owned()] })
}
