//! `postgres {}`, `mysql {}` and `redis {}`: where, as whom, and what is asked.

use super::tls;
use crate::check::{self, Place, Sql, TlsMode};
use crate::config::read::section::Section;
use crate::config::read::value;

/// Whether a text says where a database is.
type Understands = fn(&str) -> Result<(), String>;

pub(super) fn postgres(section: &mut Section<'_>) -> Option<Sql> {
    let server_name = tls::server_name(section);
    let sql = sql(section, check::is_of_postgres)?;
    Some(Sql { place: Place { server_name, ..sql.place }, ..sql })
}

pub(super) fn redis(section: &mut Section<'_>) -> Option<Place> {
    let server_name = tls::server_name(section);
    let place = place(section, tls::MODES_BUT_PREFER, check::is_of_redis)?;
    Some(Place { server_name, ..place })
}

pub(super) fn mysql(section: &mut Section<'_>) -> Option<Sql> {
    sql(section, check::is_of_mysql)
}

fn sql(section: &mut Section<'_>, understands: Understands) -> Option<Sql> {
    let place = place(section, tls::MODES, understands);
    let query = section.read("query", value::some_text).unwrap_or_else(|| "SELECT 1".to_owned());
    let expect = section.read("expect", value::text);
    Some(Sql { place: place?, query, expect })
}

/// `url`, with `user`, `password`, `tls` and `ca` over it.
fn place(section: &mut Section<'_>, modes: &[(&'static str, TlsMode)], understands: Understands) -> Option<Place> {
    let url = section.needed("url", value::anew(understands));
    let user = section.read("user", value::anew(any));
    let password = section.read("password", value::anew(any));
    let (tls, ca) = tls::mode(section, modes);
    Some(Place { url: url?, user, password, tls, ca, server_name: None })
}

#[expect(clippy::unnecessary_wraps, reason = "the form of what looks at a text")]
fn any(_: &str) -> Result<(), String> {
    Ok(())
}
