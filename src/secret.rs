//! A value that must not be shown.
//!
//! It has no `Display` and no `Serialize`, and its `Debug` names nothing but its length, so a value can only reach an
//! output through [`Secret::expose`], which is easy to search for.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Raw bytes that may be a password: compared and counted, never printed. A clone is the same bytes, not a copy of them.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// The bytes themselves, for the place that hands them on: the child's environment, a request's header.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as an environment value or an argument.
    pub fn expose_os(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The bytes as text, if they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_only_the_length() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(7 bytes)");
    }
}
