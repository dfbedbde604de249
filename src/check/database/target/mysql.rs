//! MySQL and MariaDB: the name of a source as `go-sql-driver` reads it (`user:password@tcp(host:port)/database?tls=true`),
//! or a `mysql://` URL, which other libraries take.

use super::go_url::{GoUrl, decoded};
use super::{Server, Target, Variables, host_is_fit, port};
use crate::check::TlsMode;
use crate::check::net::file::{FileName, Rights};
use crate::environment::schema::Type;

const PORT: u16 = 3306;

const FORM: &str = "it is not of the form user:password@tcp(host:port)/database";

/// Reads a text.
pub(super) fn parse(text: &str, _: &Variables) -> Result<Target, String> {
    let is_url = ["mysql://", "mariadb://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme)));
    match of_driver(text) {
        // It may be a user whose password begins with two slashes.
        Err(_) if is_url => of_url(text),
        Err(_) if text.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric)) => {
            Err("it is not a URL that begins with mysql://".to_owned())
        }
        read => read,
    }
}

/// As in the driver, the last `/` ends the address and the last `@` before it the password, so neither is escaped.
fn of_driver(text: &str) -> Result<Target, String> {
    let (address, rest) = text.rsplit_once('/').ok_or(FORM)?;
    let (database, words) = rest.split_once('?').unwrap_or((rest, ""));
    let (user_info, address) = address.rsplit_once('@').unwrap_or(("", address));
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut target = Target::at(server(address)?);
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    (target.user, target.database) = (some(user), some(&decoded(database)?));
    target.password = some(password).map(Into::into);
    for (word, value) in words.split('&').filter_map(|pair| pair.split_once('=')) {
        match word {
            "tls" => target.tls = tls(value)?,
            // What the driver refuses, and a probe has no use for.
            "timeout" | "readTimeout" | "writeTimeout" if !Type::Duration.is(value) => {
                return Err("a timeout in it is not a duration as Go reads it".to_owned());
            }
            "serverPubKey" => return Err("it names a key that only the service knows (serverPubKey)".to_owned()),
            "parseTime"
            | "multiStatements"
            | "allowCleartextPasswords"
            | "interpolateParams"
            | "clientFoundRows"
            | "columnsWithAlias"
            | "allowAllFiles"
            | "allowOldPasswords"
            | "allowNativePasswords"
            | "allowFallbackToPlaintext"
            | "checkConnLiveness"
            | "rejectReadOnly"
                if boolean(value).is_none() =>
            {
                return Err("a word in it is neither true nor false".to_owned());
            }
            "loc" => drop(decoded(value)?),
            "maxAllowedPacket" if value.parse::<i64>().is_err() => {
                return Err("its maxAllowedPacket is not a number".to_owned());
            }
            _ => {}
        }
    }
    Ok(target)
}

/// `tcp(host:port)`, `unix(/path)`, or nothing for this host.
fn server(address: &str) -> Result<Server, String> {
    let (network, inner) = match address.split_once('(') {
        Some((network, inner)) => (network, inner.strip_suffix(')').ok_or(FORM)?),
        None => (address, ""),
    };
    match (network, inner) {
        ("" | "tcp", "") => Ok(Server { host: "127.0.0.1".to_owned(), port: PORT }),
        ("unix", "") => Ok(Server { host: "/tmp/mysql.sock".to_owned(), port: PORT }),
        ("unix", path) if path.starts_with('/') => Ok(Server { host: path.to_owned(), port: PORT }),
        ("" | "tcp", inner) => {
            let (host, port_text) = split(inner)?;
            host_is_fit(host)?;
            let port = if port_text.is_empty() { PORT } else { port(port_text)? };
            Ok(Server { host: host.to_owned(), port })
        }
        ("unix", _) => Err("the path of its socket does not begin with a /".to_owned()),
        _ => Err("lictor connects by tcp(host:port) and unix(/path) alone".to_owned()),
    }
}

/// The host and the port, which may be missing; an IPv6 address is in brackets, and then has a port.
fn split(address: &str) -> Result<(&str, &str), String> {
    if let Some(inner) = address.strip_prefix('[') {
        let (host, after) = inner.split_once(']').ok_or(FORM)?;
        return after
            .strip_prefix(':')
            .filter(|port| !port.is_empty())
            .map(|port| (host, port))
            .ok_or_else(|| "an address in brackets needs its port: the driver adds none".to_owned());
    }
    match address.split_once(':') {
        None => Ok((address, "")),
        Some((host, port)) if !port.contains(':') && !port.is_empty() => Ok((host, port)),
        // It is taken as a whole for a host.
        Some((_, rest)) if rest.contains(':') && address.parse::<std::net::Ipv6Addr>().is_ok() => Ok((address, "")),
        Some(_) => Err("its address needs a host and a port, as in tcp(db:3306)".to_owned()),
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "true" | "TRUE" | "True" => Some(true),
        "0" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn tls(value: &str) -> Result<TlsMode, String> {
    match (boolean(value), &*value.to_ascii_lowercase()) {
        (Some(true), _) => Ok(TlsMode::VerifyFull),
        (Some(false), _) | (None, "") => Ok(TlsMode::Disable),
        (None, "skip-verify") => Ok(TlsMode::Require),
        (None, "preferred") => Ok(TlsMode::Prefer),
        _ => Err("its TLS is set up in the service's own code: write `tls`, and perhaps `ca`, in the check".to_owned()),
    }
}

fn of_url(text: &str) -> Result<Target, String> {
    let url = GoUrl::parse(text)?;
    let mut target =
        Target::at(Server { host: url.host, port: if url.port.is_empty() { PORT } else { port(&url.port)? } });
    (target.user, target.password) = (url.user.filter(|user| !user.is_empty()), url.password.map(Into::into));
    target.database = url.path.strip_prefix('/').filter(|name| !name.is_empty()).map(str::to_owned);
    target.tls = TlsMode::Prefer;
    for (word, value) in url.query.iter().filter(|(_, value)| !value.is_empty()) {
        match &**word {
            "socket" | "unix_socket" => target.servers[0].host.clone_from(value),
            "ssl-mode" | "ssl_mode" | "sslmode" | "tls" => target.tls = mode(value)?,
            "ssl-ca" | "ssl_ca" => target.ca = Some(FileName::new(value, Rights::Service)),
            _ => {}
        }
    }
    Ok(target)
}

/// MySQL's own words for it.
fn mode(word: &str) -> Result<TlsMode, String> {
    Ok(match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "disabled" | "disable" | "false" => TlsMode::Disable,
        "preferred" | "prefer" => TlsMode::Prefer,
        "required" | "require" | "skip-verify" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-identity" | "verify-full" | "true" => TlsMode::VerifyFull,
        _ => return Err("its TLS mode is not one that MySQL knows".to_owned()),
    })
}
