//! *drained*: out of traffic before the old process is stopped. Not configured, or nothing runs: passed.

use super::super::life::Life;
use super::super::numbers::DrainId;
use super::super::policy::Step as Configured;
use super::Decision;

/// Whether the service is out of traffic for a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Drain {
    /// In traffic, as far as we are concerned.
    #[default]
    None,
    /// Asked for.
    Asked(DrainId),
    /// Out of traffic: it has to be put back on every path.
    Done(DrainId),
}

pub(in super::super) fn decide(configured: Configured, drain: Drain, life: &Life) -> Decision {
    match (configured, drain, life) {
        (Configured::Passed, _, _) | (_, Drain::Done(_), _) | (_, _, Life::Absent { .. }) => Decision::Pass,
        (Configured::Configured, Drain::Asked(_), _) => Decision::Wait(None),
        (Configured::Configured, Drain::None, _) => Decision::Ask,
    }
}
