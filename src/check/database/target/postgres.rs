//! PostgreSQL: a URL or words with values, over the variables that libpq has for them. The rules are libpq's, which `pgx`
//! follows letter by letter.

use std::collections::BTreeMap;

use super::{ENCODE, Negotiation, Server, Session, Target, Variables, host_is_fit, port};
use crate::check::TlsMode;
use crate::check::net::file::{FileName, Rights};

const PORT: u16 = 5432;

/// The variables that are looked at; the others tune the service's own driver.
pub(super) const VARIABLES: [&str; 17] = [
    "HOME",
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSSLMODE",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLROOTCERT",
    "PGSSLPASSWORD",
    "PGSSLNEGOTIATION",
    "PGTARGETSESSIONATTRS",
    "PGSERVICE",
    "PGCONNECT_TIMEOUT",
];

/// The word of a connection for each variable that has one.
const WORDS: [(&str, &str); 16] = [
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLPASSWORD", "sslpassword"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGSERVICE", "service"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
];

/// Words with values.
type Words = BTreeMap<String, String>;

/// Reads a text, with the variables behind it.
pub(super) fn parse(text: &str, variables: &Variables) -> Result<Target, String> {
    let given = WORDS.iter().filter_map(|(name, word)| {
        let value = variables.get(name).filter(|value| !value.is_empty())?;
        Some(((*word).to_owned(), value.clone()))
    });
    let mut words: Words = given.collect();
    if text.contains('\0') {
        return Err("it has a NUL in it".to_owned());
    }
    let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    words.extend(match rest {
        Some(rest) => of_url(rest)?,
        None if is_another_url(text) => return Err("it is not a URL that begins with postgres://".to_owned()),
        None => of_keywords(text)?,
    });
    target(&words, variables)
}

/// Another scheme: a password elsewhere in the text may hold `://` as well.
fn is_another_url(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':');
    text.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(letters))
}

/// `user:password@host:port,host:port/database?word=value`
fn of_url(mut rest: &str) -> Result<Words, String> {
    let mut words = Words::new();
    // Only a slash ends the search: an @ before it ends the user's part, wherever it is.
    if let Some(at) = rest.find(['@', '/']).filter(|at| rest[*at..].starts_with('@')) {
        let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
        for (word, text) in [("user", user), ("password", password)] {
            if !text.is_empty() {
                words.insert(word.to_owned(), decoded(text)?);
            }
        }
        rest = &rest[at + 1..];
    }
    let (mut hosts, mut ports) = (String::new(), String::new());
    loop {
        if let Some(inner) = rest.strip_prefix('[') {
            let (address, after) = inner.split_once(']').ok_or("a bracket in its host is not closed")?;
            if address.is_empty() || !(after.is_empty() || after.starts_with([':', '/', '?', ','])) {
                return Err("its host is not an address in brackets".to_owned());
            }
            hosts.push_str(address);
            rest = after;
        } else {
            let (host, after) = rest.split_at(rest.find([':', '/', '?', ',']).unwrap_or(rest.len()));
            hosts.push_str(host);
            rest = after;
        }
        if let Some(after) = rest.strip_prefix(':') {
            let (port, after) = after.split_at(after.find(['/', '?', ',']).unwrap_or(after.len()));
            if super::port(port).is_err() && !port.is_empty() && after.contains('@') {
                return Err(format!("its port is not a number: {ENCODE}"));
            }
            ports.push_str(port);
            rest = after;
        }
        let Some(after) = rest.strip_prefix(',') else { break };
        hosts.push(',');
        ports.push(',');
        rest = after;
    }
    for (word, list) in [("host", hosts), ("port", ports)] {
        if !list.is_empty() {
            words.insert(word.to_owned(), decoded(&list)?);
        }
    }
    if let Some(path) = rest.strip_prefix('/') {
        let (database, after) = path.split_at(path.find('?').unwrap_or(path.len()));
        if !database.is_empty() {
            words.insert("dbname".to_owned(), decoded(database)?);
        }
        rest = after;
    }
    if let Some(query) = rest.strip_prefix('?') {
        words.extend(of_query(query)?);
    }
    Ok(words)
}

fn of_query(query: &str) -> Result<Words, String> {
    let mut words = Words::new();
    let mut ssl_is_last = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (word, value) = pair.split_once('=').ok_or("a word after its ? has no value")?;
        if value.contains('=') {
            return Err("a value after its ? has a = in it: write %3D".to_owned());
        }
        let word = known_as(decoded(word)?);
        match &*word {
            "ssl" => ssl_is_last = true,
            "sslmode" => ssl_is_last = false,
            _ => {}
        }
        words.insert(word, decoded(value)?);
    }
    // As JDBC has it.
    if words.get("ssl").is_some_and(|value| value == "true") && ssl_is_last {
        words.insert("sslmode".to_owned(), "require".to_owned());
    }
    Ok(words)
}

/// `host=db user=app password='a b'`; a backslash takes the next character as it is.
fn of_keywords(text: &str) -> Result<Words, String> {
    const FORM: &str = "it is neither a URL nor words with values, as in host=db user=app";
    let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let mut words = Words::new();
    let mut rest = text.trim_start_matches(space);
    while !rest.is_empty() {
        let (word, after) = rest.split_once('=').ok_or(FORM)?;
        let word = word.trim_matches(space);
        if word.is_empty() || word.contains(space) {
            return Err(FORM.to_owned());
        }
        let after = after.trim_start_matches(space);
        let (value, after) = match after.strip_prefix('\'') {
            Some(quoted) => unescaped(quoted, |c| c == '\'', Open::Refused),
            None => unescaped(after, space, Open::Allowed),
        }
        .ok_or("a quote in it is not closed")?;
        let word = known_as(word.to_owned());
        if !(word == "user" && value.is_empty()) {
            words.insert(word, value);
        }
        rest = after.trim_start_matches(space);
    }
    Ok(words)
}

