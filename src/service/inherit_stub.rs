//! TO BE REPLACED by `crate::environment::inherit::child_environment` (same signature): knows neither globs nor lists.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::Inherit;
use crate::environment::Environment;

pub(super) fn child_environment(
    own: impl Iterator<Item = (OsString, OsString)>,
    environment: &Environment,
    inherit: &Inherit,
) -> Vec<(OsString, OsString)> {
    let mut all: BTreeMap<OsString, OsString> = if inherit.pristine { BTreeMap::new() } else { own.collect() };
    for (name, variable) in environment.variables() {
        all.insert(name.into(), variable.value.expose_os().to_owned());
    }
    all.into_iter().collect()
}
