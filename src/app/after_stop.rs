//! Runs after lictor's process has ended (`ExecStopPost=` of the unit). The service outlives a lictor that was killed, because systemd
//! starts another one, which takes it over; but nothing outlives a real stop.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::exit;
use crate::offload::offload;
use crate::service::{Unit, end_leftovers};
use crate::state;
use crate::state::places::{Account, default_directory};

/// How long the processes that are left have to end by themselves ...
const GRACE: Duration = Duration::from_secs(10);
/// ... and how long if the unit's time for a stop is over already: systemd would kill them at once, and gives this command no more
/// than `TimeoutStopSec=`.
const GRACE_AFTER_TIMEOUT: Duration = Duration::from_millis(300);
/// After this long, no lictor is expected to come back.
const UNTIL_GIVEN_UP: Duration = Duration::from_secs(30);
/// The time between two looks whether one has come back.
const LOOK: Duration = Duration::from_millis(200);

/// The unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The unit's whole name.
    pub unit: String,
    /// The state directory of its lictor.
    pub state: PathBuf,
    /// `$SERVICE_RESULT`.
    pub result: String,
    /// `$EXIT_STATUS`.
    pub status: String,
}

/// The part of the work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Decides, and ends what is left if no other lictor will take it over.
    Decide,
    /// Waits for the lictor that should take over, and ends what is left if none comes.
    Guard,
}

/// What becomes of the processes that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// No lictor will take them over, so they are ended.
    End,
    /// They are left to the lictor that systemd starts next, unless the unit is being stopped after all.
    Keep,
}

impl Stopped {
    /// This unit, from the variables that systemd sets for `ExecStopPost=`.
    pub fn of_environment(unit: String, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let word = |name: &str| lookup(name).and_then(|word| word.into_string().ok()).unwrap_or_default();
        // lictor@billing.service
        let instance = unit.split_once('@').map_or(unit.as_str(), |(_, instance)| instance);
        let instance = instance.strip_suffix(".service").unwrap_or(instance);
        let state = default_directory(instance, &lookup, Account::current());
        Self { state, result: word("SERVICE_RESULT"), status: word("EXIT_STATUS"), unit }
    }

    fn fate(&self) -> Fate {
        let misconfigured = self.result == "exit-code" && self.status == exit::CONFIGURATION.to_string();
        match self.result.as_str() {
            // lictor was stopped, or stood still while it was being stopped.
            "success" | "timeout" => Fate::End,
            // Another one is not started.
            _ if misconfigured => Fate::End,
            _ => Fate::Keep,
        }
    }

    /// Returns a sentence if any process was ended.
    async fn end(&self) -> Option<String> {
        let lineage = state::peek_mark(&self.state).and_then(|mark| mark.parse().ok());
        let grace = if self.result == "timeout" { GRACE_AFTER_TIMEOUT } else { GRACE };
        let ended = end_leftovers(lineage, Unit::of_this_process(&self.unit), grace).await;
        (ended > 0)
            .then(|| format!("lictor had ended without stopping the service: {ended} of its processes were ended"))
    }

    /// Whether systemd is about to stop the unit, or to stop it before it starts it again; no if systemd does not say.
    async fn is_being_stopped(&self) -> bool {
        let jobs = self.systemctl(&["list-jobs", "--no-legend", "--plain", "--full"]).await.unwrap_or_default();
        let job = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            words.next() == Some(&self.unit) && matches!(words.next(), Some("stop" | "restart"))
        };
        jobs.lines().any(job)
    }

    /// Whether systemd has given the unit up and does not start it again by itself; no if systemd does not say.
    async fn is_given_up(&self) -> bool {
        let state = self.systemctl(&["show", "--property=ActiveState", "--value", &self.unit]).await;
        matches!(state.as_deref().map(str::trim), Some("inactive" | "failed"))
    }

    async fn systemctl(&self, words: &[&str]) -> Option<String> {
        let mut command = Command::new("systemctl");
        command.args(words).stdin(Stdio::null()).stderr(Stdio::null());
        let output = offload(move || command.output()).await.ok()?.ok()?;
        String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
    }
}

/// Does one part for this unit; returns the sentence to print.
pub async fn after_stop(stopped: Stopped, part: Part) -> Option<String> {
    match part {
        Part::Decide if stopped.fate() == Fate::End || stopped.is_being_stopped().await => stopped.end().await,
        Part::Decide => leave_a_guard(&stopped),
        Part::Guard => {
            let end = Instant::now() + UNTIL_GIVEN_UP;
            while !state::is_held(&stopped.state) {
                if stopped.is_given_up().await || Instant::now() >= end {
                    return stopped.end().await;
                }
                sleep(LOOK).await;
            }
            None
        }
    }
}

/// systemd waits for this process before it starts lictor again, so another one has to wait for lictor. Without it, a stop
/// between the end of one lictor and the start of the next would leave the service: systemd runs nothing then.
fn leave_a_guard(stopped: &Stopped) -> Option<String> {
    let guard = std::env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        command.args(["after-stop", "--guard", "--unit", &stopped.unit]).stdin(Stdio::null()).process_group(0);
        command.spawn()
    });
    let error = guard.err()?;
    Some(format!(
        "the process that waits for the next lictor cannot be started, so processes of the service may outlive a stop: {error}"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Fate, Stopped};

    #[test]
    fn the_service_outlives_only_a_lictor_that_comes_back() {
        let fate = |result: &str, status: &str| {
            let (result, status) = (result.to_owned(), status.to_owned());
            Stopped { unit: "lictor@svc.service".into(), state: "/".into(), result, status }.fate()
        };
        assert_eq!(fate("success", "0"), Fate::End);
        assert_eq!(fate("success", "TERM"), Fate::End);
        assert_eq!(fate("timeout", "KILL"), Fate::End, "frozen during a stop");
        assert_eq!(fate("exit-code", "78"), Fate::End, "it is not started again");
        for (result, status) in [("signal", "KILL"), ("watchdog", "ABRT"), ("core-dump", "SEGV"), ("exit-code", "70")] {
            assert_eq!(fate(result, status), Fate::Keep, "{result}");
        }
    }
}
