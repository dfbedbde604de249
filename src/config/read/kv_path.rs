//! The path of a prefix, as envconsul writes it: `[/]path[?ns=..&partition=..][@dc]`, with `{{ env "NAME" }}` in it.

use super::call::Lookup;
use super::legacy;

/// A folder of the KV store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KvPath {
    /// `billing/`: without a leading slash, with one at the end.
    pub(crate) folder: String,
    /// What follows `@`.
    pub(crate) datacenter: Option<String>,
    /// As configured, the text before the names with `no_prefix = false`.
    pub(crate) written: String,
}

/// Consul's limit for a key.
const MAX_BYTES: usize = 512;

/// Reads a path; the whole store is not accepted.
pub(crate) fn parse(text: &str, lookup: Lookup<'_>) -> Result<KvPath, String> {
    let written = expand(text, lookup)?;
    let (rest, datacenter) = match written.split_once('@') {
        Some((rest, datacenter)) => (rest, Some(datacenter_name(datacenter)?)),
        None => (written.as_str(), None),
    };
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let bare = path.trim_start_matches('/');
    if bare.trim_matches('/').is_empty() {
        return Err("does not name a folder: write the folder's path, since the whole store is never read".to_owned());
    }
    if bare.len() > MAX_BYTES || bare.chars().any(char::is_control) {
        return Err(format!("is longer than {MAX_BYTES} bytes or holds control characters"));
    }
    if bare.split('/').any(|part| part == "." || part == "..") {
        return Err("must not have `.` or `..` as a part".to_owned());
    }
    query.map_or(Ok(()), refuse_query)?;
    let folder = if bare.ends_with('/') { bare.to_owned() } else { format!("{bare}/") };
    Ok(KvPath { folder, datacenter, written })
}

fn refuse_query(query: &str) -> Result<(), String> {
    for pair in query.split('&') {
        let refused = match pair.split_once('=') {
            Some(("ns", _)) => legacy::refused("?ns"),
            Some(("partition", _)) => legacy::refused("?partition"),
            _ => Some("has an unknown parameter after `?`: only ns and partition are known".to_owned()),
        };
        refused.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// Checks the name of a datacenter.
pub(crate) fn datacenter_name(text: &str) -> Result<String, String> {
    let fine = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fine {
        Ok(text.to_owned())
    } else {
        Err("expected the name of a datacenter: letters, digits, `-`, `_` and `.`".to_owned())
    }
}

/// Replaces the references to variables of lictor's own environment.
fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    const EXPECTED: &str = "only {{ env \"NAME\" }} is understood in a path";
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").ok_or(EXPECTED)?;
        let name = action.trim().strip_prefix("env").map(str::trim_start).ok_or(EXPECTED)?;
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).ok_or(EXPECTED)?;
        expanded.push_str(before);
        let value = lookup(name).filter(|value| !value.is_empty());
        expanded.push_str(&value.ok_or_else(|| format!("the environment variable {name:?} is not set: set it"))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::KvPath;
    use super::parse;

    fn read(text: &str) -> Result<KvPath, String> {
        parse(text, &|name| (name == "ENV").then(|| "prod".to_owned()))
    }

    #[test]
    fn envconsul_s_forms() {
        for (text, folder, datacenter) in [
            ("app", "app/", None),
            ("app/", "app/", None),
            ("/lead", "lead/", None),
            ("trail/", "trail/", None),
            ("a.b/c-d_e", "a.b/c-d_e/", None),
            ("ünï/*", "ünï/*/", None),
            ("app@dc1", "app/", Some("dc1")),
            ("app/@dc-1.x_y", "app/", Some("dc-1.x_y")),
            ("app/{{ env \"ENV\" }}/x", "app/prod/x/", None),
            ("{{env \"ENV\"}}", "prod/", None),
        ] {
            let path = read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((path.folder.as_str(), path.datacenter.as_deref()), (folder, datacenter), "{text}");
        }
    }

    #[test]
    fn what_would_be_the_whole_store_is_refused() {
        for text in ["", "/", "//", "@dc1", "/@dc1", "?ns=a"] {
            assert!(read(text).expect_err(text).contains("does not name a folder"), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (text, part) in [
            ("a@", "datacenter"),
            ("a@b@c", "datacenter"),
            ("a@d c", "datacenter"),
            ("a?x=1", "unknown parameter"),
            ("a?", "unknown parameter"),
            ("a?ns=team@dc1", "not supported yet"),
            ("a?partition=p", "not supported yet"),
            ("a/../b", "`..`"),
            ("a\nb", "control"),
            ("a/{{ env \"NONE\" }}", "\"NONE\" is not set"),
            ("a/{{ key \"x\" }}", "only {{ env"),
            ("a/{{ env", "only {{ env"),
        ] {
            let sentence = read(text).expect_err(text);
            assert!(sentence.contains(part), "{text}: {sentence}");
        }
        assert!(read(&"x".repeat(513)).is_err());
    }
}
