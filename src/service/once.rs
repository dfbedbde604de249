//! `run --once`: runs the command once, to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use futures_util::{Stream, StreamExt};
use signal_hook_tokio::Signals;
use tokio::time::sleep;

use super::Command;
use super::account::Accounts;
use super::failure::ServiceError;
use super::foreground::Foreground;
use super::launch::{Launch, Launched, launch};
use super::own_children::OwnChildren;
use crate::environment::Environment;
use crate::machine::event::Exit;
use crate::offload::offload;

/// Runs the command to its end on lictor's own streams and gives its exit code, 128+n after a signal.
///
/// `signals` gives the numbers of the signals that lictor receives. Each is passed on to the process group, and after SIGTERM or
/// SIGINT the group has `kill_timeout` before it is killed. Processes that the command leaves running are left alone. On a terminal
/// the command gets the foreground, so that it can ask the user; Ctrl-Z stops both it and lictor.
///
/// # Errors
/// When it cannot be started; the error has the exit code that a shell would give.
pub async fn once(
    command: Command,
    environment: Arc<Environment>,
    signals: impl Stream<Item = i32>,
) -> Result<u8, ServiceError> {
    let kill_timeout = command.kill_timeout;
    let launched = offload(move || {
        let launch_of = Launch::of_service(&command, &environment, &Accounts::default(), None)?;
        launch(launch_of, &OwnChildren::default())
    });
    let launched = launched.await.map_err(|source| ServiceError::Watch { source })?;
    let Launched { process, enrolled: _enrolled } = launched?;
    let foreground = Foreground::lend(process.pid());
    let mut changes = foreground.is_some().then(|| Signals::new([libc::SIGCHLD]).ok()).flatten();
    let mut signals = pin!(signals);
    // Polled only once the stop has begun.
    let mut killed = pin!(sleep(Duration::MAX));
    let mut phase = Phase::Running;
    let exit = loop {
        tokio::select! {
            exit = process.exited() => break exit,
            Some(_) = OptionFuture::from(changes.as_mut().map(StreamExt::next)) => {
                if let Some(foreground) = &foreground {
                    foreground.follow_a_stop();
                }
            }
            Some(number) = signals.next() => {
                if let Err(error) = process.signal_group(number) {
                    tracing::warn!(number, %error, "cannot signal the command");
                }
                if phase == Phase::Running && matches!(number, libc::SIGTERM | libc::SIGINT) {
                    phase = Phase::Stopping;
                    killed.set(sleep(kill_timeout));
                }
            }
            () = &mut killed, if phase == Phase::Stopping => {
                phase = Phase::Killed;
                process.kill_group();
            }
        }
    };
    process.reap();
    drop(foreground);
    Ok(match exit {
        // The kernel keeps only eight bits of an exit code.
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
