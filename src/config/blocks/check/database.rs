//! `postgres {}`, `mysql {}` and `redis {}` in a check: the address, the user and the query.

use super::tls;
use crate::check::{self, Place, Sql, TlsMode};
use crate::config::read::section::Section;
use crate::config::read::value;
use crate::config::reference::{Attribute, Block, Type, attribute};

const USER: Attribute = attribute("user", Type::Anew, "lictor", "The user to log in as.").otherwise("what `url` says");
const PASSWORD: Attribute =
    attribute("password", Type::Anew, "file(\"/etc/lictor/db\")", "The password.").otherwise("what `url` says");
const QUERY: Attribute =
    attribute("query", Type::Text, "select count(*) from accounts", "The query. Without `expect`, any answer passes.")
        .default("SELECT 1");
const EXPECT: Attribute = attribute("expect", Type::Text, "3", "The expected first value of the answer.");

pub(super) static POSTGRES: Block = Block::new("postgres", "Asks a PostgreSQL database.").attributes(&[
    attribute(
        "url",
        Type::Anew,
        "env_of_service(\"DATABASE_URL\")",
        "Where it is, in any form that libpq and pgx take: a URL, or `host=db user=app`.",
    )
    .needed(),
    USER,
    PASSWORD,
    QUERY,
    EXPECT,
    tls::MODE,
    tls::CA,
    tls::SERVER_NAME,
]);

pub(super) static MYSQL: Block = Block::new("mysql", "Asks a MySQL or MariaDB database.").attributes(&[
    attribute(
        "url",
        Type::Anew,
        "app@tcp(db:3306)/orders",
        "Where it is: a `mysql://` URL, or a name as go-sql-driver takes it.",
    )
    .needed(),
    USER,
    PASSWORD,
    QUERY,
    EXPECT,
    tls::MODE,
    tls::CA,
]);

pub(super) static REDIS: Block = Block::new("redis", "Sends PING to a Redis or Valkey server.").attributes(&[
    attribute("url", Type::Anew, "redis://cache:6379/0", "Where it is: a `redis://`, `rediss://` or `unix://` URL.")
        .needed(),
    USER,
    PASSWORD,
    tls::MODE_BUT_PREFER,
    tls::CA,
    tls::SERVER_NAME,
]);

/// Whether a text is the place of a database.
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
