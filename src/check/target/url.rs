//! `scheme://user:password@host:port/database?word=value`.

use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::Target;

/// Reads a URL of one of these schemes.
pub(super) fn parse(text: &str, schemes: &[&str]) -> Result<Target, String> {
    let wrong = || format!("it is not a URL that begins with {}://", schemes[0]);
    let url = Url::parse(text.trim())
        .map_err(|_| format!("{}: is a character of the password not percent-encoded?", wrong()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(wrong());
    }
    let mut target = Target {
        host: url
            .host_str()
            .map(|host| host.trim_matches(['[', ']']))
            .filter(|host| !host.is_empty())
            .map(plain)
            .transpose()?,
        port: url.port(),
        user: Some(url.username()).filter(|user| !user.is_empty()).map(plain).transpose()?,
        password: url.password().map(plain).transpose()?.map(Into::into),
        ..Target::default()
    };
    let path = plain(url.path())?;
    if url.scheme().ends_with("unix") {
        target.host = Some(path);
    } else {
        target.database = path.strip_prefix('/').filter(|name| !name.is_empty()).map(str::to_owned);
    }
    for (word, value) in url.query_pairs() {
        target.set(&word, &value)?;
    }
    Ok(target)
}

fn plain(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| "a part of it is not UTF-8".to_owned())?;
    Ok(decoded.into_owned())
}
