//! Keys, where they are from, and how long those with an end are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::secret::Secret;

/// So long before their end they are fetched again. AWS hands out new ones five minutes before.
const MARGIN: Duration = Duration::from_mins(3);
/// Keys that name no end are kept for so long.
const WITHOUT_END: Duration = Duration::from_mins(5);

/// A pair of keys, perhaps with a token and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Keys {
    pub(in super::super) id: String,
    pub(in super::super) secret: Secret,
    pub(in super::super) token: Option<Secret>,
    /// When they are of no use any more.
    pub(in super::super) expires: Option<SystemTime>,
    pub(in super::super) origin: Origin,
}

/// Where keys are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Origin {
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

/// What all checks share, from one run of the service to the next: keys, by where they are from.
#[derive(Clone, Debug, Default)]
pub(in crate::check) struct Kept(Arc<watch::Sender<BTreeMap<String, Keys>>>);

impl Kept {
    /// The keys from here, if they are good for a while yet; else what is fetched, or, while that fails, what is still
    /// good.
    pub(super) async fn or(
        &self,
        from: &str,
        fetch: impl AsyncFnOnce() -> Result<Keys, String>,
    ) -> Result<Keys, String> {
        self.or_at(from, SystemTime::now(), fetch).await
    }

    async fn or_at(
        &self,
        from: &str,
        now: SystemTime,
        fetch: impl AsyncFnOnce() -> Result<Keys, String>,
    ) -> Result<Keys, String> {
        let good_at = |then: SystemTime| {
            let keys = self.0.borrow().get(from).cloned();
            keys.filter(|keys| keys.expires.is_some_and(|end| then < end))
        };
        if let Some(keys) = good_at(now + MARGIN) {
            return Ok(keys);
        }
        match fetch().await {
            Ok(keys) => {
                if keys.expires.is_some_and(|end| end <= now) {
                    return Err(format!("the keys from {} have expired", keys.origin));
                }
                let expires = keys.expires.or_else(|| now.checked_add(WITHOUT_END));
                self.0.send_modify(|kept| {
                    kept.retain(|_, keys| keys.expires.is_some_and(|end| now < end));
                    kept.insert(from.to_owned(), Keys { expires, ..keys.clone() });
                });
                Ok(keys)
            }
            Err(why) => good_at(now).ok_or(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Kept, Keys, MARGIN, Origin};

    #[tokio::test]
    async fn kept_until_shortly_before_their_end() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let keys = |id: &str| Keys {
            id: id.to_owned(),
            secret: "S".into(),
            token: None,
            expires: Some(end),
            origin: Origin::Container,
        };
        let (kept, second) = (Kept::default(), Duration::from_secs(1));
        let start = SystemTime::UNIX_EPOCH;
        assert_eq!(kept.or_at("here", start, async || Ok(keys("A"))).await, Ok(keys("A")));
        let nobody = async || Err::<Keys, _>("gone".to_owned());
        assert_eq!(kept.or_at("here", end - MARGIN - second, async || panic!("they are kept")).await, Ok(keys("A")));
        assert_eq!(kept.or_at("here", end - MARGIN, nobody).await, Ok(keys("A")), "while there is nothing newer");
        assert_eq!(kept.or_at("elsewhere", start, nobody).await, Err("gone".to_owned()), "never the keys of another");
        assert_eq!(kept.or_at("here", end, nobody).await, Err("gone".to_owned()));
        let expired = kept.or_at("here", end, async || Ok(keys("B"))).await;
        assert_eq!(expired, Err("the keys from the container's role have expired".to_owned()));
    }
}
