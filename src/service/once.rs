//! `run --once`: the command, once, to its end.

use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::sleep;

use super::Command;
use super::failure::ServiceError;
use super::launch::{Launch, child_environment, launch};
use crate::environment::Environment;
use crate::machine::event::Exit;

/// Runs the command to its end on lictor's own streams and gives its exit code, 128+n after a signal.
///
/// `signals` are the numbers of those that lictor gets: each goes on to the process group, and SIGTERM or SIGINT starts
/// `kill_timeout`, after which it is killed. What the command leaves running is left alone.
///
/// # Errors
/// When it cannot be started; the error has the exit code that a shell would give.
pub async fn once(
    command: &Command,
    environment: &Environment,
    signals: impl Stream<Item = i32>,
) -> Result<u8, ServiceError> {
    let environment = child_environment(command, environment)?;
    let process = launch(Launch::inheriting(command, &environment))?;
    let mut signals = pin!(signals);
    // Not started yet: it is polled only once the stop has begun.
    let mut killed = pin!(sleep(Duration::MAX));
    let mut phase = Phase::Running;
    let exit = loop {
        tokio::select! {
            exit = process.exited() => break exit,
            Some(number) = signals.next() => {
                if let Err(error) = process.signal_group(number) {
                    tracing::warn!(number, %error, "cannot signal the command");
                }
                if phase == Phase::Running && matches!(number, libc::SIGTERM | libc::SIGINT) {
                    phase = Phase::Stopping;
                    killed.set(sleep(command.kill_timeout));
                }
            }
            () = &mut killed, if phase == Phase::Stopping => {
                phase = Phase::Killed;
                process.kill_group();
            }
        }
    };
    process.reap();
    Ok(match exit {
        // The kernel keeps eight bits of it.
        Exit::Code(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Exit::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        Exit::Unknown => u8::MAX,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping,
    Killed,
}
