//! The contents of the files: one variant for each file.

use std::io::{self, Write};
use std::sync::Arc;

use super::calendar::Calendar;
use super::identity::StateIdentity;
use super::{directory, stored};
use crate::machine::hold::{GuardRecord, Hold};
use crate::machine::ledger::{Good, Quarantined};

/// The whole contents of one file, before they are converted to their stored form.
#[derive(Clone, Debug)]
pub(super) enum Contents {
    Good(Arc<[Good]>),
    Quarantine(Arc<[Quarantined]>),
    Hold(Arc<(Option<Hold>, GuardRecord)>),
}

impl Contents {
    /// The name of the file.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Good(_) => directory::GOOD,
            Self::Quarantine(_) => directory::QUARANTINE,
            Self::Hold(_) => directory::HOLD,
        }
    }

    /// Writes their stored form. Times are converted from the calendar of this run of lictor to the present one, because the wall
    /// clock may have been set since.
    pub(super) fn write(&self, identity: &StateIdentity, of_this_life: &Calendar, out: impl Write) -> io::Result<()> {
        let written = match self {
            Self::Good(good) => {
                let now = Calendar::now();
                let by_now =
                    |good: &Good| Good { at_unix_ms: of_this_life.translate(good.at_unix_ms, &now), ..good.clone() };
                let good: Vec<_> = good.iter().map(by_now).collect();
                stored::write_good(out, identity, Some(&now), &good)
            }
            Self::Quarantine(quarantine) => stored::write_quarantine(out, identity, quarantine),
            Self::Hold(holds) => stored::write_hold(out, identity, holds.0.as_ref(), &holds.1),
        };
        written.map_err(io::Error::from)
    }

    /// Whether these are the very same contents, not only equal ones.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Good(a), Self::Good(b)) => Arc::ptr_eq(a, b),
            (Self::Quarantine(a), Self::Quarantine(b)) => Arc::ptr_eq(a, b),
            (Self::Hold(a), Self::Hold(b)) => Arc::ptr_eq(a, b),
            (Self::Good(_) | Self::Quarantine(_) | Self::Hold(_), _) => false,
        }
    }
}
