//! Whose keys a request is signed with: those that the service itself would sign with, by the order of AWS's own SDK. What
//! is not supported here is an error that names it: to pass over it would be to sign as somebody else.
//!
//! The environment and the shared files are looked at for each probe, so that new keys are used at once. What somebody
//! hands out (a container, the instance, STS, a process) is kept until shortly before it expires.

mod assumed;
mod handed_out;
mod process;
mod profile;
#[cfg(test)]
mod tests;
mod variables;

use std::fmt;
use std::time::SystemTime;

pub(in crate::check) use handed_out::Kept;
pub(super) use variables::Variables;

use crate::check::kinds::Surroundings;
use crate::check::net::Access;
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
    /// The program that this profile names.
    Process(String),
    /// STS, for the role of this ARN.
    Role(String),
    /// STS, for the role of this ARN, by a token of somebody whom AWS trusts.
    WebIdentity(String),
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
            Self::Process(name) => write!(f, "the credential_process of the profile {name:?}"),
            Self::Role(arn) | Self::WebIdentity(arn) => write!(f, "the role {arn}"),
            Self::Container => f.write_str("the container's role"),
            Self::Instance(role) => write!(f, "the instance's role {role:?}"),
        }
    }
}

/// The places, and what is needed to look.
pub(super) struct Chain<'a> {
    pub(super) access: &'a Access,
    pub(super) around: &'a Surroundings,
    pub(super) variables: &'a Variables,
    pub(super) kept: &'a Kept,
    /// The region of the queue: STS is asked there.
    pub(super) region: &'a str,
}

impl Chain<'_> {
    /// The keys of the first place that has some.
    pub(super) async fn keys(&self) -> Result<Keys, String> {
        if let Some(keys) = self.variables.keys()? {
            return Ok(keys);
        }
        if let Some(keys) = assumed::by_environment(self).await? {
            return Ok(keys);
        }
        if let Some(keys) = profile::find(self).await? {
            return Ok(keys);
        }
        self.of_this_host().await?.ok_or_else(|| NONE.to_owned())
    }

    /// The keys of the role that this container has, or else this instance.
    async fn of_this_host(&self) -> Result<Option<Keys>, String> {
        match handed_out::of_container(self).await? {
            Some(keys) => Ok(Some(keys)),
            None => handed_out::of_instance(self).await,
        }
    }
}

const NONE: &str = "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the service, or give the \
                    host a role";
