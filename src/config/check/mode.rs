//! `tls` and `ca` of a kind of check.

use std::path::PathBuf;

use crate::check::TlsMode;
use crate::config::section::Section;
use crate::config::value;

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

/// For whom the certificate must be, if not for the host.
pub(super) fn server_name(section: &mut Section<'_>) -> Option<String> {
    section.read("server_name", value::some_text)
}

/// Reads both. A certificate without a mode is meant to be looked at.
pub(super) fn read(section: &mut Section<'_>, modes: &[(&'static str, TlsMode)]) -> (Option<TlsMode>, Option<PathBuf>) {
    let ca_place = section.place_of("ca");
    let mode = section.read("tls", value::one_of(modes));
    let ca = section.read("ca", value::path);
    if ca.is_some() && matches!(mode, Some(TlsMode::Disable | TlsMode::Prefer | TlsMode::Require)) {
        let name = section.name("ca");
        section.error(
            &ca_place,
            format!("{name}: is not looked at by this `tls`: write \"verify-full\" or \"verify-ca\""),
        );
    }
    (mode.or(ca.as_ref().map(|_| TlsMode::VerifyFull)), ca)
}
