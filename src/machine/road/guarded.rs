//! *guarded*: an operator's hold stops every wish here; the wipe guard will stand here too.

use super::super::moment::Moment;
use super::Decision;

/// The operator's stop for all wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Hold {
    pub(in super::super) reason: String,
    pub(in super::super) since: Moment,
}

pub(in super::super) fn decide(hold: Option<&Hold>) -> Decision {
    match hold {
        Some(_) => Decision::Wait(None),
        None => Decision::Pass,
    }
}
