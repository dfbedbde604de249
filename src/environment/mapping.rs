//! From a key of a source to the name of a variable, as envconsul maps them. (Skeleton.)

use super::format::Format;

/// How the keys of one source become names: optional prefix, `format`, `sanitize`, `upcase`, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// `no_prefix = false`: the configured path, sanitised, and `_` before each name.
    pub prefix: Option<String>,
    /// `format`.
    pub format: Option<Format>,
    /// Each code point outside `[a-zA-Z0-9_]` becomes `_`.
    pub sanitize: bool,
    /// Full Unicode upper case.
    pub upcase: bool,
}
