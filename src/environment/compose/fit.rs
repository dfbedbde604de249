//! Whether the kernel would start a process with these variables. envconsul finds that out only after it has stopped
//! the old process.

use std::collections::BTreeMap;

use crate::environment::Variable;
use crate::environment::mapping::shown;

/// `MAX_ARG_STRLEN`: the kernel's limit for one `NAME=value` with the NUL at its end, in bytes.
const MAX_ONE: usize = 131_072;

/// For all variables, in bytes. The kernel gives arguments and environment together a quarter of the stack limit, 2 MiB
/// as a rule; the rest is for the arguments and for what the service inherits.
const MAX_ALL: usize = 3 << 19;

/// What the kernel counts for one string besides its bytes: the NUL and a pointer.
const OVERHEAD: usize = 1 + size_of::<usize>();

/// More reasons than this are only counted.
const MAX_REASONS: usize = 20;

/// The layers compose to an environment that no process can be started with. The reasons contain no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .reasons.join("; "))]
pub struct Unfit {
    /// Every reason, one short sentence each.
    pub reasons: Vec<String>,
}

/// Collects every reason against a set of variables.
pub(super) fn check(variables: &BTreeMap<String, Variable>) -> Result<(), Unfit> {
    let mut reasons: Vec<String> = variables.iter().filter_map(|(name, variable)| one(name, variable)).collect();
    if reasons.len() > MAX_REASONS {
        let beyond = reasons.len() - MAX_REASONS;
        reasons.truncate(MAX_REASONS);
        reasons.push(format!("and {beyond} more variables have the same trouble"));
    }
    let all: usize = variables.iter().map(|(name, variable)| length(name, variable) + OVERHEAD).sum();
    if all > MAX_ALL {
        let count = variables.len();
        reasons.push(format!("the {count} variables take {all} bytes together, more than the {MAX_ALL} that are safe to start a process with"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Unfit { reasons }) }
}

fn one(name: &str, variable: &Variable) -> Option<String> {
    let length = length(name, variable);
    let trouble = if name.is_empty() || name.contains('=') {
        "cannot be the name of a variable".to_owned()
    } else if name.contains('\0') {
        "has a NUL byte in its name".to_owned()
    } else if variable.value.expose().contains(&0) {
        format!("has a NUL byte in its value of {} bytes", variable.value.len())
    } else if length >= MAX_ONE {
        format!("is {length} bytes long with its name, more than the {} that the kernel takes", MAX_ONE - 1)
    } else {
        return None;
    };
    Some(format!("{} (from {}) {trouble}", shown(name), variable.origin))
}

/// The length of `NAME=value`.
fn length(name: &str, variable: &Variable) -> usize {
    name.len() + 1 + variable.value.len()
}
