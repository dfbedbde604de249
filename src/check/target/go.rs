//! The name of a source as Go's MySQL driver reads it: `user:password@tcp(host:port)/database?tls=true`.

use percent_encoding::percent_decode_str;

use super::Target;

const FORM: &str = "it is neither a URL nor of the form user:password@tcp(host:port)/database";

/// Reads a name. As in the driver, the last `/` ends the address and the last `@` the password, so neither is escaped.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let (address, rest) = text.rsplit_once('/').ok_or(FORM)?;
    let (database, words) = rest.split_once('?').unwrap_or((rest, ""));
    let (user_info, address) = address.rsplit_once('@').unwrap_or(("", address));
    let mut target = Target::default();
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    target.set("user", user)?;
    target.set("password", password)?;
    target.set("dbname", database)?;
    place(&mut target, address)?;
    for (word, value) in words.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = percent_decode_str(value).decode_utf8().map_err(|_| "a part of it is not UTF-8".to_owned())?;
        target.set(word, &value)?;
    }
    Ok(target)
}

fn place(target: &mut Target, address: &str) -> Result<(), String> {
    let inner = |name: &str| address.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(path) = inner("unix") {
        return target.set("host", path);
    }
    let Some(address) = inner("tcp").or_else(|| inner("tcp4")).or_else(|| inner("tcp6")) else {
        return if address.is_empty() || address == "tcp" { Ok(()) } else { Err(FORM.to_owned()) };
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (address, ""),
    };
    target.set("host", host.trim_matches(['[', ']']))?;
    target.set("port", port)
}
