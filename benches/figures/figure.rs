//! What was measured, and what it may be.

use std::fmt;

/// One figure of a run.
pub struct Figure {
    /// What it is.
    pub what: &'static str,
    /// What was found.
    pub found: f64,
    /// What it may be.
    pub bar: Bar,
    /// What it is made of: the floor of the same run, for one.
    pub beside: String,
}

/// A limit, in its unit.
#[derive(Clone, Copy)]
pub enum Bar {
    /// No more than this.
    AtMost(f64, Unit),
    /// No less than this.
    AtLeast(f64, Unit),
}

/// How a number is written.
#[derive(Clone, Copy)]
pub enum Unit {
    Milliseconds,
    /// Of 1,024 bytes, as the kernel counts.
    Kilobytes,
    /// Of 1,000,000 bytes.
    Megabytes,
    Percent,
    Times,
    Pieces,
}

impl Bar {
    /// Whether this is within it.
    pub fn is_met_by(self, found: f64) -> bool {
        match self {
            Self::AtMost(limit, _) => found <= limit,
            Self::AtLeast(limit, _) => found >= limit,
        }
    }

    /// The unit of it and of what it is about.
    pub fn unit(self) -> Unit {
        match self {
            Self::AtMost(_, unit) | Self::AtLeast(_, unit) => unit,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::AtMost(limit, unit) => write!(f, "≤ {limit} {}", unit.name()),
            Self::AtLeast(limit, unit) => write!(f, "≥ {limit} {}", unit.name()),
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Kilobytes => "KB",
            Self::Megabytes => "MB",
            Self::Percent => "%",
            Self::Times => "×",
            Self::Pieces => "",
        }
    }

    /// A number in it, as exact as makes sense.
    pub fn write(self, number: f64) -> String {
        let name = self.name();
        match self {
            Self::Kilobytes => format!("{number:.0} {name}"),
            Self::Pieces => format!("{number:.0}"),
            Self::Percent => format!("{number:.3} {name}"),
            Self::Milliseconds | Self::Megabytes | Self::Times => format!("{number:.2} {name}"),
        }
    }
}
