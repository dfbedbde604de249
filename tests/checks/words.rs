//! What lictor says of one check: the word on `/status`, and the reason on the board.

use lictor::machine::Board;
use lictor::machine::board::{CheckPicture, CheckState};

use crate::harness::{Lictor, Setup};

/// A lictor with one check, `Probe`, of this kind, probed quickly; the service itself is there for good.
pub fn with_check(setup: Setup, kind: &str) -> Setup {
    let kind = kind.replace('\n', "\n  ");
    setup.config(&format!(
        "check \"Probe\" {{\n  {kind}\n  interval = \"100ms\"\n  timeout = \"1s\"\n  fall = 1\n  role = \"info\"\n}}\n"
    ))
}

/// A directory with one key as the source.
pub fn setup() -> Setup {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    setup
}

fn probe(board: &Board) -> &CheckPicture {
    board.checks.iter().find(|check| check.name == "Probe").expect("the check is on the board")
}

/// Waits until the check passes, and sees its word.
#[track_caller]
pub fn passes(lictor: &Lictor) {
    lictor.until("the check passes", |board| probe(board).state == CheckState::Passing);
    assert_eq!(lictor.status().1["Probe"], "Healthy");
}

/// Waits until the check fails for this reason, and sees its word.
#[track_caller]
pub fn fails(lictor: &Lictor, why: &str) {
    let such = |check: &CheckPicture| {
        check.state == CheckState::Failing && check.why.as_deref().is_some_and(|text| text.contains(why))
    };
    lictor.until(&format!("the check fails: {why}"), |board| such(probe(board)));
    assert_eq!(lictor.status().1["Probe"], "Unhealthy");
}

/// That none of these is in anything that lictor shows or says.
#[track_caller]
pub fn nowhere(lictor: &Lictor, secrets: &[&str]) {
    let pages = ["/status", "/health", "/board", "/env", "/metrics"].map(|path| lictor.get(path).text());
    let all = pages.join("\n") + &lictor.log();
    for secret in secrets {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}
