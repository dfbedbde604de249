//! A URL as Go's `net/url` reads it, as far as addresses of databases need it. A general parser of URLs (WHATWG's) mends
//! what Go refuses, and refuses what Go takes.

use percent_encoding::percent_decode_str;

use super::{ENCODE, host_is_fit};

/// The parts of a URL, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoUrl {
    /// In lower case.
    pub(super) scheme: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Without brackets; perhaps empty.
    pub(super) host: String,
    /// As written; perhaps empty.
    pub(super) port: String,
    /// With its slash; perhaps empty.
    pub(super) path: String,
    /// The words after the `?`, as they are written.
    pub(super) query: Vec<(String, String)>,
}

impl GoUrl {
    /// Reads `scheme://user:password@host:port/path?word=value`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.contains(|c: char| c.is_ascii_control()) {
            return Err("it has a control character in it, perhaps a line end".to_owned());
        }
        let (before, _fragment) = text.split_once('#').unwrap_or((text, ""));
        let (scheme, rest) = before.split_once("://").ok_or("it is not a URL")?;
        let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(letters) {
            return Err("it is not a URL".to_owned());
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // The reserved characters of a password end the address early: what follows them has the @ in it.
        let cut_short = text[before.len()..].contains('@') || path.contains('@') || query.contains('@');
        let hint = |why: String| if cut_short { format!("{why}: {}", encode()) } else { why };
        let (user_info, at) = match authority.rsplit_once('@') {
            Some((user_info, at)) => (Some(user_info), at),
            None => (None, authority),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if user_info.is_some_and(|text| !text.chars().all(allowed)) {
            return Err(format!("its user or password has a character that must be percent-encoded: {}", encode()));
        }
        let (user, password) = match user_info.map(|text| text.split_once(':').unwrap_or((text, "\0"))) {
            None => (None, None),
            Some((user, "\0")) => (Some(decoded(user)?), None),
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
        };
        let (host, port) = split(at).map_err(hint)?;
        let host = decoded(host)?;
        host_is_fit(&host).map_err(hint)?;
        if host.contains(|c: char| " \"<>^`{|}".contains(c)) {
            return Err("its host has a character in it that no host has".to_owned());
        }
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            user,
            password,
            host,
            port: port.to_owned(),
            path: decoded(path)?,
            query: words(query),
        })
    }
}

/// What to write for the characters of a password that end a part of a URL.
fn encode() -> String {
    format!("{ENCODE}, %3F for a ? and %23 for a #")
}

/// Host and port; a port is digits or nothing.
fn split(authority: &str) -> Result<(&str, &str), String> {
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(inner) = authority.strip_prefix('[') {
        let (address, after) = inner.split_once(']').ok_or("a bracket in its host is not closed")?;
        let port = after.strip_prefix(':').or(Some(after).filter(|after| after.is_empty()));
        return port.filter(|port| digits(port)).map(|port| (address, port)).ok_or_else(not_a_port);
    }
    match authority.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Err(SEVERAL.to_owned()),
        Some((host, port)) if digits(port) => Ok((host, port)),
        Some(_) => Err(not_a_port()),
        None => Ok((authority, "")),
    }
}

const SEVERAL: &str = "its address has more than one colon: put an IPv6 address in brackets, and name a single server";

fn not_a_port() -> String {
    "its port is not a number".to_owned()
}

/// Go passes over what it cannot decode.
fn words(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| decoded(&text.replace('+', " "));
    let word = |pair: &str| {
        let (word, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((plain(word).ok()?, plain(value).ok()?))
    };
    query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')).filter_map(word).collect()
}

/// A part of a URL; every `%` has two hex digits after it.
pub(super) fn decoded(text: &str) -> Result<String, String> {
    let whole = |after: &str| after.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(whole) {
        return Err("a % in it is not followed by two hex digits: write %25 for a % itself".to_owned());
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| "a part of it is not UTF-8".to_owned())?;
    Ok(decoded.into_owned())
}
