//! The deployment that asks: how it is recognised, and how its answer is recorded in lictor's history.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::locate::Target;
use crate::machine::deployment::{Deployment, Verdict};

/// How long lictor may take to keep a line.
const SOON: Duration = Duration::from_secs(5);

/// The deployment in whose hook this runs; `None`: a person asks.
pub(in super::super) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Deployment> {
    let word = |name| variable(name).unwrap_or_default();
    let (id, group, event) = (word("DEPLOYMENT_ID"), word("DEPLOYMENT_GROUP_NAME"), word("LIFECYCLE_EVENT"));
    (!id.is_empty()).then_some(Deployment { id, group, event })
}

/// Sends the answer to lictor for its board and history. The error says why it was not kept.
pub(super) async fn record(
    target: &Target,
    deployment: &Deployment,
    verdict: Verdict,
    reason: &str,
) -> Result<(), String> {
    let words = json!({
        "deployment": deployment.id, "group": deployment.group, "event": deployment.event,
        "verdict": verdict, "reason": reason,
    });
    let client = Client::find(target).await.map_err(|error| error.to_string())?;
    let answer = client.post("/verb/validated", words.to_string(), SOON).await.map_err(|error| error.to_string())?;
    if answer.status == 200 {
        return Ok(());
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Err(said["error"].as_str().unwrap_or("lictor did not say why").to_owned())
}