/// A value up to an end that no backslash stands before, and what comes after that end. Without an end it is the whole
/// text, if that may be.
fn unescaped(text: &str, ends: impl Fn(char) -> bool, may_end: Open) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some((_, c)) => value.push(c),
                None => break,
            },
            c if ends(c) => return Some((value, &text[at + c.len_utf8()..])),
            c => value.push(c),
        }
    }
    (may_end == Open::Allowed).then_some((value, ""))
}

/// Whether a value may go on to the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Allowed,
    Refused,
}

/// Both words for the same thing are one.
fn known_as(word: String) -> String {
    if word == "database" { "dbname".to_owned() } else { word }
}

/// A part of a URL: every `%` has two hex digits after it, and spaces are only around it.
fn decoded(text: &str) -> Result<String, String> {
    let text = text.trim_matches(' ');
    if text.contains(' ') {
        return Err("there is a space in it: write %20".to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let hex = after.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(0) => return Err("it has a NUL in it".to_owned()),
            Some(byte) => bytes.push(byte),
            None => return Err("a % in it is not followed by two hex digits: write %25 for a % itself".to_owned()),
        }
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| "a part of it is not UTF-8".to_owned())
}

/// What the words mean together.
fn target(words: &Words, variables: &Variables) -> Result<Target, String> {
    let word = |word: &str| words.get(word).map(String::as_str).filter(|value| !value.is_empty());
    if word("service").is_some() {
        return Err(
            "it names a service of pg_service.conf, which lictor does not read: write its words here".to_owned()
        );
    }
    if words.get("connect_timeout").is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
        return Err("its connect_timeout is not a number of seconds".to_owned());
    }
    let file = |path: &str| FileName::new(path, Rights::Service);
    let servers = servers(word("hostaddr").or(word("host")).unwrap_or_default(), word("port").unwrap_or_default())?;
    let mut target = Target { servers, ..Target::at(Server { host: String::new(), port: PORT }) };
    let some = |name: &str| word(name).map(str::to_owned);
    (target.user, target.database) = (some("user"), some("dbname"));
    target.password = some("password").map(Into::into);
    target.server_name = word("hostaddr").and(some("host")).filter(|host| !host.contains(','));
    target.negotiation = match word("sslnegotiation") {
        Some("direct") => Negotiation::Direct,
        _ => Negotiation::Asked,
    };
    target.tls = mode(word("sslmode").unwrap_or("prefer"))?;
    if target.negotiation == Negotiation::Direct && target.tls == TlsMode::Prefer {
        target.tls = TlsMode::Require;
    }
    match word("sslrootcert") {
        Some("system") => target.tls = TlsMode::VerifyFull,
        Some(path) => target.ca = Some(file(path)),
        None => {}
    }
    if target.tls == TlsMode::Require && target.ca.is_some() {
        target.tls = TlsMode::VerifyCa;
    }
    let shows = match words.get("sslcertmode").map_or("allow", String::as_str) {
        "disable" => false,
        "allow" | "require" => true,
        _ => return Err("its sslcertmode is none of disable, allow and require".to_owned()),
    };
    target.identity = match (word("sslcert").filter(|_| shows), word("sslkey").filter(|_| shows)) {
        (Some(cert), Some(key)) => Some((file(cert), file(key))),
        (None, None) => None,
        _ if target.tls == TlsMode::Disable || target.servers.iter().all(Server::is_path) => None,
        _ => return Err("it has one of sslcert and sslkey, and needs both".to_owned()),
    };
    if target.identity.is_some() && word("sslpassword").is_some() {
        return Err("its key has a password (sslpassword), and lictor reads only keys without one".to_owned());
    }
    target.session = match word("target_session_attrs").unwrap_or("any") {
        "any" => Session::Any,
        "read-write" => Session::ReadWrite,
        "read-only" => Session::ReadOnly,
        "primary" => Session::Primary,
        "standby" => Session::Standby,
        "prefer-standby" => Session::PreferStandby,
        _ => return Err("its target_session_attrs is not one that PostgreSQL knows".to_owned()),
    };
    let home = variables.get("HOME").filter(|home| !home.is_empty()).map(|home| format!("{home}/.pgpass"));
    target.passfile = some("passfile").or(home).map(|path| file(&path));
    Ok(target)
}

/// One port for all hosts, or one for each. An empty one means the default.
fn servers(hosts: &str, ports: &str) -> Result<Vec<Server>, String> {
    let (hosts, ports): (Vec<&str>, Vec<&str>) = (hosts.split(',').collect(), ports.split(',').collect());
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(format!("it has {} ports for {} hosts", ports.len(), hosts.len()));
    }
    let server = |(number, host): (usize, &&str)| {
        host_is_fit(host)?;
        let text = if ports.len() > 1 { ports[number] } else { ports[0] };
        Ok(Server { host: (*host).to_owned(), port: if text.is_empty() { PORT } else { port(text)? } })
    };
    hosts.iter().enumerate().map(server).collect()
}

fn mode(word: &str) -> Result<TlsMode, String> {
    Ok(match word {
        "disable" => TlsMode::Disable,
        "allow" => TlsMode::Allow,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => return Err("its sslmode is not one that PostgreSQL knows".to_owned()),
    })
}
