//! Keys that were handed out, until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::Keys;

/// So long before their end they are fetched again. AWS hands out new ones five minutes before.
const MARGIN: Duration = Duration::from_mins(3);
/// Keys that name no end are kept for so long.
const WITHOUT_END: Duration = Duration::from_mins(5);

/// What all checks share, from one run of the service to the next.
#[derive(Clone, Debug)]
pub(in crate::check) struct Kept(Arc<watch::Sender<Option<Keys>>>);

impl Default for Kept {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Kept {
    /// Keys that are good for a while yet.
    pub(super) fn fresh(&self, now: SystemTime) -> Option<Keys> {
        self.valid(now + MARGIN)
    }

    /// Keys that are good at this moment.
    pub(super) fn valid(&self, now: SystemTime) -> Option<Keys> {
        self.0.borrow().clone().filter(|keys| keys.expires.is_some_and(|end| now < end))
    }

    /// Keeps these in the place of others.
    pub(super) fn keep(&self, keys: Keys) {
        let expires = keys.expires.or_else(|| SystemTime::now().checked_add(WITHOUT_END));
        self.0.send_replace(Some(Keys { expires, ..keys }));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Kept, Keys, MARGIN};
    use crate::check::sqs::credentials::Origin;

    #[test]
    fn kept_until_shortly_before_their_end() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let keys =
            Keys { id: "A".into(), secret: "S".into(), token: None, expires: Some(end), origin: Origin::Container };
        let kept = Kept::default();
        assert_eq!(kept.fresh(SystemTime::UNIX_EPOCH), None);
        kept.keep(keys.clone());
        let second = Duration::from_secs(1);
        assert_eq!(kept.fresh(end - MARGIN - second).as_ref(), Some(&keys));
        assert_eq!(kept.fresh(end - MARGIN), None);
        assert_eq!(kept.valid(end - second), Some(keys));
        assert_eq!(kept.valid(end), None);
    }
}
