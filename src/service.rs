//! The service as a child process, the errands beside it, and the processes that either leaves behind.
//!
//! [`Service`] takes orders and never awaits; their results come back as events. The service may outlive lictor: there is no
//! parent-death signal, and dropping the [`Service`] leaves its process running.

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

/// The command to run, and how to stop it (`exec {}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: PathBuf,
    /// Its arguments, as given; never joined or split.
    pub arguments: Vec<String>,
    /// Its working directory; `None`: lictor's.
    pub directory: Option<PathBuf>,
    /// The user that it runs as; `None`: lictor's.
    pub user: Option<String>,
    /// The signal to the process group that stops it.
    pub kill_signal: i32,
    /// How long the process group has before SIGKILL.
    pub kill_timeout: Duration,
    /// The signal to the main process for a change that needs no restart.
    pub reload_signal: Option<i32>,
    /// A file that lictor keeps up to date with the variables, for the service to read again.
    pub env_file: Option<PathBuf>,
    /// Which of lictor's own variables the service inherits.
    pub inherit: Inherit,
}
