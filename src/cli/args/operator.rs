//! What an operator asks of a running lictor.

use std::time::Duration;

use super::{TargetArgs, manual};
use crate::config::duration;
use crate::environment::Fingerprint;

/// What the verbs end with.
const EXIT: &str = "Exit codes:\n  0   done\n  1   refused, or without effect in time; the reason is printed\n  \
                    2   wrong usage\n  69  no lictor answered";

/// `lictor env`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::READ)]
pub struct EnvArgs {
    /// Shows what the newest values would change: + added, ~ changed, - removed
    #[arg(long)]
    pub diff: bool,
    /// The same as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor history`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::READ)]
pub struct HistoryArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Keeps running and shows every new line, also after a restart of lictor
    #[arg(long)]
    pub follow: bool,
    /// Shows at most this many lines, the newest ones
    #[arg(short, long = "number", value_name = "N")]
    pub number: Option<usize>,
    /// Shows only lines that are at most this old, such as 1h or 2d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub since: Option<Duration>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor hold`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct HoldArgs {
    /// The reason, which the status shows until the hold ends
    #[arg(value_name = "REASON", num_args = 0..)]
    pub reason: Vec<String>,
    /// After this long the hold ends by itself
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub length: Option<Duration>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A verb that takes effect at once.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct PlainArgs {
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A verb whose answer comes when the service has proved itself again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct PatientArgs {
    /// How long to wait for the effect; the action itself goes on after that
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor release`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct ReleaseArgs {
    /// The fingerprint that must be held, as `lictor status` shows it; otherwise nothing is done
    #[arg(value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor retry`.
#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    /// The fingerprint of the newest change, as `lictor status` shows it; nothing is done if another one is the newest
    #[arg(value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// Without the fleet's turn: for emergencies while Consul is away. Other instances may restart at the same time
    #[arg(long)]
    pub alone: bool,
    /// How long it waits, and for whom.
    #[command(flatten)]
    pub patient: PatientArgs,
}

/// `lictor reload`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes:\n  0   done\n  69  no lictor answered\n  78  the configuration is wrong: every error is \
                  printed with its place, and nothing is changed"
)]
pub struct ReloadArgs {
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor signal`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT)]
pub struct SignalArgs {
    /// The signal, with or without SIG, or its number
    #[arg(value_name = "NAME")]
    pub signal: String,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}
