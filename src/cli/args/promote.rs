//! What `lictor promote` is asked.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::duration;

/// `lictor promote`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 when it is written (with --watch: when it is good on every instance of the target), or when \
                  there is nothing to write; 1 if nothing was written, or if it was halted or taken back; 2 for wrong \
                  usage; 69 if Consul does not answer; 78 if a file of rules is wrong."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Promote {
    /// The folder of the set at the source, such as billing/
    #[arg(value_name = "PREFIX")]
    pub prefix: String,
    /// The folder at the target; without it the same
    #[arg(value_name = "TO_PREFIX")]
    pub to_prefix: Option<String>,
    /// The source's Consul, such as consul.test:8500 or an https URL
    #[arg(long, value_name = "ADDR", required_unless_present = "undo")]
    pub from: Option<String>,
    /// The target's Consul; of several, each is brought to its verdict before the next one is written
    #[arg(long, value_name = "ADDR", required = true)]
    pub to: Vec<String>,
    /// A file with the token for the source
    #[arg(long, value_name = "FILE")]
    pub from_token_file: Option<PathBuf>,
    /// A file with the token for the target; of several, in the order of --to
    #[arg(long, value_name = "FILE")]
    pub to_token_file: Vec<PathBuf>,
    /// The fleet that reads the set at the source; without it the last part of PREFIX
    #[arg(long, value_name = "NAME")]
    pub from_fleet: Option<String>,
    /// The fleet that reads the set at the target; without it the last part of the folder there
    #[arg(long, value_name = "NAME")]
    pub to_fleet: Option<String>,
    /// Promotes only the keys that match; repeatable
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Leaves the keys that match as they are on each side; repeatable
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<String>,
    /// A file with only, skip and rename, as promote.hcl
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// The key that seals a set at the target, relative to its folder; without it what its instances' records say
    #[arg(long, value_name = "KEY")]
    pub commit_key: Option<String>,
    /// Promotes what is not good on every live instance of the source, and keeps the reason
    #[arg(long, value_name = "WHY")]
    pub unproved: Option<String>,
    /// Shows values too: they are on your screen then, and in its history
    #[arg(long)]
    pub show: bool,
    /// Writes without asking
    #[arg(long)]
    pub yes: bool,
    /// Follows the target's fleet to its verdict
    #[arg(long)]
    pub watch: bool,
    /// How long a verdict is waited for
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Writes what is replaced into this file, readable for you alone; with --undo: reads it there
    #[arg(long, value_name = "FILE", required_if_eq("undo", "true"))]
    pub backup: Option<PathBuf>,
    /// Writes back what the last promotion replaced, out of its --backup
    #[arg(long, conflicts_with_all = ["from", "only", "skip", "rules", "unproved"])]
    pub undo: bool,
}
