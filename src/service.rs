//! The service as a child process, the errands that run beside it, and what either leaves behind.
//!
//! [`Service`] takes orders and never awaits; what comes of them comes back as events. The service is not tied to
//! lictor's life: no parent-death signal, and dropping the [`Service`] leaves its process running.

mod account;
mod adopt;
mod check_command;
mod child;
mod env_file;
pub mod errand;
mod failure;
mod farewell;
mod foreground;
mod keep;
mod launch;
mod leftovers;
mod mark;
mod once;
mod oom;
mod orphans;
mod own_children;
mod passing;
mod pidfd;
pub mod process;
pub mod program;
mod run;
mod sweep;
mod tail;
mod urgency;

use std::path::PathBuf;
use std::time::Duration;

pub use account::{Account, Accounts};
pub use adopt::{Adopted, Provenance};
pub use check_command::CheckCommand;
pub use child::Service;
pub use failure::ServiceError;
pub use farewell::end_errands;
pub use keep::{Keep, Known, Recorded, RecordedBeside};
pub use launch::{child_environment, known_environment, search_path};
pub use leftovers::{Unit, end_leftovers};
pub use mark::Mark;
pub use once::once;
pub use orphans::become_subreaper;
pub use own_children::OwnChildren;

pub use crate::environment::Inherit;

/// What to run, and how to stop it (`exec {}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a path, or a name to be found in `PATH`.
    pub program: PathBuf,
    /// Its arguments, as given; never joined or split.
    pub arguments: Vec<String>,
    /// Where it runs; `None`: where lictor does.
    pub directory: Option<PathBuf>,
    /// As whom it runs; `None`: as lictor does.
    pub user: Option<String>,
    /// Sent to the process group to stop it.
    pub kill_signal: i32,
    /// How long the process group has before KILL.
    pub kill_timeout: Duration,
    /// Sent to the main process for a change that needs no restart.
    pub reload_signal: Option<i32>,
    /// A file that is kept with the variables, for the service to read again.
    pub env_file: Option<PathBuf>,
    /// What of lictor's own environment the service inherits.
    pub inherit: Inherit,
}
