//! What has a name in the surface or in envconsul and is not served yet. Taking a line out serves it: each is read
//! and kept by its own file, or has no reader so far.

/// Words by their path.
const NOT_YET: &[&str] = &["vault", "secret", "service", "syslog", "?ns", "?partition"];

/// Whether this word waits for its turn.
pub(crate) fn word(path: &str) -> bool {
    NOT_YET.contains(&path)
}

/// The sentence for a word, if it waits for its turn.
pub(crate) fn refused(path: &str) -> Option<String> {
    word(path).then(|| format!("`{path}` is not supported yet"))
}
