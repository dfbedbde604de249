//! What an operator asks of a running lictor.

use std::time::Duration;

use super::{Target, manual};
use crate::config::duration;
use crate::environment::Fingerprint;

/// What the verbs end with.
const EXIT: &str = "Ends with 0 when it is done, 1 when it is refused or has no effect in time (and says why), \
                    2 for wrong usage, 69 if no lictor answers.";

/// `lictor env`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::READ)]
pub struct Env {
    /// Shows what the newest wish changes of what runs: + added, ~ changed, - removed
    #[arg(long)]
    pub diff: bool,
    /// The same as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor history`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::READ)]
pub struct History {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Goes on and shows every new line, also after lictor was started again
    #[arg(long)]
    pub follow: bool,
    /// Shows at most so many lines, the newest ones
    #[arg(short, long = "number", value_name = "N")]
    pub number: Option<usize>,
    /// Shows no line that is older than this, such as 1h or 2d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub since: Option<Duration>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor hold`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct Hold {
    /// Why; it stands in the status until the hold ends
    #[arg(value_name = "REASON", num_args = 0..)]
    pub reason: Vec<String>,
    /// After this long the hold ends by itself
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub length: Option<Duration>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// A verb that takes effect at once.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct Plain {
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// A verb that is answered when the service is healthy again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct Patient {
    /// How long the effect is waited for; what was begun goes on all the same
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor release`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct Release {
    /// What must be held, as `lictor status` shows it; else nothing is done
    #[arg(value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor retry`.
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// What must be the newest wish, as `lictor status` shows it; else nothing is done
    #[arg(value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// Without the fleet's turn: for whoever must, while Consul is away. Nothing keeps others from restarting as well
    #[arg(long)]
    pub alone: bool,
    /// How long it waits, and for whom.
    #[command(flatten)]
    pub patient: Patient,
}

/// `lictor reload`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 when it is done, 78 if the configuration is wrong (every error is printed with its \
                        place, and nothing is changed), 69 if no lictor answers."
)]
pub struct Reload {
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor signal`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct Signal {
    /// The signal, with or without SIG, or its number
    #[arg(value_name = "NAME")]
    pub signal: String,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}
