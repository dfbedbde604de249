//! *checked*: the check command has its say before anything is touched. Not configured: passed.

use super::super::numbers::CheckId;
use super::super::policy::Step as Configured;
use super::Decision;

pub(in super::super) fn decide(configured: Configured, asked: Option<CheckId>) -> Decision {
    match (configured, asked) {
        (Configured::Passed, _) => Decision::Pass,
        (Configured::Configured, None) => Decision::Ask,
        (Configured::Configured, Some(_)) => Decision::Wait(None),
    }
}
