//! Whose keys a request is signed with: those that the service itself would sign with, by the order of AWS's own SDK. What
//! is not supported here is an error that names it: to pass over it would be to sign as somebody else.
//!
//! The environment and the shared files are looked at for each probe, so that new keys are used at once. What somebody
//! hands out (a container, the instance, STS, a process) is kept until shortly before it expires.

mod assumed;
mod handed_out;
pub(super) mod keys;
mod profile;
#[cfg(test)]
mod tests;
mod variables;

pub(in crate::check) use keys::Kept;
pub(super) use keys::Origin;
pub(super) use variables::Variables;

use keys::Keys;

use crate::check::kinds::Surroundings;
use crate::check::net::Access;

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
        handed_out::of_this_host(self).await?.ok_or_else(|| NONE.to_owned())
    }
}

const NONE: &str = "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the service, or give the \
                    host a role";
