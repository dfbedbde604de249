//! Moves envconsul's old forms to the words of today; each gets a warning that says what to write instead.

use super::report::Report;
use super::tree::{Entry, Object, Value};

/// Old top-level words, and where they belong today.
pub(crate) const MOVED: &[(&str, &[&str])] = &[
    ("auth", &["consul", "auth"]),
    ("retry", &["consul", "retry", "backoff"]),
    ("splay", &["exec", "splay"]),
    ("ssl", &["consul", "ssl"]),
    ("timeout", &["exec", "kill_timeout"]),
    ("token", &["consul", "token"]),
];

/// Old words of `exec.env`.
pub(crate) const RENAMED: &[(&str, &str)] = &[("whitelist", "allowlist"), ("blacklist", "denylist")];

/// Moves the old forms of one file.
pub(crate) fn modernise(root: &mut Object, report: &mut Report) {
    let as_text = root.entries.iter().position(|entry| entry.word == "consul" && entry.node.value.is_text());
    if let Some(entry) = as_text.map(|at| root.entries.remove(at)) {
        report.warning(&entry.place, "`consul = ...` is the old form of consul.address");
        root.set(&["consul", "address"], entry);
    }
    for (old, path) in MOVED {
        while let Some(entry) = root.remove(old) {
            report.warning(&entry.place, format!("`{old}` is the old form of {}", path.join(".")));
            root.set(path, entry);
        }
    }
    if let Some(entry) = root.remove("path") {
        report.warning(&entry.place, "`path` has no effect: a prefix is written prefix { path = ... }");
    }
    if let Some(entry) = root.remove("log_level") {
        root.set(&["log", "level"], entry);
    }
    if let Some(env) = object(root, "exec").and_then(|exec| object(exec, "env")) {
        for entry in &mut env.entries {
            rename(entry, report);
        }
    }
}

fn rename(entry: &mut Entry, report: &mut Report) {
    if let Some((old, new)) = RENAMED.iter().find(|(old, _)| *old == entry.word) {
        report.warning(&entry.place, format!("`{old}` is the old form of {new}"));
        (*new).clone_into(&mut entry.word);
    }
}

fn object<'a>(object: &'a mut Object, word: &str) -> Option<&'a mut Object> {
    match &mut object.entries.iter_mut().find(|entry| entry.word == word)?.node.value {
        Value::Object(inner) => Some(inner),
        _ => None,
    }
}

/// Words of the surface or of envconsul that are not supported yet, by their path.
pub(crate) const NOT_YET: &[&str] = &["vault", "secret", "service", "syslog", "?ns", "?partition"];

/// The sentence for a word that is not supported yet.
pub(crate) fn refused(path: &str) -> Option<String> {
    NOT_YET.contains(&path).then(|| format!("`{path}` is not supported yet"))
}
