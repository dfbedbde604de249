//! `min` and `max`.

use std::fmt;
use std::time::Duration;

use super::kind::Measure;

/// The least or the greatest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// For numbers and ports.
    Number(f64),
    /// For durations.
    Duration(Duration),
}

impl Bound {
    /// Whether a value is below this bound.
    pub(super) fn is_above(self, measure: Measure) -> bool {
        match (self, measure) {
            (Self::Number(bound), Measure::Number(number)) => number < bound,
            (Self::Duration(bound), Measure::Nanoseconds(given)) => given < nanoseconds(bound),
            _ => false,
        }
    }

    /// Whether a value is above this bound.
    pub(super) fn is_below(self, measure: Measure) -> bool {
        match (self, measure) {
            (Self::Number(bound), Measure::Number(number)) => number > bound,
            (Self::Duration(bound), Measure::Nanoseconds(given)) => given > nanoseconds(bound),
            _ => false,
        }
    }
}

fn nanoseconds(bound: Duration) -> i128 {
    i128::try_from(bound.as_nanos()).unwrap_or(i128::MAX)
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Duration(duration) => humantime::format_duration(*duration).fmt(f),
        }
    }
}
