//! `/env`: the variables of the service by name, with origin and fingerprint; values only of public keys.

use hyper::StatusCode;
use serde_json::json;

use super::reply::{Answer, error, json as json_answer};
use crate::machine::Board;

/// The environment that runs, as it may be shown.
pub(super) fn variables(board: &Board) -> Answer {
    let written = match &board.environment {
        Some(environment) => serde_json::to_vec(environment.as_ref()),
        None => serde_json::to_vec(&json!({ "fingerprint": null, "variables": [] })),
    };
    match written {
        Ok(body) => json_answer(StatusCode::OK, body),
        Err(reason) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the environment cannot be written: {reason}"))
        }
    }
}
