//! `postgres {}` and `mysql {}`: where, as whom, and what is asked.

use super::mode;
use crate::check::{Place, Sql, TlsMode};
use crate::config::section::Section;
use crate::config::value;

pub(super) fn postgres(section: &mut Section<'_>) -> Option<Sql> {
    let server_name = mode::server_name(section);
    let sql = mysql(section)?;
    Some(Sql { place: Place { server_name, ..sql.place }, ..sql })
}

pub(super) fn mysql(section: &mut Section<'_>) -> Option<Sql> {
    let place = place(section, mode::MODES);
    let query = section.read("query", value::some_text).unwrap_or_else(|| "SELECT 1".to_owned());
    let expect = section.read("expect", value::text);
    Some(Sql { place: place?, query, expect })
}

/// `url`, with `user`, `password`, `tls` and `ca` over it.
pub(super) fn place(section: &mut Section<'_>, modes: &[(&'static str, TlsMode)]) -> Option<Place> {
    let any = |_: &str| Ok::<(), String>(());
    let url = section.needed("url", value::anew(any));
    let (user, password) = (section.read("user", value::anew(any)), section.read("password", value::anew(any)));
    let (tls, ca) = mode::read(section, modes);
    Some(Place { url: url?, user, password, tls, ca, server_name: None })
}
