//! What an operator asks of a whole fleet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use crate::config::duration;

/// `lictor fleet`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exits with 0 when it is done, 1 if there is nothing to show or to do, 2 for wrong usage, 69 if Consul \
                  does not answer, 78 if the configuration is wrong."
)]
pub struct Fleet {
    /// What to do; without it the fleet is shown.
    #[command(subcommand)]
    pub verb: Option<FleetVerb>,
    /// The fleet's service: its folder is lictor/NAME/; without it every fleet is listed, one line each
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
    /// The fleet as JSON; with --watch a line for each change
    #[arg(long)]
    pub json: bool,
    /// Keeps running and shows every change
    #[arg(long)]
    pub watch: bool,
    /// Serves the same as a page at this address, until it is stopped; without NAME all fleets below lictor/
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["json", "watch"])]
    pub serve: Option<SocketAddr>,
    /// A name that browsers may ask for the page by, beside every address and this machine's own name; repeatable
    #[arg(long, value_name = "NAME", requires = "serve")]
    pub host: Vec<String>,
}

/// What can be done to a whole fleet.
#[derive(Debug, Subcommand)]
pub enum FleetVerb {
    /// Keeps every instance from restarting for config, until unhold
    Hold {
        /// The reason; shown in the status of every instance that waits
        #[arg(value_name = "REASON", num_args = 0..)]
        reason: Vec<String>,
        /// After this long the hold ends by itself
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        length: Option<Duration>,
    },
    /// Ends the hold
    Unhold,
    /// Waits until a version runs on every instance, healthy on settled config: yes or no, and which instances are missing
    Validate {
        /// The version that has to run
        #[arg(long, value_name = "VERSION")]
        version: String,
        /// On this many instances; without it on all that Consul's catalog lists
        #[arg(long, value_name = "N")]
        expect: Option<usize>,
        /// How long to wait for a yes
        #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
        timeout: Duration,
    },
    /// What became of each change on every host in the last day, merged by time
    History {
        /// At most so many lines, the newest ones
        #[arg(short, long = "number", value_name = "N")]
        number: Option<usize>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Lets the fleet try a change again that one of its instances took back
    Release {
        /// Which change, as `lictor fleet` shows it; without it every one
        #[arg(value_name = "CHANGE")]
        change: Option<String>,
    },
}
