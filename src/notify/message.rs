//! One datagram: lines of `KEY=VALUE`.

use std::fmt::{Display, Write as _};

/// A message that grows.
#[derive(Debug, Default)]
pub(super) struct Message(String);

impl Message {
    /// One more line; the value must be one line itself.
    pub(super) fn add(&mut self, key: &str, value: impl Display) {
        // Writing to memory cannot fail.
        let _ = writeln!(self.0, "{key}={value}");
    }

    /// The text to be sent, if there is any.
    pub(super) fn text(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
