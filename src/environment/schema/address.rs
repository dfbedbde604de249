//! `url` and `host_port`, as Go's `net/url` and `net` read them.

use super::scalar;

/// Schemes whose URLs lead nowhere without a host.
const NEED_HOST: [&str; 4] = ["http", "https", "ws", "wss"];

/// `scheme://user:password@host:port/path?query#fragment`, most of it optional: what `url.Parse` takes, if it leads to a
/// host, or (where its scheme can do without) to a path.
pub(super) fn is_url(value: &str) -> bool {
    let (before, fragment) = value.split_once('#').unwrap_or((value, ""));
    if before.contains(|c: char| c.is_ascii_control()) || !escapes_are_whole(fragment) {
        return false;
    }
    let Some((scheme, rest)) = before.split_once("://") else { return false };
    let mut letters = scheme.bytes();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !begins || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        return false;
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let scheme = scheme.to_ascii_lowercase();
    let elsewhere = !NEED_HOST.contains(&&*scheme) && (!path.is_empty() || !query.is_empty());
    let leads = !host.is_empty() || elsewhere;
    leads && is_user(user) && is_host_of_url(&scheme, host) && escapes_are_whole(user) && escapes_are_whole(path)
}

/// `host:port`, as `net.SplitHostPort` takes it apart; without a host it means every address of this host.
pub(super) fn is_host_port(value: &str) -> bool {
    let Some((before, port)) = value.rsplit_once(':') else { return false };
    let host = match before.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']'),
        None => Some(before).filter(|host| !host.contains(':')),
    };
    let odd = |c: char| "[]/?#@\\".contains(c) || c.is_ascii_whitespace();
    host.is_some_and(|host| !host.contains(odd)) && scalar::port(port).is_some()
}

/// A host with a port, perhaps; several of them where the scheme is not one of the web (as drivers of databases allow).
fn is_host_of_url(scheme: &str, host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let Some((address, port)) = inner.rsplit_once(']') else { return false };
        let (address, zone) = address.split_once("%25").unwrap_or((address, ""));
        let port = port.strip_prefix(':').or(Some("1").filter(|_| port.is_empty()));
        let fits = address.parse::<core::net::Ipv6Addr>().is_ok() && zone.chars().all(is_of_host);
        return fits && port.and_then(scalar::port).is_some();
    }
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    let (name, port) = colon.map_or((host, None), |at| (&host[..at], Some(&host[at + 1..])));
    let named = !name.is_empty() || port.is_none();
    named && port.is_none_or(|port| scalar::port(port).is_some()) && host.chars().all(is_of_host)
}

/// What a host may be written with; an escape in it stands for what is not ASCII.
fn is_of_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "!\"$&'()*+,-.:;<=>_~".contains(c)
}

/// What Go takes before the `@`: everything else has to be escaped.
fn is_user(user: &str) -> bool {
    user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|after| after.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
}
