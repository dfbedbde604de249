//! Where a database is, as whom it is asked, and how: read out of whatever the service itself is given, as the service's
//! own driver reads it (`pgx` for PostgreSQL, `go-sql-driver` for MySQL, `go-redis` for Redis). What the driver accepts
//! means the same here, or is refused; `tests/peers/drivers` holds it to that. No error repeats any of the text.

mod go_url;
mod mysql;
mod passfile;
mod postgres;
mod redis;

use std::collections::BTreeMap;

use super::Place;
use crate::check::net::Access;
use crate::check::net::dial;
use crate::check::net::file::{FileName, Rights};
use crate::check::tls::Demand;
use crate::check::{Text, TlsMode};
use crate::secret::Secret;

/// Variables of the service that a driver looks at beside its text.
pub(super) type Variables = BTreeMap<&'static str, String>;

/// How one kind of database is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct Dialect {
    /// The variables that its driver looks at.
    variables: &'static [&'static str],
    parse: fn(&str, &Variables) -> Result<Target, String>,
}

/// PostgreSQL, as `pgx` and libpq read it: a URL, or words with values.
pub(in crate::check) const POSTGRES: Dialect = Dialect { variables: &postgres::VARIABLES, parse: postgres::parse };
/// MySQL and MariaDB, as `go-sql-driver` reads it, or a `mysql://` URL.
pub(in crate::check) const MYSQL: Dialect = Dialect { variables: &[], parse: mysql::parse };
/// Redis, as `go-redis` reads it.
pub(in crate::check) const REDIS: Dialect = Dialect { variables: &[], parse: redis::parse };

/// Where, as whom, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Target {
    /// They are tried in this order; there is at least one.
    pub(in crate::check) servers: Vec<Server>,
    pub(in crate::check) user: Option<String>,
    pub(in crate::check) password: Option<Secret>,
    pub(in crate::check) database: Option<String>,
    pub(in crate::check) tls: TlsMode,
    /// TLS without the protocol's own question for it.
    pub(in crate::check) negotiation: Negotiation,
    /// The CA that is trusted instead of the system's.
    pub(in crate::check) ca: Option<FileName>,
    /// The certificate that is shown, and its key.
    pub(in crate::check) identity: Option<(FileName, FileName)>,
    /// For whom the certificate must be, if not for the host.
    pub(in crate::check) server_name: Option<String>,
    /// What kind of server will do.
    pub(in crate::check) session: Session,
    /// Where the password may be if there is none; only PostgreSQL has such a file.
    passfile: Option<FileName>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Server {
    /// A name or an address, without brackets; a path: a socket, or for PostgreSQL the folder that it is in. Empty: the
    /// driver's own default, on this host.
    pub(in crate::check) host: String,
    pub(in crate::check) port: u16,
}

/// How a server is asked for TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::check) enum Negotiation {
    /// As its protocol has it.
    #[default]
    Asked,
    /// TLS from the first byte on.
    Direct,
}

/// `target_session_attrs` of PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::check) enum Session {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

impl Server {
    /// Whether it is a path: one on this host, and without TLS.
    pub(in crate::check) fn is_path(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Where to connect to, if it is not a path.
    pub(in crate::check) fn place(&self) -> dial::Place<'_> {
        let host = if self.host.is_empty() { "localhost" } else { &self.host };
        dial::Place { host, port: self.port }
    }
}

/// For messages: `db:5432`, `[::1]:5432`, `/run/mysqld/mysqld.sock`.
impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_path() { f.write_str(&self.host) } else { self.place().fmt(f) }
    }
}

impl Target {
    /// One at this server, with nothing else said about it.
    fn at(server: Server) -> Self {
        Self {
            servers: vec![server],
            user: None,
            password: None,
            database: None,
            tls: TlsMode::Disable,
            negotiation: Negotiation::default(),
            ca: None,
            identity: None,
            server_name: None,
            session: Session::default(),
            passfile: None,
        }
    }

