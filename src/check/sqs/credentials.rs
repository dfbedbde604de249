//! Whose keys a request is signed with: the first of the usual places that has some.
//!
//! The environment and the shared files are looked at for each probe, so that new keys are used at once. What a container
//! or the instance hands out is kept until shortly before it expires.

mod container;
mod environment;
mod handed_out;
mod instance;
mod kept;
mod profile;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::SystemTime;

pub(in crate::check) use kept::Kept;

use crate::environment::Environment;
use crate::secret::Secret;

/// A pair of keys, perhaps with a token and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
    /// When they are of no use any more.
    pub(super) expires: Option<SystemTime>,
    pub(super) origin: Origin,
}

/// Where keys are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Service,
    Lictor,
    /// The shared files, under this name.
    Profile(String),
    Container,
    /// The role of this name.
    Instance(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("the service's environment"),
            Self::Lictor => f.write_str("lictor's environment"),
            Self::Profile(name) => write!(f, "the profile {name:?}"),
            Self::Container => f.write_str("the container's role"),
            Self::Instance(role) => write!(f, "the instance's role {role:?}"),
        }
    }
}

/// How an environment is asked.
type Get<'a> = dyn Fn(&str) -> Option<String> + Send + Sync + 'a;

/// The service's variables, and lictor's behind them.
pub(super) struct Variables<'a> {
    service: Box<Get<'a>>,
    lictor: Box<Get<'a>>,
}

impl<'a> Variables<'a> {
    /// Those of the service's environment, and lictor's own.
    pub(super) fn of(environment: &'a Environment) -> Self {
        let service = |name: &str| environment.get(name)?.expose_str().map(str::to_owned);
        Self { service: Box::new(service), lictor: Box::new(|name| std::env::var(name).ok()) }
    }

    /// The value of one; empty ones do not count.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let some = |value: &String| !value.is_empty();
        (self.service)(name).filter(some).or_else(|| (self.lictor)(name).filter(some))
    }
}

#[cfg(test)]
impl<'a> Variables<'a> {
    pub(super) fn new(
        service: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
        lictor: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    ) -> Self {
        Self { service: Box::new(service), lictor: Box::new(lictor) }
    }
}

/// The places, and what is needed to look.
pub(super) struct Chain<'a> {
    pub(super) client: &'a reqwest::Client,
    pub(super) variables: &'a Variables<'a>,
    pub(super) kept: &'a Kept,
}

impl Chain<'_> {
    /// The keys of the first place that has some.
    pub(super) async fn keys(&self, now: SystemTime) -> Result<Keys, String> {
        if let Some(keys) = environment::find(self.variables)? {
            return Ok(keys);
        }
        if let Some(keys) = profile::find(self.variables).await? {
            return Ok(keys);
        }
        if let Some(keys) = self.kept.fresh(now) {
            return Ok(keys);
        }
        let found = match container::find(self.client, self.variables).await {
            Ok(None) => instance::find(self.client, self.variables).await,
            found => found,
        };
        match found {
            Ok(Some(keys)) => {
                self.kept.keep(keys.clone());
                Ok(keys)
            }
            Ok(None) => self.kept.valid(now).ok_or_else(|| NONE.to_owned()),
            // What is still good is used while the next is not to be had.
            Err(error) => self.kept.valid(now).ok_or(error),
        }
    }
}

const NONE: &str = "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the service, or give the \
                    host a role";
