//! What the tests of the whole program are made of, and how a check is looked at.

#![allow(dead_code, reason = "the whole-program tests need more of it")]

#[path = "../it/harness/address.rs"]
pub mod address;
#[path = "../it/harness/client.rs"]
pub mod client;
#[path = "../it/harness/lictor.rs"]
pub mod lictor;
#[path = "../it/harness/processes.rs"]
pub mod processes;
#[path = "../it/harness/program.rs"]
pub mod program;
#[path = "../it/harness/setup.rs"]
pub mod setup;
#[path = "../it/harness/wait.rs"]
pub mod wait;

use ::lictor::machine::board::{CheckPicture, CheckState};

pub use lictor::Lictor;
pub use setup::Setup;
pub use wait::eventually;

/// Stands in every password, and must be in nothing that is said.
pub const MARKER: &str = "hunter2";

/// A check on its label, often asked; `more` are the words beside the block.
pub fn check(label: &str, block: &str, more: &str) -> String {
    format!(
        "check \"{label}\" {{\n  {block}\n  interval = \"100ms\"\n  timeout = \"2s\"\n  fall = 1\n  role = \"info\"\n  \
         {more}\n}}\n"
    )
}

/// Waits until the check is bad for a reason with this in it.
pub fn until_bad(lictor: &Lictor, label: &str, reason: &str) -> String {
    let bad = |check: &CheckPicture| {
        let why = check.why.as_deref().unwrap_or_default();
        check.name == label && check.state == CheckState::Failing && why.contains(reason)
    };
    let board = lictor.until(&format!("{label} is bad: {reason}"), |board| board.checks.iter().any(bad));
    board.checks.into_iter().find(bad).and_then(|check| check.why).unwrap()
}

/// Waits until the check is good.
pub fn until_passing(lictor: &Lictor, label: &str) {
    lictor.until(&format!("{label} passes"), |board| {
        board.checks.iter().any(|check| check.name == label && check.state == CheckState::Passing)
    });
}

/// Everything that lictor says to anybody, in one text.
pub fn all_that_is_said(lictor: &Lictor) -> String {
    let pages = ["/status", "/health", "/health?warn", "/board", "/env", "/metrics", "/live", "/ready"];
    let pages = pages.map(|page| lictor.get(page).text()).join("\n");
    let verbs = ["status", "history", "env"].map(|verb| lictor::said(&lictor.cli(verb, &[]))).join("\n");
    format!("{pages}\n{verbs}\n{}", lictor.log())
}
