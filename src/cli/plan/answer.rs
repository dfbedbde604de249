//! Where the plan comes from: the running lictor or, with a configuration and no lictor on it, its sources and the state
//! directory.

use std::time::Duration;

use crate::app::{self, AppError, Planned};
use crate::chain::sentence;
use crate::cli::client::{Client, ClientError};
use crate::cli::configuration::Configuration;
use crate::cli::locate::Target;
use crate::config::{Errors, Settings};
use crate::exit;
use crate::machine::plan::Plan;

/// How long the answer of a lictor may take.
const SOON: Duration = Duration::from_secs(10);

/// The plan, and remarks about how it was made.
pub(super) struct Answer {
    pub(super) plan: Plan,
    pub(super) remarks: Vec<String>,
}

/// There is no plan.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Silence {
    text: String,
    /// What to end with.
    pub(super) code: u8,
}

impl From<ClientError> for Silence {
    fn from(error: ClientError) -> Self {
        Self { text: format!("lictor: {}", sentence(&error)), code: error.exit_code() }
    }
}

impl From<AppError> for Silence {
    fn from(error: AppError) -> Self {
        Self { text: format!("lictor: {}", sentence(&error)), code: error.exit_code() }
    }
}

impl From<Errors> for Silence {
    fn from(errors: Errors) -> Self {
        let lines: Vec<_> = errors.errors.iter().map(|error| format!("lictor: {error}")).collect();
        Self { text: lines.join("\n"), code: exit::CONFIGURATION }
    }
}

/// Asks the running lictor, else the sources.
pub(super) async fn find(target: &Target, configuration: &Configuration) -> Result<Answer, Silence> {
    if !configuration.is_given() {
        return ask(target).await.map_err(|error| {
            let hint = if error.may_pass() { "; -c FILE asks its sources without one" } else { "" };
            let Silence { text, code } = error.into();
            Silence { text: text + hint, code }
        });
    }
    let (settings, _) = configuration.load()?;
    let named = target.socket.is_some() || target.name.is_some();
    let meant = if named { target.clone() } else { its_own(target, &settings) };
    match ask(&meant).await {
        Err(error) if error.may_pass() => {}
        answered => return Ok(answered?),
    }
    let Planned { plan, remarks } = app::plan(&settings).await?;
    Ok(Answer { plan, remarks })
}

/// The lictor that runs on this configuration: at its socket or, as a unit may have a runtime directory of its own, wherever one
/// of this name is found.
fn its_own(target: &Target, settings: &Settings) -> Target {
    match settings.admin.socket.clone() {
        Some(socket) => Target { socket: Some(socket), ..target.clone() },
        None => Target { name: Some(settings.name.clone()), ..target.clone() },
    }
}

async fn ask(target: &Target) -> Result<Answer, ClientError> {
    let client = Client::find(target).await?;
    let body = client.read("/plan", SOON).await?;
    let plan = serde_json::from_slice(&body).map_err(|error| client.strange(&error))?;
    Ok(Answer { plan, remarks: Vec::new() })
}
