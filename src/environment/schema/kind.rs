//! The types of values: one line each, and the function that reads it.

use super::{address, duration, scalar};

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`, as Go reads it.
    Bool,
    /// `1m30s`, as Go reads it.
    Duration,
    /// A URL with a scheme.
    Url,
    /// 1 to 65535.
    Port,
    /// `host:port`.
    HostPort,
    /// JSON.
    Json,
    /// Base64.
    Base64,
}

/// The part of a value that can be compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure {
    /// Nothing.
    None,
    /// A number.
    Number(f64),
    /// A duration, in nanoseconds.
    Nanoseconds(i128),
}

impl Type {
    /// Whether a value has this type.
    pub fn is(self, value: &str) -> bool {
        self.read(value).is_some()
    }

    /// The part of a value of this type that a bound is compared with; `None`: the value does not have this type.
    pub(super) fn read(self, value: &str) -> Option<Measure> {
        let plain = |holds: bool| holds.then_some(Measure::None);
        match self {
            Self::String => plain(true),
            Self::Int => scalar::int(value).map(Measure::Number),
            Self::Float => scalar::float(value).map(Measure::Number),
            Self::Port => scalar::port(value).map(|port| Measure::Number(port.into())),
            Self::Bool => plain(scalar::is_bool(value)),
            Self::Duration => duration::nanoseconds(value).map(Measure::Nanoseconds),
            Self::Url => plain(address::is_url(value)),
            Self::HostPort => plain(address::is_host_port(value)),
            Self::Json => plain(scalar::is_json(value)),
            Self::Base64 => plain(scalar::is_base64(value)),
        }
    }

    /// The name of the type, as in "is not a whole number".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Bool => "true or false",
            Self::Duration => "a duration such as 1m30s",
            Self::Url => "a URL with a scheme",
            Self::Port => "a port from 1 to 65535",
            Self::HostPort => "of the form host:port",
            Self::Json => "JSON",
            Self::Base64 => "base64",
        }
    }
}
