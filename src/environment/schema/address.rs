//! `url` and `host_port`: what Go's `net/url` and `net.Dial` can make something of.

use super::number;

/// Schemes whose URLs lead nowhere without a host.
const NEED_HOST: [&str; 4] = ["http", "https", "ws", "wss"];

/// `scheme://user:password@host:port/path?query#fragment`, most of it optional.
pub(super) fn is_url(value: &str) -> bool {
    if value.contains(|c: char| c.is_ascii_control() || c == ' ') {
        return false;
    }
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let mut letters = scheme.bytes();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !begins || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        return false;
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let named = !host.is_empty() || (!path.is_empty() && !NEED_HOST.contains(&&*scheme.to_ascii_lowercase()));
    let before_query = rest.split('?').next().unwrap_or(rest);
    named && is_user(user) && is_authority_host(host) && escapes_are_whole(before_query)
}

/// `host:port`: a name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_host_port(value: &str) -> bool {
    let Some((host, port)) = value.rsplit_once(':') else { return false };
    number::port(port).is_some() && is_host(host)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        Some(Some(address)) => {
            let address = address.split('%').next().unwrap_or_default();
            address.parse::<core::net::Ipv6Addr>().is_ok()
        }
        Some(None) => false,
        None => {
            !host.is_empty() && !host.contains(|c: char| ":/?#@[]\\".contains(c) || c.is_whitespace() || c.is_control())
        }
    }
}

/// A host, several of them (as drivers of databases allow), or none; the last may have a port.
fn is_authority_host(host: &str) -> bool {
    host.is_empty()
        || host.split(',').all(|one| match one.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => is_host(name) && number::port(port).is_some(),
            _ => is_host(one),
        })
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
