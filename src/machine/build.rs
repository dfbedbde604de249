//! The running program and the one on the disk.

use serde::{Deserialize, Serialize};

/// The identity of an executable's content: `go:<build id>`, `gnu:<build id>`, `sha256:<fingerprint>` or, for a large
/// file without any, `stat:<size>-<mtime>`. Empty: the file cannot be read.
///
/// The same content put in place again (a roll-back) is the same build.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Build(pub String);

/// What is known about a program's version, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The version for people: `1.214`. `None`: unknown.
    pub version: Option<String>,
    /// Where it comes from: `ldflags`, `symbol`, `module`, `declared` (the service was asked), `vcs`.
    pub source: Option<String>,
    /// The full hash of the commit, if the build was stamped.
    pub revision: Option<String>,
    /// The time of that commit, RFC 3339.
    pub time: Option<String>,
    /// Whether the tree had changes that were not committed.
    pub modified: Option<bool>,
    /// The Go release that built it: `go1.26.8`.
    pub go: Option<String>,
}
