//! What a run is: its build and its version, out of its program's file, or asked of it.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::environment::{Environment, Redactor};
use crate::machine::{Event, RunId};
use crate::offload::offload;
use crate::service::{self, Accounts, Command};
use crate::version::{self, Program, Subject};

/// What is needed to complete a subject, with reads of the disk and of the user database.
#[derive(Clone)]
pub(super) struct Unknown {
    pub(super) command: Command,
    pub(super) accounts: Accounts,
    pub(super) environment: Arc<Environment>,
    pub(super) program: Program,
}

impl Unknown {
    /// Completes a subject; it may block.
    fn complete(&self, subject: Subject) -> Subject {
        // If the user cannot be found, the start has failed already.
        let variables =
            service::child_environment(&self.command, &self.environment, &self.accounts).unwrap_or_default();
        let redactor = if subject.spec.asks_the_service() {
            version::secrets(&self.environment, &variables)
        } else {
            Redactor::default()
        };
        Subject { program: self.program.file(), environment: variables, redactor: Arc::new(redactor), ..subject }
    }
}

/// Reports the version in the running program's file, and later the one that the service reports, if it has to be asked.
pub(super) async fn identify(run: RunId, subject: Subject, unknown: Unknown, inbox: mpsc::Sender<Event>) {
    let Ok(subject) = offload(move || unknown.complete(subject)).await else { return };
    let (build, version) = version::read(&subject).await;
    let known = version.version.is_some();
    // When lictor stops, nobody listens any more, and nothing is lost.
    let _ = inbox.send(Event::Identified { run, build: build.clone(), version: version.clone() }).await;
    if !known {
        let complete = version::complete(version.clone(), &subject).await;
        if complete != version {
            let _ = inbox.send(Event::Identified { run, build, version: complete }).await;
        }
    }
}
