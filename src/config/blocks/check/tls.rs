//! The words about TLS in a kind of check: `tls`, `ca`, `cert`, `key`, `server_name`.

use crate::config::reference::{Attribute, Type, attribute};
use std::path::PathBuf;

use crate::check::{Tls, TlsMode};
use crate::config::read::section::Section;
use crate::config::read::value;

const MEANING: &str = "Whether the connection is encrypted and whose certificate is accepted, as PostgreSQL's `sslmode` \
                       says. With `ca` it is `verify-full`.";
pub(super) const MODE: Attribute =
    attribute("tls", Type::OneOf(&["disable", "prefer", "require", "verify-ca", "verify-full"]), "require", MEANING)
        .otherwise("what `url` says");
pub(super) const MODE_BUT_PREFER: Attribute =
    attribute("tls", Type::OneOf(&["disable", "require", "verify-ca", "verify-full"]), "require", MEANING)
        .otherwise("what `url` says");
pub(super) const CA: Attribute =
    attribute("ca", Type::Path, "/etc/billing/ca.pem", "A file of certificates, the only ones that are trusted.")
        .otherwise("the system's certificates");
pub(super) const CERT: Attribute = attribute(
    "cert",
    Type::Path,
    "/etc/billing/client.pem",
    "lictor's own certificate; its key may be in the same file.",
);
pub(super) const KEY: Attribute = attribute("key", Type::Path, "/etc/billing/client.key", "The key of `cert`.")
    .with("cert = \"/etc/billing/client.pem\"");
pub(super) const SERVER_NAME: Attribute =
    attribute("server_name", Type::Text, "db.internal", "The name that the server's certificate must have.")
        .otherwise("the host that is connected to");

/// The modes, by PostgreSQL's names.
pub(super) const MODES: &[(&str, TlsMode)] = &[
    ("disable", TlsMode::Disable),
    ("prefer", TlsMode::Prefer),
    ("require", TlsMode::Require),
    ("verify-ca", TlsMode::VerifyCa),
    ("verify-full", TlsMode::VerifyFull),
];

/// The same for protocols that cannot ask whether there is TLS.
pub(super) const MODES_BUT_PREFER: &[(&str, TlsMode)] = &[MODES[0], MODES[2], MODES[3], MODES[4]];

/// The name that the certificate must be valid for, if it is not the host.
pub(super) fn server_name(section: &mut Section<'_>) -> Option<String> {
    section.read("server_name", value::some_text)
}

/// `tls` and `ca`. If a CA is named, certificates are verified.
pub(super) fn mode(section: &mut Section<'_>, modes: &[(&'static str, TlsMode)]) -> (Option<TlsMode>, Option<PathBuf>) {
    let ca_place = section.place_of("ca");
    let mode = section.read("tls", value::one_of(modes));
    let ca = section.read("ca", value::path);
    if ca.is_some() && matches!(mode, Some(TlsMode::Disable | TlsMode::Prefer | TlsMode::Require)) {
        let name = section.name("ca");
        section
            .error(&ca_place, format!("{name}: is not used with this `tls`: write \"verify-full\" or \"verify-ca\""));
    }
    (mode.or(ca.as_ref().map(|_| TlsMode::VerifyFull)), ca)
}

/// `ca`, `cert`, `key` and `server_name`, if they are given.
pub(super) fn certificates(section: &mut Section<'_>) -> Tls {
    let mut path = |word| section.read(word, value::maybe_text).flatten().map(PathBuf::from);
    let (ca, cert, key) = (path("ca"), path("cert"), path("key"));
    if key.is_some() && cert.is_none() {
        section.wrong("a `key` without `cert`: write both, or a `cert` that holds both");
    }
    Tls { ca, cert, key, server_name: server_name(section) }
}
