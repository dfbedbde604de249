//! `consul.auth {}`, or envconsul's text `user[:password]`: HTTP basic authentication.

use crate::config::section::Section;
use crate::config::value;
use crate::secret::Secret;

/// A user, and maybe a password.
type Auth = Option<(String, Option<Secret>)>;

/// `None`: nothing is said. `Some(None)`: none is wanted.
pub(super) fn read(consul: &mut Section<'_>) -> Option<Auth> {
    if consul.has_text("auth") {
        return consul.read("auth", value::some_text).map(|text| match text.split_once(':') {
            Some((user, password)) => Some((user.to_owned(), Some(Secret::from(password)))),
            None => Some((text, None)),
        });
    }
    consul.within("auth", block)
}

fn block(section: &mut Section<'_>) -> Auth {
    let user = section.read("username", value::maybe_text).flatten();
    let password = section.read("password", value::maybe_text).flatten().map(Secret::from);
    let enabled = section.read("enabled", value::boolean).unwrap_or(true);
    match user {
        Some(user) if enabled => Some((user, password)),
        None if enabled && password.is_some() => {
            section.wrong("a password without `username`: write both");
            None
        }
        _ => None,
    }
}
