//! What can go wrong with Consul: each a sentence for the person who can mend it, and a class for the metrics.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::exit;

/// The name, in errors, of the setting for the token's file.
pub(super) const TOKEN_FILE: &str = "token_file";

/// Everything that can go wrong, from the settings to a cut answer. No message holds a token or a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be read.
    #[error(
        "the consul address is not usable ({reason}); write host:port, http://host:port, https://host:port or unix:///path"
    )]
    Address {
        /// Why not.
        reason: String,
    },
    /// The value of a variable is not a boolean.
    #[error("{name} is not a boolean; write true or false")]
    NotABoolean {
        /// The variable.
        name: &'static str,
    },
    /// Only one half of the client's certificate and key is given.
    #[error("{given} is set without {missing}; set both, or neither")]
    HalfAPair {
        /// The variable that is set.
        given: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A file that the settings name cannot be read.
    #[error("consul's {what} {} cannot be read; check that it exists and that lictor may read it", .path.display())]
    File {
        /// What it is for: `ca_cert`, `cert`, ...
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that the settings name has the wrong contents.
    #[error("consul's {what} {} is not usable: {reason}", .path.display())]
    Content {
        /// What it is for: `ca_cert`, `cert`, `token_file`, ...
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting that is not a file has a value that cannot be used; the value itself is not shown.
    #[error("consul's {what} is not usable: {reason}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The HTTP client cannot be created with these settings.
    #[error(
        "the consul client cannot be created with these tls settings; check that ca_cert, cert and key are PEM and belong together"
    )]
    Build {
        /// Why not.
        source: reqwest::Error,
    },
    /// There was no connection, or it was lost before the answer was complete.
    #[error("consul at {site} cannot be reached; check that its agent runs and that address and tls are right")]
    Unreachable {
        /// Where.
        site: Site,
        /// Why not.
        source: reqwest::Error,
    },
    /// The answer was not complete in time.
    #[error("consul at {site} has not answered within {}s; check whether its agent is overloaded or cut off", .after.as_secs())]
    Timeout {
        /// Where.
        site: Site,
        /// The timeout.
        after: Duration,
    },
    /// Consul answered, but not with what was asked for.
    #[error("consul at {site} answered {status}{said}; {advice}", advice = .class.advice())]
    Status {
        /// Where.
        site: Site,
        /// The HTTP status.
        status: u16,
        /// What that means.
        class: Class,
        /// What the server said, shortened.
        said: ServerText,
    },
    /// Consul hides keys from this token: what it sent must not be taken for everything there is.
    #[error("consul at {site} hides keys from {whom}; {advice}", advice = Class::Denied.advice())]
    Hidden {
        /// Where.
        site: Site,
        /// The token, or its absence.
        whom: Whom,
    },
    /// The answer is larger than the limit.
    #[error("the answer of consul at {site} is over {} MiB; move what is not configuration out of this prefix", .limit >> 20)]
    TooLarge {
        /// Where.
        site: Site,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The answer is not what Consul sends.
    #[error(
        "the server at {site} does not answer like consul ({reason}); check that the address is consul's http port"
    )]
    Unreadable {
        /// Where.
        site: Site,
        /// What is wrong with it; never a part of the answer.
        reason: &'static str,
    },
}

impl Error {
    /// Whether another attempt to build a client may succeed although the settings stay the same: a file may not exist yet, may not be
    /// readable yet, or may just be being written.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == io::ErrorKind::PermissionDenied || exit::may_pass(source),
            // While certificate and key are replaced one after the other, they do not belong together for a moment.
            Self::Content { .. } | Self::Build { .. } => true,
            _ => false,
        }
    }

    /// The class as the metrics know it. Errors of the settings are `invalid`, of the token file `denied`.
    pub fn class(&self) -> Class {
        match self {
            Self::Address { .. }
            | Self::NotABoolean { .. }
            | Self::HalfAPair { .. }
            | Self::Setting { .. }
            | Self::Build { .. }
            | Self::TooLarge { .. } => Class::Invalid,
            Self::File { what, .. } | Self::Content { what, .. } => match *what {
                TOKEN_FILE => Class::Denied,
                _ => Class::Invalid,
            },
            Self::Unreachable { .. } => Class::Unreachable,
            Self::Timeout { .. } => Class::Timeout,
            Self::Status { class, .. } => *class,
            Self::Hidden { .. } => Class::Denied,
            Self::Unreadable { .. } => Class::Unknown,
        }
    }

    /// The error in one line, with its innermost cause: for the board and the log.
    pub fn sentence(&self) -> String {
        let mut cause = self.source();
        while let Some(deeper) = cause.and_then(StdError::source) {
            cause = Some(deeper);
        }
        match cause {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

/// The classes of failure, as `lictor.source.errors` tags them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No connection, or one that was lost.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The servers have no leader, or the agent has no servers.
    NoLeader,
    /// Too many requests or connections.
    Throttled,
    /// The token has no right, or there is none.
    Denied,
    /// The request itself is wrong, and will be wrong again.
    Invalid,
    /// Anything else.
    Unknown,
}

impl Class {
    /// The word in metrics and on the board.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::NoLeader => "no_leader",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Timeout => "check that its agent runs and is not cut off",
            Self::NoLeader => "check that its servers run and have a leader",
            Self::Throttled => "lower the number of clients on this host or raise consul's limits",
            Self::Denied => "give lictor a token whose policy reads this prefix",
            Self::Invalid => "correct the prefix or the address",
            Self::Unknown => "see consul's own log",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a request went: the address without any password, and the path.
#[derive(Clone, Debug)]
pub struct Site {
    /// The address as it may be shown.
    pub address: Arc<str>,
    /// The path of the request, without its query.
    pub path: Arc<str>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.path)
    }
}

/// The token that keys are hidden from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The token that was sent.
    Token,
    /// No token was sent.
    Anonymous,
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "our token",
            Self::Anonymous => "requests without a token, and none was sent",
        })
    }
}

/// The first line of what a server said, shortened and without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerText(String);

impl ServerText {
    /// Long enough for Consul's messages, short enough for a line.
    const CHARACTERS: usize = 160;

    /// Of the beginning of a body. If the token occurs in it, nothing is kept.
    pub fn of(body: &[u8], token: Option<&[u8]>) -> Self {
        let echoes = |token: &[u8]| !token.is_empty() && body.windows(token.len()).any(|window| window == token);
        if token.is_some_and(echoes) {
            return Self::default();
        }
        let text = String::from_utf8_lossy(body);
        let line = text.trim().lines().next().unwrap_or_default();
        Self(line.chars().filter(|character| !character.is_control()).take(Self::CHARACTERS).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}
