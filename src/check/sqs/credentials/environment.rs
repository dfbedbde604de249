//! `AWS_ACCESS_KEY_ID` and what belongs to it: both keys of one environment, never of two.

use super::{Get, Keys, Origin, Variables};

/// The service's keys, else lictor's.
pub(super) fn find(variables: &Variables<'_>) -> Result<Option<Keys>, String> {
    match pair(&variables.service, Origin::Service)? {
        Some(keys) => Ok(Some(keys)),
        None => pair(&variables.lictor, Origin::Lictor),
    }
}

fn pair(get: &Get<'_>, origin: Origin) -> Result<Option<Keys>, String> {
    let value = |name: &str| get(name).filter(|value| !value.is_empty());
    match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            let token = value("AWS_SESSION_TOKEN").map(Into::into);
            Ok(Some(Keys { id, secret: secret.into(), token, expires: None, origin }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!("AWS_ACCESS_KEY_ID is in {origin}, but AWS_SECRET_ACCESS_KEY is not")),
        (None, Some(_)) => Err(format!("AWS_SECRET_ACCESS_KEY is in {origin}, but AWS_ACCESS_KEY_ID is not")),
    }
}
