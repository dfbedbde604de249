//! Finds out the version of the service: reads it from the running program, and asks the service only if the program has none.
//!
//! It reads `/proc/PID/exe`, so the answer concerns the running program, whatever has replaced it on the disk. It decides nothing:
//! the machine decides what follows from a version.

mod declared;
mod installed;
mod processes;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use declared::Unanswered;
pub use installed::{Program, Programs, Watch};

use crate::environment::{Environment, Redactor};
use crate::gobuild;
use crate::listen::Reach;
use crate::machine::{Build, Version};
use crate::offload::offload;
use crate::service::OwnChildren;

/// The pauses between looks, about three seconds in all: a wrapper script needs a moment until its Go program runs.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
];

/// `version {}`: where the version is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The Go variable that `-ldflags -X` sets.
    pub symbol: String,
    /// A URL of the service that answers with its version; asked only if the program has none.
    pub http: Option<String>,
    /// A command that prints the version; run only if no other way has found one. Empty: none.
    pub command: Vec<String>,
    /// Which process is read.
    pub process: ProcessChoice,
}

impl Spec {
    /// Whether the service itself may be asked.
    pub fn asks_the_service(&self) -> bool {
        self.http.is_some() || !self.command.is_empty()
    }
}

impl Default for Spec {
    fn default() -> Self {
        Self { symbol: "main.version".to_owned(), http: None, command: Vec::new(), process: ProcessChoice::Main }
    }
}

/// `version.process`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessChoice {
    /// The main process.
    Main,
    /// The newest Go program among the main process, its group and its descendants.
    Group,
}

/// The process whose version is wanted.
#[derive(Clone)]
pub struct Subject {
    /// The main process.
    pub pid: u32,
    /// How to reach this run if another one listens at the same address.
    pub reach: Option<Reach>,
    /// The file that was executed, already found in `PATH`.
    pub program: PathBuf,
    /// Where the version is read.
    pub spec: Spec,
    /// The service's whole environment, for `version.command`.
    pub environment: Vec<(OsString, OsString)>,
    /// Knows the values of that which are not public: what holds one is not shown as a version. See [`secrets`].
    pub redactor: Arc<Redactor>,
    /// The service's working directory.
    pub directory: Option<PathBuf>,
    /// The user that the service runs as.
    pub user: Option<String>,
    /// The record of our own child processes.
    pub own: OwnChildren,
}

impl fmt::Debug for Subject {
    /// The environment holds secrets, so it is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("pid", &self.pid)
            .field("program", &self.program)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// Finds the values of an environment, and of what its process inherits, that must not be shown in a version.
pub fn secrets(environment: &Environment, process: &[(OsString, OsString)]) -> Redactor {
    Redactor::of(environment).with_inherited(environment, process).only(declared::may_be_secret)
}

/// What a running service is: the build of its main process and the version, by all means that are configured.
///
/// It takes up to three quarters of a minute if the service has to be asked and does not answer; [`read`] is quick. Without a
/// version, it gives the commit that the program was built from, if that is known.
pub async fn identify(subject: &Subject) -> (Build, Version) {
    let (build, version) = read(subject).await;
    (build, complete(version, subject).await)
}

/// A version that was read, completed by what the service itself declares and, failing that, by the commit.
pub async fn complete(version: Version, subject: &Subject) -> Version {
    if version.version.is_some() {
        return version;
    }
    match declared::ask(subject).await {
        Ok(Some(told)) => Version { version: Some(told), source: Some("declared".to_owned()), ..version },
        Ok(None) => gobuild::or_revision(version),
        Err(unanswered) => {
            tracing::warn!(error = &unanswered as &dyn std::error::Error, "the service has not reported its version");
            gobuild::or_revision(version)
        }
    }
}

/// The build and version of a running service from its files, without asking it.
///
/// The build is always what was executed, so that it compares with the file on disk: the script itself if the main
/// process is one. The version comes from the process that `version.process` chooses.
pub async fn read(subject: &Subject) -> (Build, Version) {
    let mut looks = LOOKS.into_iter();
    loop {
        let (pid, program, spec) = (subject.pid, subject.program.clone(), subject.spec.clone());
        // A reader that panics counts as having found nothing.
        match offload(move || look(pid, &program, &spec)).await.unwrap_or_default() {
            Look::Final(build, version) => return (build, version),
            Look::Early(build, version) => match looks.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return (build, version),
            },
        }
    }
}

/// The result of one look at the processes.
enum Look {
    /// It will not change.
    Final(Build, Version),
    /// The Go program is not there yet.
    Early(Build, Version),
}

impl Default for Look {
    fn default() -> Self {
        Self::Final(Build::default(), Version::default())
    }
}

fn look(pid: u32, program: &Path, spec: &Spec) -> Look {
    let script = gobuild::open(program).ok().filter(gobuild::is_script);
    let running = processes::executable(pid);
    let build = script.as_ref().or(running.as_ref()).map(gobuild::identity_of_file).unwrap_or_default();
    let chosen = match spec.process {
        ProcessChoice::Main => running,
        ProcessChoice::Group => processes::newest_go_program(pid),
    };
    let version = chosen.map(|file| gobuild::version_of(&file, &spec.symbol)).unwrap_or_default();
    let wrapped = script.is_some() || spec.process == ProcessChoice::Group;
    // Every Go program has the version of Go that built it.
    if version.go.is_none() && wrapped { Look::Early(build, version) } else { Look::Final(build, version) }
}

#[cfg(test)]
mod tests;
