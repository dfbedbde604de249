//! One number with its name and labels, before it is formatted for `StatsD` or Prometheus.

use super::names::Metric;
use crate::machine::totals::Timing;

/// One number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Series<'a, V> {
    pub(super) metric: &'static Metric,
    pub(super) labels: Labels<'a>,
    pub(super) value: V,
}

/// What a total counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Events.
    Events(u64),
    /// Events that took time.
    Timed(Timing),
}

/// Up to two labels: each multiplies the series, so there are few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels<'a>([Option<Label<'a>>; 2]);

/// A name of lictor's and a value from the board.
pub(super) type Label<'a> = (&'static str, &'a str);

impl<'a> Labels<'a> {
    pub(super) const NONE: Self = Self([None, None]);

    pub(super) const fn one(name: &'static str, value: &'a str) -> Self {
        Self([Some((name, value)), None])
    }

    pub(super) const fn two(first: Label<'a>, second: Label<'a>) -> Self {
        Self([Some(first), Some(second)])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Label<'a>> {
        self.0.into_iter().flatten()
    }
}
