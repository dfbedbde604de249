//! Words of envconsul, or reserved ones, that are not supported yet. When one is supported, its line is removed.

const VERBS: &[&str] = &["envconsul"];

/// envconsul's flags; a star stands for the rest of the name.
const FLAGS: &[&str] = &["vault-*", "secret", "service-query", "service-format-*", "syslog", "syslog-facility"];

/// The sentence for a verb that is not supported yet.
pub(super) fn verb(word: &str) -> Option<String> {
    VERBS.contains(&word).then(|| format!("{word} is not supported yet"))
}

/// The sentence for a flag of `run` (without its dashes) that is not supported yet.
pub(super) fn flag(name: &str) -> Option<String> {
    let known = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    FLAGS.iter().any(|pattern| known(pattern)).then(|| format!("--{name} is not supported yet"))
}
