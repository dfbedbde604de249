//! The words of TLS in a kind of check: `ca`, `cert`, `key`, `server_name`.

use std::path::PathBuf;

use crate::check::Tls;
use crate::config::section::Section;
use crate::config::value;

/// Reads what is given of them.
pub(super) fn read(section: &mut Section<'_>) -> Tls {
    let mut path = |word| section.read(word, value::maybe_text).flatten().map(PathBuf::from);
    let (ca, cert, key) = (path("ca"), path("cert"), path("key"));
    if key.is_some() && cert.is_none() {
        section.wrong("a `key` without `cert`: write both, or a `cert` that holds both");
    }
    Tls { ca, cert, key, server_name: section.read("server_name", value::some_text) }
}
