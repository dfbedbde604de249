//! Where the plan comes from: the running lictor or, with a configuration and no lictor on it, its sources and the
//! state directory.

use std::io::Write;
use std::time::Duration;

use serde::Deserialize;

use crate::app::{AppError, Foresight, Planned};
use crate::chain::sentence;
use crate::cli::client::{Client, ClientError};
use crate::cli::configuration::Configuration;
use crate::cli::follow::{self, GRACE};
use crate::cli::locate::Target;
use crate::config::{Errors, Settings};
use crate::exit;
use crate::machine::plan::Plan;

/// How long the answer of a lictor may take.
const SOON: Duration = Duration::from_secs(10);
/// How long one request waits for another board.
const WAIT: Duration = Duration::from_secs(20);
/// How often lictor's socket is tried while lictor is not running.
const LOOK: Duration = Duration::from_secs(2);

/// What the next request needs to know of a board.
#[derive(Deserialize)]
struct Gist {
    index: u64,
}

/// The plan, and remarks about how it was made.
pub(super) struct Answer {
    pub(super) plan: Plan,
    pub(super) remarks: Vec<String>,
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Silence {
    text: String,
    /// The exit code.
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

/// Who makes the plans.
pub(super) enum Planner {
    /// The lictor that runs, and which of its boards was seen last.
    Lictor { client: Client, board: Option<u64> },
    /// We, from its sources, until the lictor that is meant can be asked.
    Sources(Box<Foresight>, Target),
}

/// Asks the running lictor, else the sources.
pub(super) async fn find(target: &Target, configuration: &Configuration) -> Result<(Planner, Answer), Silence> {
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
    let mut foresight = Foresight::new(settings)?;
    let Planned { plan, remarks } = foresight.now().await?;
    Ok((Planner::Sources(Box::new(foresight), meant), Answer { plan, remarks }))
}

impl Planner {
    /// Waits until there is another plan than this one. A lictor that is started again is waited for.
    pub(super) async fn next(&mut self, shown: &Plan, err: &mut dyn Write) -> Result<Plan, Silence> {
        loop {
            let plan = match self {
                Self::Lictor { client, board } => after(client, board, err).await?,
                Self::Sources(foresight, meant) => tokio::select! {
                    wish = foresight.changed() => foresight.plan(wish).await,
                    (planner, answer) = started(meant) => {
                        *self = planner;
                        answer.plan
                    }
                },
            };
            if plan != *shown {
                return Ok(plan);
            }
        }
    }
}

/// The plan as of the next board, or of the present one if none was seen yet.
async fn after(client: &Client, seen: &mut Option<u64>, err: &mut dyn Write) -> Result<Plan, ClientError> {
    loop {
        let path =
            seen.map_or_else(|| "/board".to_owned(), |index| format!("/board?index={index}&wait={}s", WAIT.as_secs()));
        let asked = async {
            let board = client.read(&path, WAIT + GRACE).await?;
            let Gist { index } = serde_json::from_slice(&board).map_err(|error| client.strange(&error))?;
            Ok((index, read(client).await?))
        };
        match asked.await {
            Ok((index, plan)) => {
                *seen = Some(index);
                return Ok(plan);
            }
            Err(error) if ClientError::may_pass(&error) => {
                // The next lictor counts its boards anew.
                *seen = None;
                follow::again(client, "/board", &error, err).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the lictor that is meant can be asked.
async fn started(meant: &Target) -> (Planner, Answer) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(found) = ask(meant).await {
            return found;
        }
    }
}

/// The lictor that runs on this configuration: at its socket or, as a unit may have a runtime directory of its own,
/// wherever one of this name is found.
fn its_own(target: &Target, settings: &Settings) -> Target {
    match settings.admin.socket.clone() {
        Some(socket) => Target { socket: Some(socket), ..target.clone() },
        None => Target { name: Some(settings.name.clone()), ..target.clone() },
    }
}

async fn ask(target: &Target) -> Result<(Planner, Answer), ClientError> {
    let client = Client::find(target).await?;
    let plan = read(&client).await?;
    Ok((Planner::Lictor { client, board: None }, Answer { plan, remarks: Vec::new() }))
}

async fn read(client: &Client) -> Result<Plan, ClientError> {
    let body = client.read("/plan", SOON).await?;
    serde_json::from_slice(&body).map_err(|error| client.strange(&error))
}
