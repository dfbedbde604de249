//! Where a database is, and as whom it is asked: out of whatever the service itself is given.
//!
//! Three ways of writing are understood: URLs, the keywords of PostgreSQL (`host=db user=app`), and the names of Go's
//! MySQL driver (`app:password@tcp(db:3306)/orders`). Words that only tune the service's own driver are passed over.
//! No error repeats any of it.

mod go;
mod keywords;
mod url;

use std::path::PathBuf;

use super::encrypt::Demand;
use super::text::OfService;
use super::{Place, TlsMode};
use crate::secret::Secret;

/// Where, as whom, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// A name or an address, without brackets; a path: the socket, or the folder that it is in.
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<String>,
    pub(super) tls: Option<TlsMode>,
    pub(super) ca: Option<PathBuf>,
    /// For whom its certificate must be, if not for the host.
    pub(super) server_name: Option<String>,
}

impl Target {
    /// `postgres://..` or keywords.
    pub(super) fn of_postgres(text: &str) -> Result<Self, String> {
        if scheme(text).is_some() { url::parse(text, &["postgres", "postgresql"]) } else { keywords::parse(text) }
    }

    /// `mysql://..` or the name of a source as Go's driver takes it.
    pub(super) fn of_mysql(text: &str) -> Result<Self, String> {
        const SCHEMES: [&str; 2] = ["mysql", "mariadb"];
        match scheme(text) {
            Some(scheme) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => url::parse(text, &SCHEMES),
            // It may be a user whose password begins with two slashes.
            Some(_) => go::parse(text).or_else(|_| url::parse(text, &SCHEMES)),
            None => go::parse(text),
        }
    }

    /// `redis://..`, or `rediss://..` for TLS.
    pub(super) fn of_redis(text: &str) -> Result<Self, String> {
        let target = url::parse(text, &["redis", "rediss", "unix", "redis+unix"])?;
        let secure = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("rediss:"));
        Ok(Self { tls: target.tls.or(Some(if secure { TlsMode::VerifyFull } else { TlsMode::Disable })), ..target })
    }

    /// The host, which defaults to this one.
    pub(super) fn host(&self) -> &str {
        self.host.as_deref().filter(|host| !host.is_empty()).unwrap_or("localhost")
    }

    /// For messages, and to connect to: `db:5432`, `[::1]:5432`, `/run/mysqld/mysqld.sock`.
    pub(super) fn shown(&self, port: u16) -> String {
        let port = self.port.unwrap_or(port);
        match self.host() {
            path if path.starts_with('/') => path.to_owned(),
            address if address.contains(':') => format!("[{address}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }

    /// What is verified of the other end in this mode.
    pub(super) fn demand(&self, mode: TlsMode) -> Demand<'_> {
        Demand { mode, ca: self.ca.as_deref(), host: self.server_name.as_deref().unwrap_or(self.host()) }
    }

    /// One word with its value, as URLs and keywords have them; an unknown one is the business of the service's driver.
    fn set(&mut self, word: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Ok(());
        }
        match word {
            // These win over the name that they belong to.
            "hostaddr" | "socket" | "unix_socket" => self.host = Some(value.to_owned()),
            "host" => self.host = Some(self.host.take().unwrap_or_else(|| value.to_owned())),
            "port" => self.port = Some(value.parse().map_err(|_| "its port is no number up to 65535".to_owned())?),
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(value.into()),
            "dbname" | "database" => self.database = Some(value.to_owned()),
            "sslmode" | "ssl-mode" | "ssl_mode" | "tls" => self.tls = Some(mode(value)?),
            "sslrootcert" | "ssl-ca" | "ssl_ca" => self.ca = Some(value.into()),
            _ => {}
        }
        Ok(())
    }
}

/// What a URL begins with. A password elsewhere in the text may hold `://` as well.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (!scheme.is_empty() && scheme.chars().all(letters)).then_some(scheme)
}

/// What PostgreSQL, MySQL and Go's MySQL driver call it.
fn mode(word: &str) -> Result<TlsMode, String> {
    Ok(match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" | "false" | "0" => TlsMode::Disable,
        "allow" | "prefer" | "preferred" => TlsMode::Prefer,
        "require" | "required" | "skip-verify" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" | "verify-identity" | "true" | "1" => TlsMode::VerifyFull,
        _ => return Err("its TLS mode is not known here: write `tls`, and perhaps `ca`, in the check".to_owned()),
    })
}

/// Whether a PostgreSQL can be found by this text. The error does not repeat it.
pub fn is_of_postgres(text: &str) -> Result<(), String> {
    Target::of_postgres(text).map(drop)
}

/// Whether a MySQL can be found by this text. The error does not repeat it.
pub fn is_of_mysql(text: &str) -> Result<(), String> {
    Target::of_mysql(text).map(drop)
}

/// Whether a Redis can be found by this text. The error does not repeat it.
pub fn is_of_redis(text: &str) -> Result<(), String> {
    Target::of_redis(text).map(drop)
}

impl Place {
    /// Where to and as whom, at the moment.
    pub(super) async fn target(
        &self,
        service: &OfService,
        parse: impl FnOnce(&str) -> Result<Target, String>,
    ) -> Result<Target, String> {
        let written = self.url.read(service).await?;
        let mut target = parse(&written).map_err(|why| format!("{} cannot be understood: {why}", self.url))?;
        if let Some(user) = &self.user {
            target.user = Some(user.read(service).await?);
        }
        if let Some(password) = &self.password {
            target.password = Some(password.read(service).await?.into());
        }
        target.ca = self.ca.clone().or(target.ca);
        let asked = self.tls.or(target.tls);
        target.tls = match (asked, &target.ca) {
            (None, Some(_)) => Some(TlsMode::VerifyFull),
            // As libpq: who says whom to trust wants it looked at.
            (Some(TlsMode::Require), Some(_)) => Some(TlsMode::VerifyCa),
            (asked, _) => asked,
        };
        target.server_name = self.server_name.clone();
        Ok(target)
    }
}

#[cfg(test)]
mod tests;
