//! Name patterns as Go's `filepath.Match` reads them. (Skeleton.)

/// A pattern such as `AWS_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
