//! What an operator asks of a whole fleet.

use std::path::PathBuf;

use clap::Subcommand;

/// `lictor fleet`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Ends with 0 when it is done, 1 if there is nothing to show or to do, 2 for wrong usage, 69 if Consul \
                  does not answer, 78 if the configuration is wrong."
)]
pub struct Fleet {
    /// What is done; without it the fleet is shown.
    #[command(subcommand)]
    pub verb: Option<FleetVerb>,
    /// The service whose fleet is meant: its folder is lictor/NAME/
    #[arg(value_name = "NAME")]
    pub service: Option<String>,
    /// The same, before or after a verb
    #[arg(long, value_name = "NAME", global = true)]
    pub name: Option<String>,
    /// The fleet's folder in the KV store
    #[arg(long, value_name = "PATH", global = true)]
    pub prefix: Option<String>,
    /// A file or directory of configuration that says where Consul and the fleet are
    #[arg(short, long, value_name = "FILE|DIR", global = true)]
    pub config: Vec<PathBuf>,
    /// The fleet as JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done to a whole fleet.
#[derive(Debug, Subcommand)]
pub enum FleetVerb {
    /// Nobody in the fleet restarts for config until unhold
    Hold {
        /// Why; it stands in the status of whoever waits
        #[arg(value_name = "REASON", num_args = 0..)]
        reason: Vec<String>,
    },
    /// Ends that
    Unhold,
    /// Lets the fleet try again what one of its instances took back
    Release {
        /// Which change, as `lictor fleet` shows it; without it every one
        #[arg(value_name = "CHANGE")]
        change: Option<String>,
    },
}
