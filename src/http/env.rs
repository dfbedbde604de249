//! `/env`: the variables of the service by name, with origin and fingerprint; values only of public keys.
//! `/env?diff`: what the newest wish would change.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::reply::{Answer, error, json as json_answer};
use crate::environment::{Environment, Fingerprint, ShownVariable};
use crate::machine::Board;

/// The difference between the environment that runs and the newest wish. Lists are in the order of the names.
#[derive(Serialize)]
struct Difference {
    /// The environment that runs.
    running: Option<Fingerprint>,
    /// The newest wish; `None`: the sources do not compose to one.
    wish: Option<Fingerprint>,
    added: Vec<ShownVariable>,
    changed: Vec<Changed>,
    removed: Vec<ShownVariable>,
}

#[derive(Serialize)]
struct Changed {
    before: ShownVariable,
    after: ShownVariable,
}

/// The environment that runs, without values that must not be shown.
pub(super) fn variables(board: &Board) -> Answer {
    match &board.environment {
        Some(environment) => written(environment.as_ref()),
        None => written(&json!({ "fingerprint": null, "variables": [] })),
    }
}

/// What the newest wish changes in it, without values that must not be shown.
pub(super) fn difference(board: &Board) -> Answer {
    let shown = |environment: &Option<Arc<Environment>>| -> BTreeMap<String, ShownVariable> {
        let variables = environment.as_ref().map(|environment| environment.shown()).unwrap_or_default();
        variables.into_iter().map(|variable| (variable.name.clone(), variable)).collect()
    };
    let wish = board.wish.as_ref().or(board.environment.as_ref()).cloned();
    let (mut before, after) = (shown(&board.environment), shown(&wish));
    let mut difference = Difference {
        running: board.environment.as_ref().map(|environment| environment.fingerprint()),
        wish: board.wish.as_ref().map(|environment| environment.fingerprint()),
        added: Vec::new(),
        changed: Vec::new(),
        removed: Vec::new(),
    };
    for (name, after) in after {
        match before.remove(&name) {
            None => difference.added.push(after),
            Some(before) if before.fingerprint != after.fingerprint => {
                difference.changed.push(Changed { before, after });
            }
            Some(_) => {}
        }
    }
    difference.removed = before.into_values().collect();
    written(&difference)
}

fn written(what: &impl Serialize) -> Answer {
    match serde_json::to_vec(what) {
        Ok(body) => json_answer(StatusCode::OK, body),
        Err(reason) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the environment cannot be written: {reason}"))
        }
    }
}