    /// The same, with whatever kind of server there is.
    pub(in crate::check) fn of_any_session(self) -> Self {
        Self { session: Session::Any, ..self }
    }

    /// The first server; of most kinds there is only one.
    pub(in crate::check) fn server(&self) -> &Server {
        &self.servers[0]
    }

    /// What is demanded of a server in this mode.
    pub(in crate::check) fn demand<'a>(&'a self, server: &'a Server, mode: TlsMode) -> Demand<'a> {
        Demand {
            mode,
            ca: self.ca.clone(),
            identity: self.identity.clone(),
            host: self.server_name.as_deref().unwrap_or(server.place().host),
            protocols: &[],
        }
    }

    /// The files that it names, read with the rights of the source that named them.
    fn named_by(self, rights: Rights) -> Self {
        let by = |file: FileName| file.by(rights);
        Self {
            ca: self.ca.map(by),
            identity: self.identity.map(|(cert, key)| (by(cert), by(key))),
            passfile: self.passfile,
            ..self
        }
    }
}

/// A host that no text can mean, and what it was probably meant to be.
fn host_is_fit(host: &str) -> Result<(), String> {
    if host.starts_with('/') {
        return Ok(());
    }
    if host.contains('@') {
        return Err(format!("its host has an @ in it: {ENCODE}"));
    }
    let unfit = |c: char| c.is_whitespace() || c.is_control() || "/?#\\".contains(c);
    if host.contains(unfit) { Err("its host has a character in it that no host has".to_owned()) } else { Ok(()) }
}

/// For a password that is taken for something else.
const ENCODE: &str = "write %40 for an @ of the password, and %2F for a /";

/// A port from 1 to 65535, in digits.
fn port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse::<u16>().ok().filter(|port| digits && *port > 0);
    port.ok_or_else(|| "its port is not a number from 1 to 65535".to_owned())
}

/// Whether a PostgreSQL can be found by this text. The error does not repeat it.
pub fn is_of_postgres(text: &str) -> Result<(), String> {
    postgres::parse(text, &Variables::new()).map(drop)
}

/// Whether a MySQL can be found by this text. The error does not repeat it.
pub fn is_of_mysql(text: &str) -> Result<(), String> {
    mysql::parse(text, &Variables::new()).map(drop)
}

/// Whether a Redis can be found by this text. The error does not repeat it.
pub fn is_of_redis(text: &str) -> Result<(), String> {
    redis::parse(text, &Variables::new()).map(drop)
}

impl Place {
    /// Where to and as whom, at the moment. What the check says wins over what the text says.
    pub(in crate::check) async fn target(&self, access: &Access, dialect: Dialect) -> Result<Target, String> {
        let written = access.text(&self.url).await?;
        let variables = access.service.some(dialect.variables).await?;
        let target = (dialect.parse)(&written, &variables);
        let target = target.map_err(|why| format!("{} cannot be understood: {why}", self.url))?;
        let mut target = target.named_by(match self.url {
            Text::OfService(_) => Rights::Service,
            Text::Written(_) | Text::InFile(_) => Rights::Lictor,
        });
        if let Some(user) = &self.user {
            target.user = Some(access.text(user).await?);
        }
        if let Some(password) = &self.password {
            target.password = Some(access.text(password).await?.into());
        }
        if let (None, Some(file)) = (&target.password, &target.passfile) {
            target.password = passfile::find(file, &target, access).await?.map(Into::into);
        }
        let asked = self.tls.unwrap_or(target.tls);
        target.tls = match (asked, &self.ca) {
            // Who names a CA wants it looked at, as libpq has it.
            (TlsMode::Require, Some(_)) => TlsMode::VerifyCa,
            (mode, Some(_)) if self.tls.is_none() && mode != TlsMode::VerifyCa => TlsMode::VerifyFull,
            (mode, _) => mode,
        };
        target.ca = self.ca.as_deref().map(FileName::of_configuration).or(target.ca);
        target.server_name = self.server_name.clone();
        Ok(target)
    }
}

#[cfg(test)]
mod tests;
