//! The variables that AWS's SDK looks at: the service's, and lictor's own behind them.

use std::collections::BTreeMap;

use super::{Keys, Origin};
use crate::check::net::Access;
use crate::check::net::file::{FileName, Rights};

const NAMES: [&str; 24] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_STS",
    "HOME",
];

type Table = BTreeMap<&'static str, String>;

/// Their values at the moment.
#[derive(Debug, Default)]
pub(in crate::check::kinds::sqs) struct Variables {
    service: Table,
    lictor: Table,
}

impl Variables {
    /// Those of the service's whole environment, and lictor's own. A file that only lictor's environment names, its home
    /// above all, does not matter where the service runs as another user.
    pub(in crate::check::kinds::sqs) async fn of(access: &Access) -> Result<Self, String> {
        let of_files = |name: &str| name == "HOME" || name.ends_with("_FILE");
        let allowed = |name: &&str| !(access.files.are_of_another_user() && of_files(name));
        let own = NAMES.into_iter().filter(allowed).filter_map(|name| Some((name, std::env::var(name).ok()?)));
        Ok(Self { service: access.service.some(&NAMES).await?, lictor: own.collect() })
    }

    /// These, for a test.
    #[cfg(test)]
    pub(in crate::check::kinds::sqs) fn new(service: &[(&'static str, &str)], lictor: &[(&'static str, &str)]) -> Self {
        let table = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Table>()
        };
        Self { service: table(service), lictor: table(lictor) }
    }

    /// The value of one; an empty one does not count.
    pub(in crate::check::kinds::sqs) fn get(&self, name: &str) -> Option<&str> {
        value(&self.service, name).or_else(|| value(&self.lictor, name))
    }

    /// The file that one names, which is opened with the service's rights.
    pub(super) fn file(&self, name: &str) -> Option<FileName> {
        self.get(name).map(|path| FileName::new(path, Rights::Service))
    }

    /// Both keys of one environment, never of two: the service's, else lictor's.
    pub(super) fn keys(&self) -> Result<Option<Keys>, String> {
        match pair(&self.service, Origin::Service)? {
            Some(keys) => Ok(Some(keys)),
            None => pair(&self.lictor, Origin::Lictor),
        }
    }
}

fn value<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn pair(table: &Table, origin: Origin) -> Result<Option<Keys>, String> {
    let either = |name: &str, older: &str| value(table, name).or_else(|| value(table, older));
    let id = either("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
    match (id, either("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")) {
        (Some(id), Some(secret)) => {
            let token = value(table, "AWS_SESSION_TOKEN").map(Into::into);
            Ok(Some(Keys { id: id.to_owned(), secret: secret.into(), token, expires: None, origin }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!("AWS_ACCESS_KEY_ID is in {origin}, but AWS_SECRET_ACCESS_KEY is not")),
        (None, Some(_)) => Err(format!("AWS_SECRET_ACCESS_KEY is in {origin}, but AWS_ACCESS_KEY_ID is not")),
    }
}
